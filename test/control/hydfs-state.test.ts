import test from 'ava';
import fc from 'fast-check';
import {
  apply,
  type Command,
  type ControlState,
  changedPoints,
  commandSchema,
  emptyState,
  encodePlans,
  type Outcome,
  type PointConfig,
  type PointPlan,
  pointConfig,
  REPLICAS_MAX,
  restore,
  snapshot,
  withConfigs,
} from '../../src/control/index.ts';
import { ringHash } from '../../src/plan/index.ts';
import { ENTRY_BYTES_MAX } from '../../src/raft/index.ts';
import { decodeCbor, encodeCbor, scanCbor } from '../../src/wire/index.ts';
import { commandRun, hydfsCommand } from './helpers/commands.ts';
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

/** `3@1 a b (c)`: point 3 of version 1 is to have replicas a and b, and c joining. */
function plan(text: string): PointPlan {
  const [head, ...words] = text.split(' ');
  const [point, version] = head.split('@').map(Number);
  const joining = words.filter((word) => word.startsWith('(')).map((word) => word.slice(1, -1));
  return { point, version, replicas: words.filter((word) => !word.startsWith('(')), joining };
}

function points(...plans: string[]): Loose {
  return { kind: 'hydfs-points', ...encodePlans(plans.map(plan)) };
}

const caughtUp = (store: string, ...of: [number, number][]): Loose => {
  return { kind: 'hydfs-caught-up', store, points: of };
};
const unfit = (store: string, point: number, version: number): Loose => {
  return { kind: 'hydfs-unfit', store, point, version, reason: 'its disk failed' };
};

/** As `plan` reads it. */
function shown(state: ControlState, point: number): string {
  const config = pointConfig(state.hydfs.points, point);
  if (config === null) return '-';
  const joining = config.joining.map((store) => `(${store})`);
  return [`${point}@${config.version}`, ...config.replicas, ...joining].join(' ');
}

/** Every point with as many stores as a configuration may have, of ids as long as they are. */
function largest(replicas: number, joining: number): Extract<Loose, { kind: 'hydfs-points' }> {
  const stores = Array.from({ length: 64 }, (_, i) =>
    ringHash(`${i}`).toString('hex').slice(0, 32),
  );
  const some = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, i) => stores[(from + i) % stores.length]);
  const plans = Array.from({ length: 1024 }, (_, point) => ({
    point,
    version: 0,
    replicas: some(point, replicas),
    joining: some(point + replicas, joining),
  }));
  return { kind: 'hydfs-points', ...encodePlans(plans) };
}

test('a point is configured once for each version', (t) => {
  const { state, outcomes } = after(
    points('3@0 a b', '4@0 a'),
    points('3@0 c', '5@0 c'),
    points('3@1 b a (c)'),
    points('3@1 b'),
  );
  t.deepEqual(outcomes.slice(2), [{ ok: true }, { ok: false, why: 'stale-version', of: '3' }]);
  t.is(shown(state, 3), '3@2 b a (c)');
  t.is(shown(state, 4), '4@1 a');
  t.is(shown(state, 5), '5@1 c');
  t.is(shown(state, 6), '-');
});

test('a store becomes a replica only by catching up', (t) => {
  const { state, outcomes } = after(
    points('3@0 a (b)', '4@0 a (b)', '5@0 a'),
    points('3@1 a b'),
    caughtUp('b', [3, 1], [4, 0], [5, 1]),
    caughtUp('b', [3, 1]),
  );
  t.deepEqual(
    outcomes.map(({ ok }) => ok),
    [true, false, true, false],
  );
  t.deepEqual(
    [3, 4, 5].map((point) => shown(state, point)),
    ['3@2 a b', '4@1 a (b)', '5@1 a'],
  );
});

test('a store that is unfit goes, whether it is a replica or joins, and the next is primary', (t) => {
  const { state, outcomes } = after(
    points('3@0 a b (c)'),
    unfit('c', 3, 1),
    unfit('a', 3, 1),
    unfit('x', 3, 2),
    unfit('a', 3, 2),
  );
  t.deepEqual(outcomes.slice(2), [
    { ok: false, why: 'stale-version', of: '3' },
    { ok: false, why: 'no-such-store', of: 'x' },
    { ok: true },
  ]);
  t.is(shown(state, 3), '3@3 b');
});

test('the last replica is never unfit, whoever joins', (t) => {
  const { state, outcomes } = after(points('3@0 a (b)'), unfit('a', 3, 1));
  t.deepEqual(outcomes[1], { ok: false, why: 'last-replica', of: 'a' });
  t.is(shown(state, 3), '3@1 a (b)');
});

