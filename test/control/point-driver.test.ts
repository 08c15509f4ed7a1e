import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  type Applied,
  apply,
  type Command,
  emptyState,
  type Outcome,
  type PointConfig,
  PointDriver,
  pointConfig,
  pointConfigs,
} from '../../src/control/index.ts';
import { silentLog } from '../../src/core/index.ts';
import { RING_POINTS } from '../../src/plan/index.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';
import { firstSuccessors } from './helpers/points-world.ts';
import { type TestVoter, Voters } from './helpers/voters.ts';

const REST_MS = 1000;

type Loose = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

/** Voters, each with its driver, and what was decided about points. */
class Keepers {
  readonly group: Voters;
  readonly decided: Applied[] = [];
  readonly #drivers: PointDriver[] = [];

  private constructor(group: Voters) {
    this.group = group;
  }

  static async start(t: ExecutionContext, seed: number, voters: number): Promise<Keepers> {
    const group = await Voters.start(seed, voters);
    const keepers = new Keepers(group);
    for (const { log: control } of group.running) {
      const { clock } = group;
      const driver = new PointDriver({ control, clock, log: silentLog, restMs: REST_MS });
      keepers.#drivers.push(driver);
    }
    t.teardown(() => {
      for (const driver of keepers.#drivers) driver.close();
      return group.close();
    });
    const last = group.voter(`v${voters}`);
    last.log.subscribe((applied) => {
      if (applied.command.kind === 'hydfs-points') keepers.decided.push(applied);
    });
    return keepers;
  }

  async decide(...commands: Loose[]): Promise<TestVoter> {
    const leader = await this.group.leader();
    const { term } = leader.log;
    const all = commands.map((command) => leader.log.propose({ ...command, term, at: 0 }));
    await this.group.settle(Promise.all(all));
    return leader;
  }

  config(point: number): PointConfig | null {
    return pointConfig(this.state.hydfs.points, point);
  }

  get state(): TestVoter['log']['state'] {
    return this.group.voter(this.group.running.at(-1)?.name ?? '').log.state;
  }

  /** Fills whoever joins, until the points are at the first successors of `stores`. */
  async settle(stores: ReadonlyMap<string, string>): Promise<void> {
    for (let turn = 0; turn < 20 && !this.isSettled(stores); turn++) {
      await this.group.pass(REST_MS);
      await this.decide(...this.#fillings());
    }
  }

  isSettled(stores: ReadonlyMap<string, string>): boolean {
    return Array.from({ length: RING_POINTS }, (_, point) => point).every((point) => {
      const { replicas = [], joining = [] } = this.config(point) ?? {};
      const wanted = firstSuccessors(stores, point, this.state.hydfs.copies);
      return joining.length === 0 && replicas.join() === wanted.join();
    });
  }

  #fillings(): Loose[] {
    const filled = new Map<string, [number, number][]>();
    for (const { point, version, joining } of pointConfigs(this.state.hydfs.points)) {
      const [store] = joining;
      if (store !== undefined) filled.set(store, [...(filled.get(store) ?? []), [point, version]]);
    }
    return [...filled].map(([store, points]) => ({ kind: 'hydfs-caught-up', store, points }));
  }
}

const admit = (store: string, boot = 'x'): Loose => {
  return { kind: 'node-admit', node: `${store}:1#${boot}`, address: `${store}:1`, cores: 1, store };
};
const remove = (store: string): Loose => ({ kind: 'node-remove', node: `${store}:1#x` });
/** Files are about to be made at all points. */
const useAll: Loose = {
  kind: 'hydfs-used',
  points: Array.from({ length: RING_POINTS }, (_, point) => [point, 1]),
};
const storesOf = (...names: string[]): Map<string, string> =>
  new Map(names.map((name) => [name, `${name}:1`]));

test('the nodes of a new cluster get all points at once, when the last of them has come', async (t) => {
  const keepers = await Keepers.start(t, 1, 3);
  await keepers.decide(admit('a'));
  await keepers.group.pass(REST_MS / 2);
  await keepers.decide(admit('b'), admit('c'), admit('d'));
  await keepers.group.pass(REST_MS / 2);
  t.is(keepers.decided.length, 0);
  await keepers.group.until(() => keepers.decided.length > 0, REST_MS);
  await keepers.group.pass(2 * REST_MS);
  t.is(keepers.decided.length, 1);
  t.true(keepers.isSettled(storesOf('a', 'b', 'c', 'd')));
  t.is(keepers.config(0)?.version, 1);
});

test('two that die together are out of all points by one decision, without a wait', async (t) => {
  const keepers = await Keepers.start(t, 2, 3);
  await keepers.decide(admit('a'), admit('b'), admit('c'), admit('d'), admit('e'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide(remove('a'), remove('b'));
  await keepers.group.until(() => keepers.decided.length === 2, REST_MS / 2);
  const dead = ['a', 'b'];
  for (const { replicas } of pointConfigs(keepers.state.hydfs.points)) {
    t.false(replicas.some((store) => dead.includes(store)));
  }
  await keepers.settle(storesOf('c', 'd', 'e'));
  t.true(keepers.isSettled(storesOf('c', 'd', 'e')));
});

test('the next leader goes on where the last one was', async (t) => {
  const keepers = await Keepers.start(t, 3, 3);
  const first = await keepers.decide(admit('a'), admit('b'), admit('c'), admit('d'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide(remove('b'));
  await first.kill();
  await keepers.group.leader(first.name);
  await keepers.settle(storesOf('a', 'c', 'd'));
  t.true(keepers.isSettled(storesOf('a', 'c', 'd')));
});

test('a node that restarts before it is missed keeps its points', async (t) => {
  const keepers = await Keepers.start(t, 4, 1);
  await keepers.decide(admit('a'), admit('b'), admit('c'), admit('d'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide(admit('b', 'y'));
  await keepers.group.pass(2 * REST_MS);
  t.is(keepers.decided.length, 1);
  t.true(keepers.state.nodes.has('b:1#y'));
});

test('a ring that never rests is not waited for longer than the limit', async (t) => {
  const keepers = await Keepers.start(t, 5, 1);
  await keepers.decide(admit('a'));
  for (let n = 0; n < 9; n++) {
    t.is(keepers.decided.length, 0, `after ${n / 2} s`);
    await keepers.group.pass(REST_MS / 2);
    await keepers.decide(admit(`n${n}`));
  }
  await keepers.group.until(() => keepers.decided.length === 1, (3 * REST_MS) / 4);
  t.pass();
});

test('who comes to a ring whose points have all their copies is waited for twice as long', async (t) => {
  const keepers = await Keepers.start(t, 7, 1);
  await keepers.decide(admit('a'), admit('b'), admit('c'), admit('d'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide(useAll);
  await keepers.group.pass(2 * REST_MS);
  await keepers.decide(admit('e'));
  await keepers.group.pass(1.5 * REST_MS);
  await keepers.decide(admit('f'));
  await keepers.group.pass(1.5 * REST_MS);
  t.is(
    keepers.decided.length,
    1,
    'two that come a second and a half after each other move points once',
  );
  await keepers.decide(remove('a'));
  await keepers.group.until(() => keepers.decided.length === 2, REST_MS / 2);
  t.true(
    [...pointConfigs(keepers.state.hydfs.points)].some(({ joining }) => joining.length > 0),
    'what has died is filled elsewhere without a wait',
  );
});

test('the next leader knows which stores have failed', async (t) => {
  const keepers = await Keepers.start(t, 8, 3);
  const first = await keepers.decide(admit('a'), admit('b'), admit('c'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide(useAll);
  const fails = async (): Promise<void> => {
    const version = keepers.config(5)?.version ?? 0;
    await keepers.decide({ kind: 'hydfs-unfit', store: 'b', point: 5, version, reason: 'EIO' });
  };
  const isBack = (): boolean => keepers.config(5)?.joining.includes('b') ?? false;
  for (let n = 0; n < 4; n++) {
    await fails();
    await keepers.group.until(isBack);
  }
  await first.kill();
  await keepers.group.leader(first.name);
  await fails();
  t.true((await keepers.group.until(isBack)) > 4 * REST_MS, 'the fifth pause is the longest');
});

test('a change that has no effect is not asked for again and again', async (t) => {
  const clock = new ManualClock();
  const { state } = apply(emptyState, { ...admit('a'), term: 1, at: 0 } as Command);
  let asked = 0;
  const refused: Outcome = { ok: false, why: 'stale-version', of: '0' };
  const driver = new PointDriver({
    control: {
      state,
      role: { kind: 'leader', term: 1 },
      term: 1,
      propose: async () => {
        asked += 1;
        return refused;
      },
      subscribe: () => () => undefined,
      onRole: () => () => undefined,
    },
    clock,
    log: silentLog,
    restMs: REST_MS,
  });
  for (let step = 0; step < 1000; step++) {
    clock.advance(10);
    await setImmediate();
  }
  driver.close();
  t.true(asked > 10 && asked <= 20, `${asked} times in ten seconds`);
});

test('a store that fails again and again is tried less and less often', async (t) => {
  const keepers = await Keepers.start(t, 6, 1);
  await keepers.decide(admit('a'), admit('b'), admit('c'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide({ kind: 'hydfs-used', points: [[5, 1]] });
  const pauses: number[] = [];
  for (let n = 0; n < 5; n++) {
    const version = keepers.config(5)?.version ?? 0;
    const wish = { kind: 'hydfs-unfit', store: 'b', point: 5, version, reason: 'EIO' } as const;
    await keepers.decide(wish);
    const isBack = (): boolean => keepers.config(5)?.joining.includes('b') ?? false;
    pauses.push(Math.round((await keepers.group.until(isBack)) / 100) / 10);
  }
  t.deepEqual(pauses, [0, 1, 2, 4, 8]);
});

test('a first node that dies before anything was made is not waited for', async (t) => {
  const keepers = await Keepers.start(t, 7, 1);
  await keepers.decide(admit('a'));
  await keepers.group.until(() => keepers.decided.length === 1);
  await keepers.decide({ kind: 'hydfs-used', points: [[5, 1]] });
  await keepers.decide(admit('b'), admit('c'), remove('a'));
  await keepers.group.pass(2 * REST_MS);
  t.deepEqual(keepers.config(5)?.replicas, ['a'], 'where something may have been made, it is');
  for (const { point, replicas, joining } of pointConfigs(keepers.state.hydfs.points)) {
    if (point !== 5) t.deepEqual([replicas.toSorted(), joining], [['b', 'c'], []]);
  }
});
