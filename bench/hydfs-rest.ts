/**
 * When the files of a cluster have come to rest: each living store holds exactly its share of the ring.
 */
import type { PointsRow } from '../src/node/index.ts';
import { RING_POINTS, ringOf, successors } from '../src/plan/index.ts';
import type { Cluster } from '../test/cluster/cluster.ts';
import { until } from '../test/helpers/poll.ts';
import { pointsOf } from './hydfs-client.ts';

/** Copies of each file: the default of a cluster. */
export const COPIES = 3;
/** How long what takes a few seconds may take on a busy machine. */
export const LONG_MS = 300_000;

/** Resolves when `nodes` stores hold everything that they should and nothing moves. */
export async function rested(cluster: Cluster, nodes: number): Promise<void> {
  await until(async () => isWhole(await pointsOf(cluster), nodes), {
    what: `all copies at ${nodes} nodes`,
    deadlineMs: LONG_MS,
  });
}

/**
 * True when each of the living stores holds exactly its share of the ring and nobody else holds
 * anything. Sums alone would also be right before the first step: a dead store is still named then,
 * and one that has joined lacks nothing that anybody has noticed.
 */
function isWhole({ moving, stores }: PointsRow, nodes: number): boolean {
  const living = stores.map(({ address }) => address).filter((each) => each !== null);
  if (moving !== 0 || living.length !== nodes) return false;
  const shares = sharesOf(living);
  return stores.every(({ address, points, primary, joining }) => {
    const share = (address === null ? null : shares.get(address)) ?? { points: 0, primary: 0 };
    return joining === 0 && points === share.points && primary === share.primary;
  });
}

type Shares = ReadonlyMap<string, { readonly points: number; readonly primary: number }>;

/** By the addresses: it is looked at every few milliseconds, beside what is measured. */
const knownShares = new Map<string, Shares>();

function sharesOf(addresses: readonly string[]): Shares {
  const key = [...addresses].sort().join();
  const known = knownShares.get(key) ?? sharesAmong(addresses);
  knownShares.set(key, known);
  return known;
}

/** How many points each address holds at rest, and of how many it is the primary. */
function sharesAmong(addresses: readonly string[]): Shares {
  const ring = ringOf(addresses);
  const shares = new Map(addresses.map((each) => [each, { points: 0, primary: 0 }]));
  for (let point = 0; point < RING_POINTS; point++) {
    [...successors(ring, point)].slice(0, COPIES).forEach((address, i) => {
      const share = shares.get(address);
      if (share === undefined) return;
      share.points += 1;
      if (i === 0) share.primary += 1;
    });
  }
  return shares;
}
