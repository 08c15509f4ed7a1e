/**
 * What is decided about replicated files: how many copies, and who holds each point of the ring.
 *
 *   (none) -> [A B C]                   the first configuration: no file exists that they could lack
 *   [A B C] -> [A B] D                  hydfs-points: C died, D is being filled
 *   [A B] D -> [A B D]                  hydfs-caught-up: D has everything
 *   [A B D] -> [A D]                    hydfs-unfit: B's disk failed
 *   [A] fresh -> [A]                    hydfs-used: A is about to make the first file
 *   [A] fresh -> [B C]                  hydfs-points: nothing was ever made, whoever A was
 *
 * H1 A configuration's version is one more than that of the one before it, and a command that was
 *    decided on another version has no effect on the point.
 * H2 A point that has replicas always has one: the last is never taken away, by any command.
 * H3 A store becomes a replica by catching up, from `joining`; only while a point is fresh it has
 *    replicas that nobody filled.
 * H4 No store is twice in a configuration.
 * H5 A point is fresh until its primary has said, under the version in force, that it is about to make
 *    a file there; no file is made before. It is never fresh again.
 */
import { type Command, REPLICAS_MAX, type Refusal } from './command.ts';
import {
  emptyPoints,
  type PointConfig,
  type PointTable,
  pointConfig,
  withConfigs,
} from './point-table.ts';

/** Copies of a file unless another number is decided: two may be lost at once. */
export const COPIES_DEFAULT = 3;

export interface HydfsState {
  /** How many stores are to hold each point. */
  readonly copies: number;
  readonly points: PointTable;
  /** H5. */
  readonly fresh: ReadonlySet<number>;
}

/** Before the first decision. */
export const emptyHydfs: HydfsState = {
  copies: COPIES_DEFAULT,
  points: emptyPoints,
  fresh: new Set(),
};

export type HydfsCommand = Extract<Command, { kind: `hydfs-${string}` }>;

/** The next state, or why there is none. */
export type HydfsStep =
  | { readonly ok: true; readonly hydfs: HydfsState }
  | { readonly ok: false; readonly why: Refusal; readonly of: string };

/** A configuration as it is to be, without its version. */
export interface PointPlan {
  readonly point: number;
  /** Of the configuration that it follows; 0: of none. */
  readonly version: number;
  readonly replicas: readonly string[];
  readonly joining: readonly string[];
}

/** The fields of a `hydfs-points` that asks for `plans`. */
export function encodePlans(
  plans: readonly PointPlan[],
): Pick<Extract<Command, { kind: 'hydfs-points' }>, 'stores' | 'changes'> {
  const numbers = new Map<string, number>();
  const numberOf = (store: string): number => {
    const number = numbers.get(store) ?? numbers.size;
    numbers.set(store, number);
    return number;
  };
  const changes = plans.map(
    ({ point, version, replicas, joining }): [number, number, number[], number[]] => [
      point,
      version,
      replicas.map(numberOf),
      joining.map(numberOf),
    ],
  );
  return { stores: [...numbers.keys()], changes };
}

export function applyHydfs(hydfs: HydfsState, command: HydfsCommand): HydfsStep {
  switch (command.kind) {
    case 'hydfs-copies':
      return { ok: true, hydfs: { ...hydfs, copies: command.copies } };
    case 'hydfs-points':
      return changePoints(hydfs, command);
    case 'hydfs-caught-up': {
      const { store, points } = command;
      const wishes = points.map(([point, version]) => ({ point, version }));
      return changeSome(hydfs, wishes, (config) => config && caughtUp(config, store));
    }
    case 'hydfs-unfit':
      return unfit(hydfs, command);
    case 'hydfs-used':
      return used(hydfs, command);
  }
}

interface Wish {
  readonly point: number;
  readonly version: number;
}

type Next = Pick<PointConfig, 'replicas' | 'joining'>;