test('a fresh point may be given to anybody, until its use is said under its version', (t) => {
  const fresh = { ...points('3@0 a', '4@0 a', '5@0 a'), fresh: true } as Loose;
  const used = (...of: [number, number][]): Loose => ({ kind: 'hydfs-used', points: of });
  const { state, outcomes } = after(
    fresh,
    points('3@1 b c'),
    used([3, 1]),
    used([4, 1], [5, 2]),
    points('4@1 b'),
    points('5@1 c'),
  );
  t.deepEqual(outcomes, [
    { ok: true },
    { ok: true },
    { ok: false, why: 'stale-version', of: '3' },
    { ok: true },
    { ok: false, why: 'stale-version', of: '4' },
    { ok: true },
  ]);
  t.deepEqual(
    [3, 4, 5].map((point) => shown(state, point)),
    ['3@2 b c', '4@1 a', '5@2 c'],
  );
  t.deepEqual([...state.hydfs.fresh], [3, 5]);
});

test('a point whose first holders were decided without a word about it is used', (t) => {
  const { state, outcomes } = after(points('3@0 a'), points('3@1 b'));
  t.false(outcomes[1].ok);
  t.is(state.hydfs.fresh.size, 0);
});

test('who was replaced has no say about a store that it filled', (t) => {
  const admit = (boot: string): Loose => {
    return { kind: 'node-admit', node: `a:1#${boot}`, address: 'a:1', cores: 1, store: 'a' };
  };
  const said = (boot: string): Loose => ({ ...caughtUp('b', [3, 1]), by: `a:1#${boot}` }) as Loose;
  const { state, outcomes } = after(points('3@0 a (b)'), admit('x'), admit('y'), said('x'));
  t.deepEqual(outcomes[3], { ok: false, why: 'no-such-node', of: 'a:1#x' });
  t.is(shown(state, 3), '3@1 a (b)');
  const { state: next } = after(points('3@0 a (b)'), admit('x'), admit('y'), said('y'));
  t.is(shown(next, 3), '3@2 a b');
});

test('a node is known by its store, and keeps it when it is admitted without', (t) => {
  const node: Loose = { kind: 'node-admit', node: 'h:1#a', address: 'h:1', cores: 1, store: 's' };
  const { store: _, ...without } = node;
  const { state, outcomes } = after(node, without, { ...node, node: 'h:2#b', address: 'h:2' });
  t.deepEqual(outcomes[2], { ok: true, replaced: ['h:1#a'] });
  t.deepEqual(
    [...state.nodes.values()].map((each) => [each.node, each.store]),
    [['h:2#b', 's']],
  );
  t.is(after(node, without).state.nodes.get('h:1#a')?.store, 's');
});

test('no sequence of decisions about points breaks a rule, with a snapshot after each', (t) => {
  fc.assert(
    fc.property(commandRun(60, hydfsCommand), (run) => brokenRule(apply, run) === null),
    { numRuns: 60, seed: 12 },
  );
  t.pass();
});

test('a state shares with the one before what did not change', (t) => {
  const all = largest(3, 0);
  const { state } = after(all);
  const next = apply(state, { ...unfit(all.stores[5], 5, 1), term: 1, at: 7 }).state;
  t.deepEqual(changedPoints(state.hydfs.points, next.hydfs.points), [5]);
  const copied = state.hydfs.points.filter((row, at) => row !== next.hydfs.points[at]);
  t.is(copied.length, 1);
});

test('the configurations of all points are one small entry, however many stores they have', (t) => {
  const usual = encodeCbor({ ...largest(3, 1), term: 1, at: 7 });
  const most = encodeCbor({ ...largest(REPLICAS_MAX, REPLICAS_MAX), term: 1, at: 7 });
  t.log(`${usual.length} bytes; at most ${most.length}`);
  t.true(usual.length < 32 * 1024);
  t.true(most.length < ENTRY_BYTES_MAX / 4);
  t.is(scanCbor(most), null);
  t.notThrows(() => commandSchema.parse(decodeCbor(most)));
  const { state } = after(largest(REPLICAS_MAX, REPLICAS_MAX));
  t.true(snapshot(state).length < ENTRY_BYTES_MAX / 4);
  t.deepEqual(restore(snapshot(state)), state);
});

