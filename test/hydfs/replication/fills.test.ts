/** Stores that are filled while appends go on without a pause. */
import test, { type ExecutionContext } from 'ava';
import { METHODS } from '../../../src/hydfs/replication/messages.ts';
import { until } from '../../helpers/poll.ts';
import { Cluster, type SiteOptions } from './cluster.ts';
import { configOf, copyAt, isPending, NAME, tiny } from './helpers.ts';

/** Appends that are under way at any time. */
const UNDER_WAY = 20;
const LINE_BYTES = 200;

/** A file of `begun` appends at a and b. */
async function begun(t: ExecutionContext, options: SiteOptions, count: number): Promise<Cluster> {
  const cluster = await Cluster.start(['a', 'b', 'c'], { ...options, segmentBytes: 20_000 });
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b']);
  await cluster.site('a').replicas.files().create(NAME);
  const some = Array.from({ length: count }, () => append(cluster));
  await Promise.all(some);
  return cluster;
}

function append(cluster: Cluster): Promise<{ readonly length: number }> {
  return cluster.site('a').replicas.files().append(NAME, Buffer.alloc(LINE_BYTES, 'x'));
}

/** Appends again and again until c is a replica, at most `most` times; how often that was. */
async function appendUntilJoined(cluster: Cluster, most: number): Promise<number> {
  let count = 0;
  const joined = (): boolean => configOf(cluster).replicas.includes('c');
  const one = async (): Promise<void> => {
    while (!joined() && count < most) {
      count += 1;
      await append(cluster);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, one));
  return count;
}

async function haveTheSame(t: ExecutionContext, cluster: Cluster): Promise<void> {
  const files = cluster.site('a').replicas.files();
  const told = await files.stat(NAME);
  for (const store of ['b', 'c']) t.is((await copyAt(cluster, store, told)).length, told.length);
  t.deepEqual((await files.merge(NAME)).repaired, []);
}

test('a store becomes a replica though appends go on without a pause', async (t) => {
  const cluster = await begun(t, { limits: tiny }, 100);
  cluster.keeper.set(['a', 'b'], ['c']);
  const most = 20_000;
  const count = await appendUntilJoined(cluster, most);
  t.log(`${count} appends meanwhile`);
  t.true(count < most);
  await haveTheSame(t, cluster);
});

test('a filling that is slower than the appends holds them back until it has reached them', async (t) => {
  const cluster = await begun(t, { limits: tiny, repairBytesPerSecond: 200_000 }, 400);
  cluster.keeper.set(['a', 'b'], ['c']);
  const most = 20_000;
  const count = await appendUntilJoined(cluster, most);
  t.log(`${count} appends meanwhile`);
  t.true(count < most);
  await haveTheSame(t, cluster);
});

test('appends do not wait for a store that is lost while it is filled', async (t) => {
  const cluster = await begun(t, { limits: tiny }, 10);
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.copy;
  cluster.keeper.set(['a', 'b'], ['c']);
  const asked = cluster.asked.length;
  const isAsked = (): boolean =>
    cluster.asked.slice(asked).some(({ to, method }) => to === 'c' && method === METHODS.copy);
  await until(isAsked, { what: 'c to be sent something' });
  t.false(await isPending(append(cluster), 2_000));
  cluster.loses = () => false;
  await appendUntilJoined(cluster, 20_000);
  await haveTheSame(t, cluster);
});
