/** Who holds the points of the ring, in numbers that can be compared between nodes. */
import { createHash } from 'node:crypto';
import {
  type ControlState,
  livingStores,
  type PointConfig,
  pointConfigs,
} from '../control/index.ts';

/** One store, as the decisions that have taken effect here say. */
export interface StoreRow {
  readonly store: string;
  /** of the node that has it; null while no node does */
  readonly address: string | null;
  /** points that it holds, those whose primary it is, and those that it is being filled with */
  readonly points: number;
  readonly primary: number;
  readonly joining: number;
  /** points that nobody serves until this store, or another one that has them, is back */
  readonly awaited: number;
}

/** How a point is: what comes first is true of it. */
export type PointHealth =
  /** nobody who holds it lives */
  | 'lost'
  /** it lacks copies that the living nodes could hold */
  | 'short'
  /** it has its copies, and another node is being filled or has one too many */
  | 'moving'
  | 'complete';

export interface PointsRow {
  /** how many copies of each file are wanted */
  readonly copies: number;
  /** points that have replicas */
  readonly points: number;
  /** points that are on the move */
  readonly moving: number;
  /** all points that have replicas, by how they are */
  readonly health: Readonly<Record<PointHealth, number>>;
  /** the sum of all versions: how often a point has got another configuration */
  readonly versions: number;
  /** equal at two nodes when every configuration is */
  readonly digest: string;
  readonly stores: readonly StoreRow[];
}

type Count = { points: number; primary: number; joining: number; awaited: number };

export function pointsRow({ hydfs, nodes }: ControlState): PointsRow {
  const hash = createHash('sha256');
  const addresses = livingStores(nodes.values());
  const counts = new Map<string, Count>();
  const countOf = (store: string): Count => {
    const count = counts.get(store) ?? { points: 0, primary: 0, joining: 0, awaited: 0 };
    counts.set(store, count);
    return count;
  };
  for (const store of addresses.keys()) countOf(store);
  const health: Record<PointHealth, number> = { lost: 0, short: 0, moving: 0, complete: 0 };
  let [points, moving, versions] = [0, 0, 0];
  for (const config of pointConfigs(hydfs.points)) {
    const { point, version, replicas, joining } = config;
    hash.update(JSON.stringify([point, version, replicas, joining]));
    points += 1;
    versions += version;
    if (joining.length > 0 || replicas.length > hydfs.copies) moving += 1;
    const how = healthOf(config, hydfs.copies, addresses);
    health[how] += 1;
    countOf(replicas[0]).primary += 1;
    for (const store of replicas) countOf(store).points += 1;
    for (const store of joining) countOf(store).joining += 1;
    if (how === 'lost') for (const store of replicas) countOf(store).awaited += 1;
  }
  const stores = [...counts].map(([store, count]) => {
    return { store, address: addresses.get(store) ?? null, ...count };
  });
  const digest = hash.digest('hex').slice(0, 16);
  return { copies: hydfs.copies, points, moving, health, versions, digest, stores };
}

function healthOf(
  { replicas, joining }: PointConfig,
  copies: number,
  living: ReadonlyMap<string, string>,
): PointHealth {
  const there = replicas.filter((store) => living.has(store)).length;
  if (there === 0) return 'lost';
  if (there < Math.min(copies, living.size)) return 'short';
  return joining.length > 0 || replicas.length > copies ? 'moving' : 'complete';
}
