import test from 'ava';
import { apply, type Command, jobStates } from '../../src/control/index.ts';
import { type Effect, type LeaderState, step } from '../../src/leader/index.ts';
import { asShipped, type Chaos, calm, type Parts, World } from './helpers/world.ts';

const wild: Chaos = { kill: 15, cut: 20, crash: 6, ask: 4, fail: 3 };
const deadly: Chaos = { kill: 40, cut: 30, crash: 15, ask: 0, fail: 0 };

function runs(parts: Parts, chaos: Chaos, seeds: number): Map<string, number> {
  const found = new Map<string, number>();
  for (let seed = 1; seed <= seeds; seed++) {
    const broken = new World(seed, parts).run(300, chaos);
    if (broken !== null && !found.has(broken)) found.set(broken, seed);
  }
  return found;
}

test('a job on a calm cluster finishes, whatever its shape', (t) => {
  t.deepEqual([...runs(asShipped, calm, 25)], []);
});

test('a job among dying nodes, cut connections and dying leaders ends once and completely', (t) => {
  t.deepEqual([...runs(asShipped, deadly, 80)], []);
});

test('a job that is also suspended, stopped and failed ends once and leaves nothing', (t) => {
  t.deepEqual([...runs(asShipped, wild, 80)], []);
});

test('the simulation reaches every state of a job and every kind of trouble', (t) => {
  const seen = new Set<string>();
  const troubles = new Map<string, number>();
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World(seed);
    world.run(300, wild);
    for (const state of world.seen) seen.add(state);
    for (const [trouble, times] of Object.entries(world.troubles)) {
      troubles.set(trouble, (troubles.get(trouble) ?? 0) + times);
    }
  }
  t.deepEqual([...seen].sort(), [...jobStates].sort());
  for (const [trouble, times] of troubles) t.true(times >= 10, `${trouble}: ${times}`);
});

/** `step` with its effects passed through `change`. */
function withEffects(change: (effect: Effect, state: LeaderState) => Effect[]): Parts {
  return {
    ...asShipped,
    step: (state, input) => {
      const next = step(state, input);
      return { ...next, effects: next.effects.flatMap((effect) => change(effect, next.state)) };
    },
  };
}

const planted: readonly (readonly [bug: string, parts: Parts, notices: RegExp])[] = [
  [
    'an assignment does not raise the epoch',
    {
      ...asShipped,
      apply: (state, command) => {
        const next = apply(state, command);
        if (command.kind !== 'assign' || !next.outcome.ok) return next;
        const key = `${command.stage}/${command.index}`;
        const last = state.jobs.get(command.job)?.tasks.get(key);
        const job = next.state.jobs.get(command.job);
        const task = job?.tasks.get(key);
        if (last === undefined || job === undefined || task === undefined) return next;
        const tasks = new Map(job.tasks).set(key, { ...task, epoch: last.epoch });
        const jobs = new Map(next.state.jobs).set(job.job, { ...job, tasks });
        return { state: { ...next.state, jobs }, outcome: { ok: true, epoch: last.epoch } };
      },
    },
    /was started twice/,
  ],
  [
    'the report of a past attempt is believed',
    {
      ...asShipped,
      step: (state, input) => {
        if (input.kind !== 'report') return step(state, input);
        const { job, stage, index } = input.report;
        const attempt = state.runs.get(job)?.attempts.get(`${stage}/${index}`);
        if (attempt === undefined) return step(state, input);
        const report = { ...input.report, epoch: attempt.epoch };
        return step(state, { ...input, node: attempt.node, report });
      },
    },
    /never finished|before its consumers/,
  ],
  [
    'producers are not told where their consumers went',
    withEffects((effect) => {
      return effect.kind === 'order' && effect.message.kind === 'task-routes' ? [] : [effect];
    }),
    /never ended/,
  ],
  [
    'a task is started before its assignment is durable',
    withEffects((effect, state) => {
      if (effect.kind !== 'propose' || effect.command.kind !== 'assign') return [effect];
      return [effect, eagerStart(effect.command, state)];
    }),
    /before it was decided|before its consumers/,
  ],
  [
    'a lost task is not assigned again',
    withEffects((effect, state) => {
      if (effect.kind !== 'propose' || effect.command.kind !== 'assign') return [effect];
      const { job, stage, index } = effect.command;
      return state.control.jobs.get(job)?.tasks.has(`${stage}/${index}`) ? [] : [effect];
    }),
    /never ended/,
  ],
  [
    'attempts are not stopped at the end',
    withEffects((effect) => {
      return effect.kind === 'order' && effect.message.kind === 'task-stop' ? [] : [effect];
    }),
    /left running|never ended/,
  ],
  [
    'a consumer is let go while its producers may send again',
    {
      ...asShipped,
      step: (state, input) => {
        const next = step(state, input);
        if (input.kind !== 'report' || input.report.state !== 'finished') return next;
        const { job, stage, index, epoch, counts } = input.report;
        const attempt = state.runs.get(job)?.attempts.get(`${stage}/${index}`);
        if (attempt?.epoch !== epoch || attempt.node !== input.node) return next;
        const { term } = state;
        const at = 1;
        const command: Command = { kind: 'task-done', term, job, stage, index, epoch, counts, at };
        return { ...next, effects: [...next.effects, { kind: 'propose', command }] };
      },
    },
    /never ended/,
  ],
  [
    'the job is ended as soon as its sources are',
    {
      ...asShipped,
      apply: (state, command) => {
        const next = apply(state, command);
        if (command.kind !== 'job-state' || command.to !== 'finishing') return next;
        const job = next.state.jobs.get(command.job);
        if (job === undefined || !next.outcome.ok) return next;
        const jobs = new Map(next.state.jobs).set(job.job, { ...job, state: 'finished' });
        return { ...next, state: { ...next.state, jobs } };
      },
    },
    /its work is not/,
  ],
];

function eagerStart(command: Extract<Command, { kind: 'assign' }>, state: LeaderState): Effect {
  const { term, job, stage, index, node } = command;
  const spec = state.runs.get(job)?.plan.spec;
  const epoch = (state.control.jobs.get(job)?.tasks.get(`${stage}/${index}`)?.epoch ?? 0) + 1;
  const start = { kind: 'task-start', term, job, stage, index, epoch, spec } as const;
  const message = { ...start, routes: [], slots: null, slotsVersion: 0 };
  return { kind: 'order', node, message };
}

for (const [bug, parts, notices] of planted) {
  test(`the simulation notices when ${bug}`, (t) => {
    const found = [...runs(parts, deadly, 25).keys()];
    t.true(
      found.some((each) => notices.test(each)),
      found.join(', '),
    );
  });
}
