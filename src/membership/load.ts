/**
 * The load figures that travel with membership: a handful of small numbers per node, for listings,
 * placement and autoscaling. They are hints: the newest heard wins, none is ever acknowledged.
 */

/** Whole numbers below 2^32; the order is that of the wire and only ever grows at the end. */
export const loadFields = [
  'tuplesInPerSecond',
  'tuplesOutPerSecond',
  'busyPermille',
  'loopDelayMs',
  'memoryMiB',
  'tasks',
] as const;

export type LoadFigures = Readonly<Record<(typeof loadFields)[number], number>>;

/** The figures of one member as they travel. */
export interface LoadClaim {
  readonly key: number;
  /** grows with each measurement of that member */
  readonly version: number;
  readonly figures: readonly number[];
}

const FIGURE_MAX = 0xffff_ffff;

/** The figures in wire order, rounded and cut to their range. */
export function packLoad(load: LoadFigures): readonly number[] {
  return loadFields.map((field) => {
    const value = Math.round(load[field]);
    return value > 0 ? Math.min(value, FIGURE_MAX) : 0;
  });
}

/** What `packLoad` made, here or by a newer release with more fields. */
export function unpackLoad(figures: readonly number[]): LoadFigures {
  const [tuplesInPerSecond = 0, tuplesOutPerSecond = 0, busyPermille = 0, ...rest] = figures;
  const [loopDelayMs = 0, memoryMiB = 0, tasks = 0] = rest;
  return { tuplesInPerSecond, tuplesOutPerSecond, busyPermille, loopDelayMs, memoryMiB, tasks };
}