test('a change that names a store twice, or one that is not listed, is no command', (t) => {
  const good = { kind: 'hydfs-points', term: 1, at: 7, stores: ['a', 'b'] };
  const changes = (...each: unknown[]): unknown => ({ ...good, changes: each });
  t.true(commandSchema.safeParse(changes([1, 0, [0], [1]])).success);
  t.false(commandSchema.safeParse(changes([1, 0, [0], [0]])).success);
  t.false(commandSchema.safeParse(changes([1, 0, [0], [2]])).success);
  t.false(commandSchema.safeParse(changes([1, 0, [], [1]])).success);
  t.false(commandSchema.safeParse(changes([1024, 0, [0], []])).success);
  t.false(commandSchema.safeParse({ ...good, stores: ['a', 'a'], changes: [] }).success);
});

test('a snapshot from before there were replicated files is read', (t) => {
  const old = encodeCbor({
    version: 1,
    term: 2,
    index: 9,
    nodes: [encodeCbor({ node: 'h:1#a', address: 'h:1', cores: 2, admittedAt: 7 })],
    jobs: [],
  });
  const state = restore(old);
  t.deepEqual(state.hydfs, emptyState.hydfs);
  t.is(state.nodes.get('h:1#a')?.store, null);
});

/** Puts `config` into the state that `next` came to. */
function bent(next: ReturnType<Apply>, config: PointConfig): ReturnType<Apply> {
  const points = withConfigs(next.state.hydfs.points, [config]);
  const hydfs = { ...next.state.hydfs, points };
  return { outcome: { ok: true }, state: { ...next.state, hydfs } };
}

/** Variants of `apply` with a bug, and the rule that must notice. */
const planted: readonly (readonly [bug: string, broken: Apply, rule: string])[] = [
  [
    'the version of a change is not looked at',
    (state, command) => {
      if (command.kind !== 'hydfs-points') return apply(state, command);
      const plans = command.changes.map(([point, , replicas, joining]) => {
        const version = pointConfig(state.hydfs.points, point)?.version ?? 0;
        return [point, version, replicas, joining] as [number, number, number[], number[]];
      });
      return apply(state, { ...command, changes: plans });
    },
    'a stale change took effect',
  ],
  [
    'a planned replica is believed to be filled',
    (state, command) => {
      const next = apply(state, command);
      if (command.kind !== 'hydfs-points' || next.outcome.ok) return next;
      const [[point, version, replicas]] = command.changes;
      if (pointConfig(state.hydfs.points, point)?.version !== version) return next;
      const stores = replicas.map((n) => command.stores[n]);
      return bent(next, { point, version: version + 1, replicas: stores, joining: [] });
    },
    'a replica was never filled',
  ],
  [
    'the last replica is taken away',
    (state, command) => {
      const next = apply(state, command);
      if (next.outcome.ok || next.outcome.why !== 'last-replica') return next;
      if (command.kind !== 'hydfs-unfit') return next;
      const { point, version } = command;
      return bent(next, { point, version: version + 1, replicas: [], joining: [] });
    },
    'a point lost its replicas',
  ],
  [
    'a point becomes fresh again',
    (state, command) => {
      const next = apply(state, command);
      if (command.kind !== 'hydfs-points' || command.fresh !== true) return next;
      const fresh = new Set(command.changes.map(([point]) => point));
      return { ...next, state: { ...next.state, hydfs: { ...next.state.hydfs, fresh } } };
    },
    'a point became fresh again',
  ],
  [
    'the version of a use is not looked at',
    (state, command) => {
      if (command.kind !== 'hydfs-used') return apply(state, command);
      const next = apply(state, command);
      const hydfs = { ...next.state.hydfs, fresh: new Set<number>() };
      return next.outcome.ok ? { ...next, state: { ...next.state, hydfs } } : next;
    },
    'a point is used and nobody said so',
  ],
  [
    'a version does not grow',
    (state, command) => {
      const next = apply(state, command);
      if (!next.outcome.ok || command.kind !== 'hydfs-unfit') return next;
      const config = pointConfig(next.state.hydfs.points, command.point);
      return config === null ? next : bent(next, { ...config, version: command.version });
    },
    'a version did not grow by one',
  ],
];

for (const [bug, broken, rule] of planted) {
  test(`the rules of points notice when ${bug}`, (t) => {
    const runs = fc.sample(commandRun(60, hydfsCommand), { numRuns: 25, seed: 5 });
    const found = new Set(runs.map((run) => brokenRule(broken, run)));
    t.true(found.has(rule), [...found].join(', '));
  });
}
