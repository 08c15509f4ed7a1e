import test from 'ava';
import { type ControlState, type JobState, restore, snapshot } from '../../src/control/index.ts';
import { specOf } from './helpers/specs.ts';
import { Transcript } from './helpers/transcript.ts';

const atWork = ['a#1 1/0 running', 'a#1 0/0 starting', 'a#1 0/0 running'];

/** A control state with a job in `state`, as a killed process leaves it. */
function killedIn(state: JobState): ControlState {
  const leader = new Transcript();
  if (state === 'submitted') {
    leader.submit(specOf(1, [1]));
    const job = leader.control.jobs.get('j');
    if (job === undefined) throw new Error('submitted jobs are known');
    const jobs = new Map([['j', { ...job, state }]]);
    return { ...leader.control, jobs };
  }
  leader.connect('a#1');
  leader.submit(specOf(1, [1]));
  if (state === 'starting') return leader.control;
  for (const report of atWork) leader.report(report);
  if (state === 'finishing') leader.report('a#1 0/0 finished');
  if (state === 'suspending' || state === 'suspended') leader.move('suspending');
  if (state === 'suspended') leader.report('a#1 0/0 quiet', 'a#1 1/0 quiet');
  if (state === 'stopping') leader.move('stopping');
  if (state === 'cancelling') {
    const job = leader.control.jobs.get('j');
    if (job !== undefined) {
      return { ...leader.control, jobs: new Map([['j', { ...job, state }]]) };
    }
  }
  return leader.control;
}

const starts = ['propose assign 1/0 on a#2', 'propose assign 0/0 on a#2', 'a#2 <- start 1/0#2'];

/** What a fresh process on the same place does when its node has joined. */
const expected: readonly (readonly [JobState, readonly string[], JobState])[] = [
  [
    'submitted',
    ['propose assign 1/0 on a#2', 'propose assign 0/0 on a#2', 'a#2 <- start 1/0#1'],
    'starting',
  ],
  ['starting', starts, 'starting'],
  ['running', starts, 'running'],
  ['finishing', ['propose assign 1/0 on a#2', 'a#2 <- start 1/0#2'], 'finishing'],
  ['suspending', [], 'suspended'],
  ['suspended', [], 'suspended'],
  ['stopping', starts, 'stopping'],
  ['cancelling', [], 'cancelled'],
];

for (const [state, effects, then] of expected) {
  test(`a job that was ${state} when the process was killed goes on from there`, (t) => {
    const control = restore(snapshot(killedIn(state)));
    t.is(control.jobs.get('j')?.state, state);
    const leader = new Transcript(control);
    const lines = leader.connect('a#2');
    const own = /node-admit|^propose (starting|suspended|cancelled)$/;
    t.deepEqual(
      lines.filter((line) => !own.test(line)),
      effects,
    );
    t.is(leader.state, then);
    t.deepEqual([...leader.control.nodes.keys()], ['a#2']);
  });

  test(`a job that was ${state} is brought to rest when the process is to hold`, (t) => {
    const leader = new Transcript(restore(snapshot(killedIn(state))), true);
    leader.connect('a#2');
    t.is(leader.state, state === 'cancelling' ? 'cancelled' : 'suspended');
    t.false([...leader.leader.runs.values()].some((run) => run.attempts.size > 0));
    if (state === 'cancelling') return;
    const goesOn = state === 'stopping' ? 'stopping' : 'starting';
    t.true(leader.move(goesOn).some((line) => line.startsWith('a#2 <- start 1/0')));
    t.is(leader.state, goesOn);
  });
}

test('a stop outlives the process, also when the next one holds', (t) => {
  const leader = new Transcript(restore(snapshot(killedIn('stopping'))), true);
  leader.connect('a#2');
  t.is(leader.state, 'suspended');
  t.deepEqual(leader.move('starting'), ['refused starting: illegal-transition']);
  t.deepEqual(leader.move('stopping'), starts);
  t.deepEqual(leader.report('a#2 1/0 running', 'a#2 0/0 starting'), [
    'a#2 <- start 0/0#2 to 0@a#2',
    'a#2 <- stop 0/0#2 end',
  ]);
  t.is(leader.report('a#2 0/0 finished', 'a#2 1/0 finished').at(-1), 'propose stopped');
});

test('the next leader takes over what runs and starts none of it again', (t) => {
  const leader = new Transcript(killedIn('running'));
  t.deepEqual(leader.connect('a#1', ['1/0#1', '0/0#1']), []);
  t.deepEqual(leader.report('a#1 1/0 running', 'a#1 0/0 running'), ['a#1 <- routes of 1: 0@a#1']);
  t.deepEqual(leader.report('a#1 0/0 finished', 'a#1 1/0 finished'), [
    'propose done 0/0#1',
    'propose done 1/0#1',
    'a#1 <- stop 0/0#1 now',
    'propose finishing',
    'a#1 <- stop 1/0#1 now',
    'propose finished',
  ]);
});

test('a task that was assigned and not started gets the next epoch', (t) => {
  const leader = new Transcript(killedIn('starting'));
  t.deepEqual(leader.connect('a#1', ['1/0#1']), ['propose assign 0/0 on a#1']);
  t.deepEqual(leader.report('a#1 1/0 starting'), ['a#1 <- start 0/0#2 to 0@a#1']);
});

test('a node that may still come back is waited for', (t) => {
  const leader = new Transcript(killedIn('running'));
  t.deepEqual(leader.connect('b#1'), ['propose node-admit b#1']);
  t.deepEqual(leader.dead('a#1'), [
    'propose node-remove a#1',
    'propose assign 1/0 on b#1',
    'propose assign 0/0 on b#1',
    'b#1 <- start 1/0#2',
  ]);
});
