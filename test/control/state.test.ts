import test from 'ava';
import fc from 'fast-check';
import {
  apply,
  type Command,
  type ControlState,
  emptyState,
  isLive,
  JOBS_ENDED_MAX,
  type JobState,
  jobEdges,
  jobStates,
  liveJobNamed,
  type Outcome,
  restore,
  snapshot,
} from '../../src/control/index.ts';
import { commandRun } from './helpers/commands.ts';
import { type Apply, brokenRule } from './helpers/rules.ts';

type Loose = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

function after(...commands: Loose[]): { state: ControlState; outcomes: Outcome[] } {
  let state = emptyState;
  const outcomes = commands.map((command) => {
    const next = apply(state, { ...command, term: 1, at: 7 });
    state = next.state;
    return next.outcome;
  });
  return { state, outcomes };
}

const node = { kind: 'node-admit', node: 'h:1#a', address: 'h:1', cores: 2 } as const;
const submit = {
  kind: 'job-submit',
  job: 'j',
  name: 'signs',
  spec: {},
  fingerprint: 'f',
} as const;
const assign = { kind: 'assign', job: 'j', stage: 1, index: 0, node: 'h:1#a' } as const;
const done = { kind: 'task-done', job: 'j', stage: 1, index: 0, epoch: 1, counts: {} } as const;

test('each assignment of a task has the next epoch', (t) => {
  const { outcomes } = after(node, submit, assign, assign, { ...assign, index: 1 });
  t.deepEqual(outcomes.slice(2), [
    { ok: true, epoch: 1 },
    { ok: true, epoch: 2 },
    { ok: true, epoch: 1 },
  ]);
});

test('only the newest attempt can finish its task, and once', (t) => {
  const { outcomes } = after(
    node,
    submit,
    assign,
    assign,
    done,
    { ...done, epoch: 2 },
    {
      ...done,
      epoch: 2,
    },
  );
  t.deepEqual(outcomes.slice(4), [
    { ok: false, why: 'stale-epoch', of: '1/0' },
    { ok: true },
    { ok: false, why: 'already-done', of: '1/0' },
  ]);
});

test('a name belongs to one live job and is free after its end', (t) => {
  const other = { ...submit, job: 'k' };
  const cancel = (to: 'cancelling' | 'cancelled'): Loose => ({ kind: 'job-state', job: 'j', to });
  const taken = after(submit, other);
  t.deepEqual(taken.outcomes[1], { ok: false, why: 'name-taken', of: 'j' });
  t.is(liveJobNamed(taken.state, 'signs')?.job, 'j');
  const free = after(submit, cancel('cancelling'), cancel('cancelled'), other);
  t.true(free.outcomes[3].ok);
});

test('a failed job goes on only while its name is free', (t) => {
  const fail: Loose = { kind: 'job-state', job: 'j', to: 'failed', reason: 'it broke' };
  const again: Loose = { kind: 'job-state', job: 'j', to: 'starting' };
  const resumed = after(submit, fail, again);
  t.is(resumed.state.jobs.get('j')?.state, 'starting');
  t.is(resumed.state.jobs.get('j')?.reason, null);
  t.is(resumed.state.jobs.get('j')?.endedAt, null);
  const { outcomes } = after(submit, fail, { ...submit, job: 'k' }, again);
  t.deepEqual(outcomes[3], { ok: false, why: 'name-taken', of: 'k' });
});

test('a job that was to be stopped goes on to stop after a rest or a failure', (t) => {
  const to = (state: JobState): Loose => ({ kind: 'job-state', job: 'j', to: state });
  const refused = { ok: false, why: 'illegal-transition' } as const;
  const rested = [submit, to('starting'), to('stopping'), to('suspending'), to('suspended')];
  t.deepEqual(after(...rested, to('starting')).outcomes[5], { ...refused, of: 'suspended' });
  const { state } = after(...rested, to('stopping'), to('stopped'));
  t.like(state.jobs.get('j'), { state: 'stopped', draining: true });
  const failed = [submit, to('stopping'), to('failed')];
  t.deepEqual(after(...failed, to('starting')).outcomes[3], { ...refused, of: 'failed' });
  t.true(after(...failed, to('stopping')).outcomes[3].ok);
  const other = [submit, to('starting'), to('failed'), to('stopping')];
  t.deepEqual(after(...other).outcomes[3], { ...refused, of: 'failed' });
});

test('a job is not finished while a task that was assigned is not', (t) => {
  const to = (state: 'starting' | 'running' | 'finishing' | 'finished'): Loose => {
    return { kind: 'job-state', job: 'j', to: state };
  };
  const way = [node, submit, assign, to('starting'), to('running'), to('finishing')];
  const early = after(...way, to('finished'));
  t.deepEqual(early.outcomes[6], { ok: false, why: 'tasks-unfinished', of: 'j' });
  const { outcomes, state } = after(...way, done, to('finished'));
  t.true(outcomes[7].ok);
  t.is(state.jobs.get('j')?.endedAt, 7);
});

test('a move can be made to depend on where the job is', (t) => {
  const { outcomes } = after(submit, {
    kind: 'job-state',
    job: 'j',
    from: 'running',
    to: 'failed',
  });
  t.deepEqual(outcomes[1], { ok: false, why: 'state-changed', of: 'submitted' });
});

