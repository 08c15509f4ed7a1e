import test from 'ava';
import { apply, type Command, taskKey } from '../../src/control/index.ts';
import { step } from '../../src/leader/index.ts';
import { specOf } from './helpers/specs.ts';
import { Transcript } from './helpers/transcript.ts';

/** One source, one stage of one task, on node a, all at work. */
function running(): Transcript {
  const t = new Transcript();
  t.connect('a');
  t.submit(specOf(1, [1]));
  t.report('a 1/0 starting', 'a 1/0 running');
  t.report('a 0/0 starting', 'a 0/0 running');
  return t;
}

test('a job goes from submission to its end, consumers started first', (t) => {
  const leader = new Transcript();
  t.deepEqual(leader.connect('a'), ['propose node-admit a']);
  t.deepEqual(leader.submit(specOf(1, [2])), [
    'propose starting',
    'propose assign 1/0 on a',
    'propose assign 1/1 on a',
    'propose assign 0/0 on a',
    'a <- start 1/0#1',
    'a <- start 1/1#1',
  ]);
  t.deepEqual(leader.report('a 1/0 starting'), []);
  t.deepEqual(leader.report('a 1/1 starting'), ['a <- start 0/0#1 to 0@a 1@a']);
  t.deepEqual(leader.report('a 1/0 running', 'a 1/1 running', 'a 0/0 running'), [
    'propose running',
  ]);
  t.deepEqual(leader.report('a 0/0 finished'), [
    'propose done 0/0#1',
    'a <- stop 0/0#1 now',
    'propose finishing',
  ]);
  t.deepEqual(leader.report('a 1/1 finished'), ['propose done 1/1#1', 'a <- stop 1/1#1 now']);
  t.deepEqual(leader.report('a 1/0 finished'), [
    'propose done 1/0#1',
    'a <- stop 1/0#1 now',
    'propose finished',
  ]);
  t.deepEqual(leader.report('a 1/0 running'), []);
});

test('a consumer that is finished before its producer is recorded after it', (t) => {
  const leader = running();
  t.deepEqual(leader.report('a 1/0 finished'), []);
  t.deepEqual(leader.report('a 0/0 finished'), [
    'propose done 0/0#1',
    'propose done 1/0#1',
    'a <- stop 0/0#1 now',
    'propose finishing',
    'a <- stop 1/0#1 now',
    'propose finished',
  ]);
});

test('a consumer that moves is made known to its producers when it is up', (t) => {
  const leader = new Transcript();
  leader.connect('a');
  leader.connect('b');
  leader.submit(specOf(1, [1]));
  const at = (stage: number): string => {
    return leader.control.jobs.get('j')?.tasks.get(taskKey(stage, 0))?.node ?? '';
  };
  leader.report(`${at(1)} 1/0 running`);
  leader.report(`${at(0)} 0/0 running`);
  const [gone, left] = [at(1), at(0)];
  t.not(gone, left);
  t.deepEqual(leader.dead(gone), [
    `propose node-remove ${gone}`,
    `propose assign 1/0 on ${left}`,
    `${left} <- start 1/0#2`,
  ]);
  t.deepEqual(leader.report(`${gone} 1/0#1 finished`), []);
  t.deepEqual(leader.report(`${left} 1/0 starting`), [`${left} <- routes of 1: 0@${left}`]);
  t.deepEqual(leader.report(`${left} 1/0 running`), []);
});

test('the first fault of a task stops all and fails the job with its sentence', (t) => {
  const leader = running();
  t.deepEqual(leader.report('a 1/0 failed it broke'), [
    'a <- stop 1/0#1 now',
    'a <- stop 0/0#1 now',
    'propose failed: signs/s1[0]: it broke',
  ]);
  t.deepEqual(leader.report('a 0/0 failed me too'), []);
  t.is(leader.state, 'failed');
  const events = leader.leader.runs.get('j')?.events.map(({ text }) => text);
  t.deepEqual(events?.slice(-2), [
    'signs/s1[0] failed: it broke (attempt 1, vm @a, pid 101, operator filter.py, log task.log)',
    'job signs (j) failed: signs/s1[0]: it broke',
  ]);
});

test('a failed job that goes on has new attempts and no old fault', (t) => {
  const leader = running();
  leader.report('a 1/0 failed it broke');
  t.deepEqual(leader.move('starting'), [
    'propose assign 1/0 on a',
    'propose assign 0/0 on a',
    'a <- start 1/0#2',
  ]);
  leader.report('a 1/0 running');
  t.deepEqual(leader.report('a 0/0 running'), ['propose running']);
});

test('an attempt that was fenced is replaced, the job goes on', (t) => {
  const leader = running();
  t.deepEqual(leader.report('a 1/0 failed fenced'), [
    'a <- stop 1/0#1 now',
    'propose assign 1/0 on a',
    'a <- start 1/0#2',
  ]);
  t.deepEqual(leader.report('a 1/0 fenced'), [
    'a <- stop 1/0#2 now',
    'propose assign 1/0 on a',
    'a <- start 1/0#3',
  ]);
  t.is(leader.state, 'running');
});

test('an attempt whose files were not served is replaced: that is no fault of the job', (t) => {
  const leader = running();
  t.deepEqual(leader.report('a 1/0 failed unserved'), [
    'a <- stop 1/0#1 now',
    'propose assign 1/0 on a',
    'a <- start 1/0#2',
  ]);
  t.is(leader.state, 'running');
});

