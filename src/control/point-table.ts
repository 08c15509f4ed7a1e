/**
 * Who holds each point of the ring.
 *
 * T1 A table is never changed in place. One with other configurations shares every row with the one
 *    before in which nothing changed, so a command costs what it changes, and what has changed
 *    between two tables is found without comparing configurations.
 * T2 A configuration that did not change is the same object.
 */
import { RING_POINTS } from '../plan/index.ts';

/** Who holds a ring point. */
export interface PointConfig {
  readonly point: number;
  /** 1 for the first configuration, one more for each next one. */
  readonly version: number;
  /** Store ids; the first is the primary. */
  readonly replicas: readonly string[];
  /** Stores that are being filled. */
  readonly joining: readonly string[];
}

type Row = readonly (PointConfig | null)[];
/** By point, in rows of `ROW` points. */
export type PointTable = readonly Row[];

const ROW = 32;

/** No point has a configuration. */
export const emptyPoints: PointTable = Array.from({ length: RING_POINTS / ROW }, () =>
  Array.from({ length: ROW }, () => null),
);

/** The configuration of `point`; null while it has none. */
export function pointConfig(table: PointTable, point: number): PointConfig | null {
  return table[Math.floor(point / ROW)]?.[point % ROW] ?? null;
}

/** All configurations there are, by point. */
export function* pointConfigs(table: PointTable): Generator<PointConfig> {
  for (const row of table) for (const config of row) if (config !== null) yield config;
}

/** `table` with `configs` in place of those of the same points. */
export function withConfigs(table: PointTable, configs: Iterable<PointConfig>): PointTable {
  const rows = new Map<number, (PointConfig | null)[]>();
  for (const config of configs) {
    const at = Math.floor(config.point / ROW);
    const row = rows.get(at) ?? [...table[at]];
    row[config.point % ROW] = config;
    rows.set(at, row);
  }
  return rows.size === 0 ? table : table.map((row, at) => rows.get(at) ?? row);
}

/** The points whose configurations differ. */
export function changedPoints(before: PointTable, after: PointTable): number[] {
  const points: number[] = [];
  for (const [at, row] of after.entries()) {
    if (row === before[at]) continue;
    for (const [i, config] of row.entries()) {
      if (config !== before[at][i]) points.push(at * ROW + i);
    }
  }
  return points;
}