/** Changes the points of `wishes` whose versions are right (H1) and whose `next` is not null. */
function changeSome<W extends Wish>(
  hydfs: HydfsState,
  wishes: readonly W[],
  next: (config: PointConfig | null, wish: W) => Next | null,
): HydfsStep {
  const configs = new Map<number, PointConfig>();
  for (const wish of wishes) {
    const { point, version } = wish;
    const config = pointConfig(hydfs.points, point);
    if (configs.has(point) || (config?.version ?? 0) !== version) continue;
    const plan = next(config, wish);
    // H2
    if (plan === null || plan.replicas.length === 0) continue;
    configs.set(point, { point, version: version + 1, ...plan });
  }
  if (configs.size === 0) return { ok: false, why: 'stale-version', of: String(wishes[0]?.point) };
  return { ok: true, hydfs: { ...hydfs, points: withConfigs(hydfs.points, configs.values()) } };
}

function changePoints(
  hydfs: HydfsState,
  command: Extract<HydfsCommand, { kind: 'hydfs-points' }>,
): HydfsStep {
  const plans = decodePlans(command);
  const step = changeSome(hydfs, plans, (config, plan) => {
    return planned(config, plan, hydfs.fresh.has(plan.point));
  });
  if (!step.ok || command.fresh !== true) return step;
  const first = plans.filter(({ point }) => pointConfig(hydfs.points, point) === null);
  const begun = first.filter(({ point }) => pointConfig(step.hydfs.points, point) !== null);
  const fresh = new Set([...hydfs.fresh, ...begun.map(({ point }) => point)]);
  return { ok: true, hydfs: { ...step.hydfs, fresh } };
}

/** H5. */
function used(
  hydfs: HydfsState,
  { points }: Extract<HydfsCommand, { kind: 'hydfs-used' }>,
): HydfsStep {
  const fresh = new Set(hydfs.fresh);
  let right = false;
  for (const [point, version] of points) {
    if (pointConfig(hydfs.points, point)?.version !== version) continue;
    right = true;
    fresh.delete(point);
  }
  if (!right) return { ok: false, why: 'stale-version', of: String(points[0]?.[0]) };
  return { ok: true, hydfs: fresh.size === hydfs.fresh.size ? hydfs : { ...hydfs, fresh } };
}

function decodePlans({
  stores,
  changes,
}: Extract<HydfsCommand, { kind: 'hydfs-points' }>): PointPlan[] {
  return changes.map(([point, version, replicas, joining]) => ({
    point,
    version,
    replicas: replicas.map((number) => stores[number]),
    joining: joining.map((number) => stores[number]),
  }));
}

/** H3. */
function planned(
  config: PointConfig | null,
  { replicas, joining }: PointPlan,
  fresh: boolean,
): Next | null {
  const free = config === null || fresh;
  const known = free || replicas.every((store) => config.replicas.includes(store));
  return known ? { replicas, joining } : null;
}

function caughtUp({ replicas, joining }: PointConfig, store: string): Next | null {
  if (!joining.includes(store) || replicas.length >= REPLICAS_MAX) return null;
  return { replicas: [...replicas, store], joining: joining.filter((each) => each !== store) };
}

function unfit(
  hydfs: HydfsState,
  { store, point, version }: Extract<HydfsCommand, { kind: 'hydfs-unfit' }>,
): HydfsStep {
  const config = pointConfig(hydfs.points, point);
  if (config?.version === version) {
    const { replicas, joining } = config;
    if (![...replicas, ...joining].includes(store)) {
      return { ok: false, why: 'no-such-store', of: store };
    }
    if (replicas.length === 1 && replicas[0] === store) {
      return { ok: false, why: 'last-replica', of: store };
    }
  }
  const without = (stores: readonly string[]): string[] => stores.filter((each) => each !== store);
  return changeSome(hydfs, [{ point, version }], (old) => {
    return old && { replicas: without(old.replicas), joining: without(old.joining) };
  });
}