test('a suspended job comes to rest stage by stage and goes on with the next epochs', (t) => {
  const leader = running();
  t.deepEqual(leader.move('suspending'), ['a <- stop 0/0#1 pause']);
  t.deepEqual(leader.report('a 0/0 quiet'), ['a <- stop 1/0#1 pause']);
  t.deepEqual(leader.report('a 1/0 quiet'), [
    'a <- stop 1/0#1 now',
    'a <- stop 0/0#1 now',
    'propose suspended',
  ]);
  t.deepEqual(leader.report('a 1/0 quiet'), []);
  t.deepEqual(leader.move('starting'), [
    'propose assign 1/0 on a',
    'propose assign 0/0 on a',
    'a <- start 1/0#2',
  ]);
});

test('a task that is lost while a job comes to rest is not waited for', (t) => {
  const leader = running();
  leader.move('suspending');
  t.deepEqual(leader.dead('a'), ['propose node-remove a', 'propose suspended']);
  t.is(leader.state, 'suspended');
});

test('a task that is still starting or recovering is not waited for by a job coming to rest', (t) => {
  for (const phase of ['starting', 'recovering']) {
    const leader = new Transcript();
    leader.connect('a');
    leader.submit(specOf(1, [1]));
    leader.report('a 1/0 starting', 'a 0/0 running', `a 1/0 ${phase}`);
    t.deepEqual(leader.move('suspending'), [
      'a <- stop 1/0#1 now',
      'a <- stop 0/0#1 now',
      'propose suspended',
    ]);
    t.is(leader.state, 'suspended');
  }
  const ordered = new Transcript();
  ordered.connect('a');
  ordered.submit(specOf(1, [1]));
  t.deepEqual(ordered.move('suspending'), ['a <- stop 1/0#1 now', 'propose suspended']);
});

test('a task that begins to recover while a job comes to rest is not waited for', (t) => {
  const leader = running();
  leader.move('suspending');
  t.deepEqual(leader.report('a 1/0 recovering'), [
    'a <- stop 1/0#1 now',
    'a <- stop 0/0#1 now',
    'propose suspended',
  ]);
});

test('a drained job ends its sources, also those that start again', (t) => {
  const leader = running();
  t.deepEqual(leader.move('stopping'), ['a <- stop 0/0#1 end']);
  t.deepEqual(leader.report('a 0/0 failed fenced'), [
    'a <- stop 0/0#1 now',
    'propose assign 0/0 on a',
    'a <- start 0/0#2 to 0@a',
    'a <- stop 0/0#2 end',
  ]);
  t.deepEqual(leader.report('a 0/0 finished', 'a 1/0 finished'), [
    'propose done 0/0#2',
    'propose done 1/0#1',
    'a <- stop 0/0#2 now',
    'a <- stop 1/0#1 now',
    'propose stopped',
  ]);
});

test('a cancelled job stops everything at once', (t) => {
  const leader = running();
  t.deepEqual(leader.move('cancelling'), [
    'a <- stop 1/0#1 now',
    'a <- stop 0/0#1 now',
    'propose cancelled',
  ]);
});

test('a node that was only disconnected keeps its attempts and is told again what holds', (t) => {
  const leader = running();
  t.deepEqual(leader.disconnect('a'), []);
  t.deepEqual(leader.move('stopping'), []);
  t.deepEqual(leader.connect('a', ['1/0#1', '0/0#1', '0/0#7']), [
    'a <- stop 0/0#7 now',
    'a <- routes of 1: 0@a',
    'a <- stop 0/0#1 end',
  ]);
});

test('an attempt that a returning node does not know is replaced', (t) => {
  const leader = running();
  leader.disconnect('a');
  t.deepEqual(leader.connect('a', ['0/0#1']), ['propose assign 1/0 on a', 'a <- start 1/0#2']);
});

test('tasks are spread over the nodes before they are stacked', (t) => {
  const leader = new Transcript();
  for (const node of ['a', 'b', 'c']) leader.connect(node);
  leader.submit(specOf(1, [5]));
  const nodes = [...(leader.control.jobs.get('j')?.tasks.values() ?? [])].map(({ node }) => node);
  t.is(nodes.length, 6);
  for (const node of ['a', 'b', 'c']) t.is(nodes.filter((each) => each === node).length, 2, node);
});

test('a job waits for a first node', (t) => {
  const leader = new Transcript();
  t.deepEqual(leader.submit(specOf(1, [1])), ['propose starting']);
  t.deepEqual(leader.connect('a').slice(0, 3), [
    'propose node-admit a',
    'propose assign 1/0 on a',
    'propose assign 0/0 on a',
  ]);
});

test('a job whose description cannot be read fails and says why', (t) => {
  const leader = new Transcript();
  const { control } = leader;
  const submit = {
    kind: 'job-submit',
    job: 'j',
    name: 'old',
    spec: { a: 1 },
    fingerprint: 'f',
  } as const;
  t.regex(leader.decide(submit).join(), /^propose failed: a stored job description/);
  t.is(leader.state, 'failed');
  t.not(leader.control, control);
});

test('whoever looks at a job is told when it is forgotten for newer ones', (t) => {
  const leader = new Transcript();
  const spec = specOf(1, [1]);
  for (let i = 0; i <= 256; i++) {
    leader.submit(spec, `j${i}`);
    leader.decide({ kind: 'job-state', job: `j${i}`, to: 'failed' });
  }
  t.true(leader.leader.runs.has('j0'));
  const command = {
    kind: 'job-submit',
    job: 'new',
    name: spec.name,
    spec: { ...spec },
    fingerprint: 'f',
    term: 1,
    at: 1,
  } satisfies Command;
  const { state, outcome } = apply(leader.control, command);
  const applied = { index: state.index, command, outcome, state };
  const next = step(leader.leader, { kind: 'applied', applied, at: 1 });
  t.false(next.state.runs.has('j0'));
  const told = next.effects.flatMap((effect) => (effect.kind === 'changed' ? [effect.job] : []));
  t.true(told.includes('j0'));
  t.false(told.includes('j1'));
});
