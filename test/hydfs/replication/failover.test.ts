import test, { type ExecutionContext } from 'ava';
import { METHODS } from '../../../src/hydfs/replication/messages.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import { until } from '../../helpers/poll.ts';
import { textOf } from '../helpers.ts';
import { Cluster, type SiteOptions } from './cluster.ts';
import { configOf, copyAt, isEmpty, isPending, NAME } from './helpers.ts';

async function three(t: ExecutionContext, options: SiteOptions = {}): Promise<Cluster> {
  const cluster = await Cluster.start(['a', 'b', 'c'], options);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b', 'c']);
  const files = cluster.site('a').replicas.files();
  await until(async () => (await files.listing()).points.length > 0, { what: 'a to serve' });
  await files.create(NAME);
  await files.append(NAME, Buffer.from('first\n'));
  return cluster;
}

/** An append that reaches `a` and `b` only. */
async function halfAppend(cluster: Cluster, text: string): Promise<void> {
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.copy;
  const before = cluster.asked.length;
  const files = cluster.site('a').replicas.files();
  const append = files.append(NAME, Buffer.from(text));
  append.catch(() => {});
  await until(
    () =>
      cluster.asked.slice(before).some(({ to, method }) => to === 'b' && method === METHODS.copy),
    { what: 'the append to be sent' },
  );
  const b = cluster.site('b').files;
  await until(async () => (await b.openFile(NAME)).state.length > 6, { what: 'b to have it' });
}

test('a tail that one survivor has is taken over by a new primary that lacks it', async (t) => {
  const cluster = await three(t);
  await halfAppend(cluster, 'tail\n');
  await cluster.kill('a');
  cluster.loses = () => false;
  cluster.keeper.set(['c', 'b']);
  const files = cluster.site('c').replicas.files();
  const told = await files.stat(NAME);
  t.is(told.length, 11);
  t.is(await textOf(files.read(NAME)), 'first\ntail\n');
  t.is(await copyAt(cluster, 'b', told), 'first\ntail\n');
});

test('an append is not acknowledged while one replica of the configuration lacks it', async (t) => {
  const cluster = await three(t);
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.copy;
  const files = cluster.site('a').replicas.files();
  const append = files.append(NAME, Buffer.from('second\n'));
  t.true(await isPending(append));
  t.is((await files.stat(NAME)).length, 6, 'and nothing is told of it');
  t.is(await textOf(files.read(NAME)), 'first\n');
  cluster.keeper.set(['a', 'b']);
  t.deepEqual(await append, { length: 13, version: 2 });
});

test('a primary that lost its place without knowing acknowledges nothing and tells nothing new', async (t) => {
  const cluster = await three(t, { limits: { commitMs: 1_000, readyMs: 1_000 } });
  const old = cluster.site('a');
  old.frozen = new Map(cluster.keeper.configs);
  cluster.keeper.set(['b', 'c']);
  const files = cluster.site('b').replicas.files();
  await until(async () => (await files.listing()).points.length > 0, { what: 'b to serve' });
  await files.append(NAME, Buffer.from('from b\n'));
  await t.throwsAsync(old.replicas.files().append(NAME, Buffer.from('from a\n')));
  await t.throwsAsync(old.replicas.files().append(NAME, Buffer.from('again\n')));
  await t.throwsAsync(old.replicas.files().remove(NAME));
  t.is(await textOf(files.read(NAME)), 'first\nfrom b\n');
  const told = await files.append(NAME, Buffer.from('more\n'));
  t.is(await copyAt(cluster, 'c', told), 'first\nfrom b\nmore\n');
});

test('a store that missed its removal is emptied before it is filled again', async (t) => {
  const cluster = await three(t);
  await halfAppend(cluster, 'never acknowledged\n');
  await cluster.kill('a');
  const b = cluster.site('b');
  b.frozen = new Map(cluster.keeper.configs);
  cluster.loses = () => false;
  cluster.keeper.set(['c']);
  const files = cluster.site('c').replicas.files();
  await files.append(NAME, Buffer.from('other\n'));
  cluster.keeper.set(['c'], ['b']);
  await until(() => configOf(cluster).replicas.includes('b'), { what: 'b to be a replica' });
  b.frozen = null;
  const told = await files.append(NAME, Buffer.from('end\n'));
  t.is(await copyAt(cluster, 'b', told), 'first\nother\nend\n');
});

test('a store that is in no configuration of a point discards its files', async (t) => {
  const cluster = await three(t);
  t.deepEqual(await cluster.site('c').files.list(), [NAME]);
  cluster.keeper.set(['a', 'b']);
  await until(() => isEmpty(cluster, 'c'), { what: 'c to be empty' });
  t.deepEqual(await cluster.site('b').files.list(), [NAME]);
});

test('what a whole cluster had acknowledged is there after all of it restarted', async (t) => {
  const cluster = await three(t);
  const disks = new Map<string, Awaited<ReturnType<Cluster['kill']>>>();
  for (const store of ['a', 'b', 'c']) disks.set(store, await cluster.kill(store));
  for (const [store, disk] of disks) {
    disk.crash();
    await cluster.restart(store, disk);
  }
  const files = cluster.site('a').replicas.files();
  t.is(await textOf(files.read(NAME)), 'first\n');
  const told = await files.append(NAME, Buffer.from('second\n'));
  t.is(await copyAt(cluster, 'c', told), 'first\nsecond\n');
});

