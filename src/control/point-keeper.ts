/**
 * Who should hold each point of the ring, decided by the leader.
 *
 *   A B C          C dies         A B (D)        writes go on without it; D, the next successor, is filled
 *   A B (D)        D caught up    A B D
 *   A B D          X joins, before A on the ring, and the ring is calm
 *                                 A B D (X)
 *   A B D (X)      X caught up    X A B          the first successor is the primary
 *
 * K1 Wanted are the first living successors of a point, as many as there are to be copies.
 * K2 The dead go at once, but only while somebody living remains: when all have died they are waited
 *    for, because only they have what was written.
 * K3 What has died is filled elsewhere at once, because copies are missing that were there. Otherwise
 *    nobody new comes before the ring has rested, or is calm where all copies are there, which nothing
 *    puts at risk: of several nodes that come together, each point moves once.
 * K4 There are never fewer replicas than before because of a move, and never more than one above the
 *    wanted number (unless that number has just become smaller): a store is filled first, then the
 *    one goes that it replaces. Where copies are missing, all that are missing are filled together.
 * K5 A store that is being filled goes on being filled while it is wanted. A store that has its place
 *    keeps it, and so its data.
 * K6 At rest the replicas are the wanted ones, in their order: the primary is the first successor.
 * K7 At a fresh point nobody is filled and nobody is waited for: there is nothing to lack. At rest its
 *    replicas are the wanted ones at once.
 */
import { RING_POINTS, type Ring, ringOf, successors } from '../plan/index.ts';
import type { HydfsState, PointPlan } from './hydfs-state.ts';
import { type PointConfig, pointConfig } from './point-table.ts';

export interface PointsView {
  readonly hydfs: HydfsState;
  /** The addresses of the stores that live, by their ids. */
  readonly stores: ReadonlyMap<string, string>;
  /** Nobody has come or gone lately. */
  readonly rested: boolean;
  /** Nor for longer than that. */
  readonly calm: boolean;
  /** True when the store has failed at the point, so that it is not to be tried again yet. */
  readonly resting: (store: string, point: number) => boolean;
  /** The points that are looked at; all unless given. */
  readonly points?: readonly number[];
}

const ALL_POINTS: readonly number[] = Array.from({ length: RING_POINTS }, (_, point) => point);

/** The configurations that should be others; empty when all is as it should be for now. */
export function nextPoints(view: PointsView): PointPlan[] {
  const byAddress = new Map([...view.stores].map(([store, address]) => [address, store]));
  const ring = ringOf(byAddress.keys());
  const plans: PointPlan[] = [];
  for (const point of view.points ?? ALL_POINTS) {
    const old = pointConfig(view.hydfs.points, point);
    const stores = (): string[] => wanted(view, { ring, byAddress, point, old });
    const next = old === null ? begin(view, stores) : goOn(view, old, stores);
    if (next === null || (old !== null && isSame(old, next))) continue;
    plans.push({ point, version: old?.version ?? 0, ...next });
  }
  return plans;
}

type Next = Pick<PointConfig, 'replicas' | 'joining'>;

interface Place {
  readonly ring: Ring;
  readonly byAddress: ReadonlyMap<string, string>;
  readonly point: number;
  readonly old: PointConfig | null;
}

/** K1. */
function wanted({ hydfs, resting }: PointsView, { ring, byAddress, point, old }: Place): string[] {
  const stores: string[] = [];
  for (const address of successors(ring, point)) {
    if (stores.length >= hydfs.copies) break;
    const store = byAddress.get(address);
    if (store === undefined) continue;
    if (old?.replicas.includes(store) || !resting(store, point)) stores.push(store);
  }
  return stores;
}

function begin({ rested }: PointsView, wantedStores: () => string[]): Next | null {
  const replicas = rested ? wantedStores() : [];
  return replicas.length === 0 ? null : { replicas, joining: [] };
}

function goOn(view: PointsView, old: PointConfig, wantedStores: () => string[]): Next | null {
  const living = old.replicas.filter((store) => view.stores.has(store));
  const fresh = view.hydfs.fresh.has(old.point);
  if (fresh && (view.rested || living.length === 0)) return begin(view, wantedStores); // K7
  if (living.length === 0) return null; // K2
  const filling = old.joining.filter((store) => view.stores.has(store));
  if (fresh || !mayMove(view, old, living, filling)) return { replicas: living, joining: filling };
  const stores = wantedStores();
  const missing = stores.filter((store) => !living.includes(store));
  if (missing.length === 0) return { replicas: stores, joining: [] }; // K6
  const replicas = withoutSurplus(living, stores);
  // K4, K5
  const room = Math.max(1, stores.length - replicas.length);
  const begun = filling.filter((store) => missing.includes(store));
  const joining = [...new Set([...begun, ...missing])].slice(0, room);
  return { replicas, joining };
}

/** K3. */
function mayMove(
  { hydfs, rested, calm }: PointsView,
  { replicas, joining }: PointConfig,
  living: readonly string[],
  filling: readonly string[],
): boolean {
  if (living.length < replicas.length || filling.length < joining.length) return true;
  return living.length < hydfs.copies ? rested : calm;
}

/** K4. The primary stays as long as anybody else can go: a new one costs all writers a pause. */
function withoutSurplus(living: readonly string[], wantedStores: readonly string[]): string[] {
  const kept = [...living];
  while (kept.length > wantedStores.length) {
    const at = kept.findLastIndex((store) => !wantedStores.includes(store));
    kept.splice(at, 1);
  }
  return kept;
}

function isSame(old: Next, next: Next): boolean {
  return isEqual(old.replicas, next.replicas) && isEqual(old.joining, next.joining);
}

function isEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
