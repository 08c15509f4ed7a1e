/** Who holds the points of the ring, among six processes of which two die and one is new. */
import test from 'ava';
import type { PointsRow } from '../../src/node/index.ts';
import { RING_POINTS } from '../../src/plan/index.ts';
import { firstSuccessors } from '../control/helpers/points-world.ts';
import { Cluster, copiesPerNode, every } from './cluster.ts';

const NODES = 6;
const COPIES = 3;

let cluster: Cluster;
test.before(async () => {
  cluster = await Cluster.make(['--replace-after', '2s']);
  await cluster.grow(NODES);
  await cluster.whole();
});
test.after.always(() => cluster?.close());

/** What all living nodes agree on, once they do. */
async function agreed(): Promise<PointsRow> {
  const rows = new Map<string, PointsRow>();
  const look = async (): Promise<boolean> => {
    const all = await Promise.all(
      cluster.living.map((node) => node.ask((service) => service.points())),
    );
    rows.clear();
    for (const row of all) rows.set(row.digest, row);
    return rows.size === 1;
  };
  await every(cluster.living.slice(0, 1), look, 'one picture of the points at all nodes');
  const [row] = rows.values();
  return row;
}

function holders(addresses: readonly string[], point: number): string[] {
  return firstSuccessors(new Map(addresses.map((each) => [each, each])), point, COPIES);
}

/** How many points get a store that they did not have: less cannot be moved. */
function least(before: readonly string[], after: readonly string[]): number {
  let changed = 0;
  for (let point = 0; point < RING_POINTS; point++) {
    const old = holders(before, point);
    if (holders(after, point).some((address) => !old.includes(address))) changed += 1;
  }
  return changed;
}

function addressesOf(): string[] {
  return cluster.living.map(({ address }) => address);
}

function heldBy({ stores }: PointsRow): Map<string | null, number> {
  return new Map(stores.map(({ address, points }) => [address, points]));
}

test.serial(
  'six nodes agree on every configuration, and each point is at its successors',
  async (t) => {
    const row = await agreed();
    t.deepEqual([row.points, row.copies, row.moving], [RING_POINTS, COPIES, 0]);
    t.is(row.health.complete, RING_POINTS);
    for (const [address, points] of copiesPerNode(addressesOf(), COPIES))
      t.is(heldBy(row).get(address), points);
    const told = await cluster.run(['points', '--data', cluster.nodes[0].data]);
    t.regex(told.stdout, /\nall 1,024 points have 3 copies\n$/);
  },
);

test.serial(
  'two voters that are killed at once leave nothing unrepaired and four that decide',
  async (t) => {
    const before = addressesOf();
    const voters = await cluster.voters(5);
    const killed = cluster.living.filter(({ address }) => voters.includes(address)).slice(-2);
    await Promise.all(killed.map((node) => node.kill()));
    await cluster.complete();
    await cluster.whole();
    const row = await agreed();
    t.is(row.health.complete, RING_POINTS);
    for (const [address, points] of copiesPerNode(addressesOf(), COPIES))
      t.is(heldBy(row).get(address), points);
    t.true(least(before, addressesOf()) > 0);
    t.is((await cluster.voters(3)).length, 3, 'an odd number of those that live');
  },
);

test.serial('a node that joins gets its points and no other point moves', async (t) => {
  const [before, addresses] = [await agreed(), addressesOf()];
  await cluster.grow(1);
  await cluster.whole();
  const after = await agreed();
  const moved = least(addresses, addressesOf());
  for (const [address, points] of copiesPerNode(addressesOf(), COPIES))
    t.is(heldBy(after).get(address), points);
  // There are no files yet, so each of them moves in one step.
  t.is(after.versions - before.versions, moved);
  t.log(`${moved} of ${RING_POINTS} points moved, which is as few as can be`);
});