test('a backup that restarts is surveyed again, and appends go on', async (t) => {
  const cluster = await three(t);
  const files = cluster.site('a').replicas.files();
  const disk = await cluster.kill('b');
  const append = files.append(NAME, Buffer.from('meanwhile\n'));
  t.true(await isPending(append));
  disk.crash();
  await cluster.restart('b', disk);
  const told = await append;
  t.is(await copyAt(cluster, 'b', told), 'first\nmeanwhile\n');
});

test('a creation that its primary did not live to answer is known as such by the next one', async (t) => {
  const cluster = await three(t);
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.copy;
  const first = cluster.site('a').replicas.files().create('two.txt', 'mine');
  first.catch(() => {});
  const b = cluster.site('b').files;
  await until(async () => (await b.list()).includes('two.txt'), { what: 'b to have it' });
  t.true(await isPending(first));
  await cluster.kill('a');
  cluster.loses = () => false;
  cluster.keeper.set(['b', 'c']);
  const files = cluster.site('b').replicas.files();
  await t.throwsAsync(files.create('two.txt', 'other'), { code: 'FILE_EXISTS' });
  t.is((await files.create('two.txt', 'mine')).length, 0);
  await t.throwsAsync(files.create('two.txt', 'other'), { code: 'FILE_EXISTS' });
});

test('the first file of a fresh point is made after its use was decided, and others follow at once', async (t) => {
  const cluster = await Cluster.start(['a', 'b']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b']);
  const point = ringPointOf(NAME);
  const files = cluster.site('a').replicas.files();
  for (const create of [true, false]) {
    cluster.keeper.fresh.add(point);
    cluster.keeper.takesUses = false;
    const made = create ? files.create(NAME) : files.openWriter(NAME, 'w', 1, { create: true });
    await t.throwsAsync(made, { code: 'REPLICA_NOT_READY' });
    t.deepEqual(await cluster.site('a').files.list(), []);
    cluster.keeper.takesUses = true;
    await Promise.all(
      [1, 2, 3].map((epoch) => files.openWriter(NAME, 'w', epoch, { create: true })),
    );
    t.false(cluster.keeper.fresh.has(point));
    await files.remove(NAME);
  }
});

test('no file is made at a fresh point, whoever asks the disk', async (t) => {
  const cluster = await Cluster.start(['a']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const { files, replicas } = cluster.site('a');
  await until(async () => (await replicas.files().listing()).points.length > 0, { what: 'a' });
  cluster.keeper.fresh.add(ringPointOf(NAME));
  await t.throwsAsync(files.create(NAME), { code: 'REPLICA_NOT_READY' });
  t.deepEqual(await files.list(), []);
});

test('a removal that reached some replicas comes out one way at all of them', async (t) => {
  const cluster = await three(t);
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.remove;
  const removal = cluster.site('a').replicas.files().remove(NAME);
  removal.catch(() => {});
  await until(() => isEmpty(cluster, 'b'), { what: 'b to have removed it' });
  t.true(await isPending(removal));
  await cluster.kill('a');
  cluster.loses = () => false;
  cluster.keeper.set(['b', 'c']);
  const files = cluster.site('b').replicas.files();
  t.deepEqual(await files.list(), [NAME], 'it was not acknowledged: it is kept');
  const told = await files.append(NAME, Buffer.from('second\n'));
  t.is(await copyAt(cluster, 'b', told), 'first\nsecond\n');
  t.is(await copyAt(cluster, 'c', told), 'first\nsecond\n');
});

test('an acknowledged removal is never undone, and the name is free again', async (t) => {
  const cluster = await three(t);
  const files = cluster.site('a').replicas.files();
  await files.remove(NAME);
  for (const store of ['a', 'b', 'c']) t.deepEqual(await cluster.site(store).files.list(), []);
  await t.throwsAsync(files.stat(NAME), { code: 'FILE_MISSING' });
  await files.create(NAME);
  await files.append(NAME, Buffer.from('anew\n'));
  await cluster.kill('a');
  cluster.keeper.set(['c', 'b']);
  t.is(await textOf(cluster.site('c').replicas.files().read(NAME)), 'anew\n');
});

test('a node that is not the primary says so', async (t) => {
  const cluster = await three(t);
  const files = cluster.site('b').replicas.files();
  await t.throwsAsync(files.stat(NAME), { code: 'NOT_PRIMARY' });
  await t.throwsAsync(files.append(NAME, Buffer.from('x')), { code: 'NOT_PRIMARY' });
  await t.throwsAsync(files.create('other.txt'), { code: 'NOT_PRIMARY' });
  t.deepEqual(await files.listing(), { points: [], names: [] });
});

test('a primary without an answer of all replicas does not serve, and says so in time', async (t) => {
  const cluster = await three(t, { limits: { readyMs: 50 } });
  await cluster.kill('a');
  cluster.cut('c');
  cluster.keeper.set(['b', 'c']);
  const files = cluster.site('b').replicas.files();
  await t.throwsAsync(files.stat(NAME), { code: 'REPLICA_NOT_READY' });
  await t.throwsAsync(files.append(NAME, Buffer.from('x')), { code: 'REPLICA_NOT_READY' });
  cluster.heal('c');
  await until(() => files.stat(NAME).catch(() => null), { what: 'the point to be served' });
});