test('a node that came back takes the place of the one it was', (t) => {
  const again = { ...node, node: 'h:1#b', address: 'h:2' };
  const { state, outcomes } = after(node, again);
  t.deepEqual(outcomes[1], { ok: true, replaced: ['h:1#a'] });
  t.deepEqual([...state.nodes.keys()], ['h:1#b']);
  t.deepEqual(after(node, { ...node, node: 'g:1#x' }).outcomes[1], {
    ok: true,
    replaced: ['h:1#a'],
  });
});

test('a command of an older term is refused and changes nothing', (t) => {
  const first = apply(emptyState, { kind: 'term-begin', term: 5, at: 0 });
  const stale = apply(first.state, { ...submit, term: 4, at: 0 });
  t.deepEqual(stale.outcome, { ok: false, why: 'stale-term', of: '5' });
  t.is(stale.state.jobs.size, 0);
});

test('the oldest ended jobs are forgotten, live ones never', (t) => {
  const commands: Loose[] = [submit];
  for (let i = 0; i <= JOBS_ENDED_MAX + 3; i++) {
    const job = `e${i}`;
    commands.push({ ...submit, job, name: job }, { kind: 'job-state', job, to: 'failed' });
  }
  const { state } = after(...commands, { ...submit, job: 'last', name: 'last' });
  t.is(state.jobs.size, JOBS_ENDED_MAX + 2);
  t.true(state.jobs.has('j'));
  t.false(state.jobs.has('e3'));
  t.true(state.jobs.has('e4'));
});

test('every state but the ends leads to failed and cancelled, and every end is reached', (t) => {
  for (const state of jobStates.filter(isLive)) {
    t.true((jobEdges[state] as readonly string[]).includes('failed'), state);
    const cancels = (jobEdges[state] as readonly string[]).includes('cancelling');
    t.is(cancels, state !== 'cancelling', state);
  }
  const reached = new Set(Object.values(jobEdges).flat() as string[]);
  t.deepEqual(
    jobStates.filter((state) => !reached.has(state)),
    ['submitted'],
  );
});

test('no sequence of commands breaks a rule, with a snapshot after each', (t) => {
  fc.assert(
    fc.property(commandRun(100), (commands) => brokenRule(apply, commands) === null),
    { numRuns: 60, seed: 11 },
  );
  t.pass();
});

test('damaged snapshots are refused', (t) => {
  const { state } = after(node, submit, assign);
  const bytes = snapshot(state);
  t.deepEqual(restore(bytes), state);
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => restore(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
});

/** Variants of `apply` with a bug, and the rule that must notice. */
const planted: readonly (readonly [bug: string, broken: Apply, rule: string])[] = [
  [
    'the epoch is not incremented',
    (state, command) => {
      const next = apply(state, command);
      if (command.kind !== 'assign' || !next.outcome.ok) return next;
      const key = `${command.stage}/${command.index}`;
      const last = state.jobs.get(command.job)?.tasks.get(key);
      return { ...next, outcome: { ok: true, epoch: last?.epoch ?? 1 } };
    },
    'an epoch did not grow',
  ],
  [
    'the term is not looked at',
    (state, command) => apply({ ...state, term: 0 }, command),
    'a stale term decided',
  ],
  [
    'names are compared with case',
    (state, command) => {
      if (command.kind !== 'job-submit') return apply(state, command);
      const next = apply(state, { ...command, name: command.name.toUpperCase() });
      const job = next.state.jobs.get(command.job);
      if (job === undefined || !next.outcome.ok) return next;
      const jobs = new Map(next.state.jobs).set(job.job, { ...job, name: command.name });
      return { ...next, state: { ...next.state, jobs } };
    },
    'two live jobs share a name',
  ],
  [
    'a report of a past attempt is believed',
    (state, command) => {
      if (command.kind !== 'task-done') return apply(state, command);
      const key = `${command.stage}/${command.index}`;
      const epoch = state.jobs.get(command.job)?.tasks.get(key)?.epoch ?? command.epoch;
      return apply(state, { ...command, epoch });
    },
    'a past attempt finished its task',
  ],
];

for (const [bug, broken, rule] of planted) {
  test(`the rules notice when ${bug}`, (t) => {
    const runs = fc.sample(commandRun(100), { numRuns: 25, seed: 5 });
    const found = new Set(runs.map((commands) => brokenRule(broken, commands)));
    t.true(found.has(rule), [...found].join(', '));
  });
}

test('the rules notice when the wish to stop is forgotten', (t) => {
  const way: JobState[] = ['stopping', 'suspending', 'suspended', 'starting'];
  const moves = way.map((to): Loose => ({ kind: 'job-state', job: 'j', to }));
  const run = [submit, ...moves].map((command): Command => ({ ...command, term: 1, at: 7 }));
  const forgetful = (state: ControlState, command: Command): ReturnType<Apply> => {
    const jobs = [...state.jobs].map(([id, job]) => [id, { ...job, draining: false }] as const);
    return apply({ ...state, jobs: new Map(jobs) }, command);
  };
  t.is(brokenRule(apply, run), null);
  t.is(brokenRule(forgetful, run), 'a job that was to be stopped started again');
});

test('the rules notice a snapshot that forgets', (t) => {
  const forgetful = (state: ControlState): ControlState => ({
    ...state,
    jobs: new Map([...state.jobs].map(([id, job]) => [id, { ...job, tasks: new Map() }])),
  });
  const runs = fc.sample(commandRun(100), { numRuns: 10, seed: 5 });
  t.true(runs.some((run) => brokenRule(apply, run, forgetful) === 'a snapshot differs'));
});
