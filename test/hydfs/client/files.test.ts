import test from 'ava';
import type { RequestLog } from '../../../src/core/index.ts';
import { LocalAccess } from '../../../src/hydfs/client/local-access.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import { SmallCluster } from './small-cluster.ts';

const NAME = 'counts.txt';

test('a creation whose answer was lost is not in its own way', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  cluster.mishaps.set('files.create', ['answer-lost', 'answer-lost']);
  t.is((await cluster.settle(files.create(NAME))).name, NAME);
  await t.throwsAsync(cluster.settle(files.create(NAME)), { code: 'FILE_EXISTS' });
  await t.throwsAsync(cluster.settle(cluster.nodes[0].files.create(NAME)), {
    code: 'FILE_EXISTS',
  });
});

test('of many that create one name one has done it, whatever is lost', async (t) => {
  const cluster = await SmallCluster.make('abc');
  cluster.mishaps.set('files.create', ['answer-lost', 'request-lost', 'answer-lost', 'none']);
  const all = Array.from({ length: 12 }, (_, i) => cluster.nodes[i % 3].files.create(NAME));
  const outcomes = await cluster.settle(Promise.allSettled(all));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('what a node is asked about its files is noted when it is received and when it is done', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { primary, placement } = cluster.nodes[0];
  const notes: unknown[] = [];
  const requests: RequestLog = {
    received(method, facts) {
      notes.push(['received', method, facts.file, facts.bytes]);
      return (result, more) => notes.push(['done', method, facts.file, more?.bytes, result]);
    },
  };
  const access = new LocalAccess({ files: primary, placement, requests });
  const file = { name: NAME, version: 1 };
  const { signal } = new AbortController();
  const noted = async (work: Promise<unknown>, ...expected: unknown[]): Promise<void> => {
    await cluster.settle(work);
    t.deepEqual(notes.splice(0), expected);
  };
  const both = (method: string): unknown[][] => [
    ['received', method, NAME, undefined],
    ['done', method, NAME, undefined, 'done'],
  ];
  await noted(access.create(file, 'token'), ...both('files.create'));
  await noted(
    access.open({ ...file, writer: 'w', epoch: 1, create: false }),
    ...both('files.open'),
  );
  const append = { writer: 'w', epoch: 1, seq: 1, parts: [Buffer.from('four')] };
  await noted(
    access.append(file, [append]),
    ['received', 'files.append', NAME, 4],
    ['done', 'files.append', NAME, undefined, 'done'],
  );
  const read = async (): Promise<void> => {
    for await (const _ of access.read(file, { from: 0, to: 4 }, signal));
  };
  await noted(
    read(),
    ['received', 'files.read', NAME, undefined],
    ['done', 'files.read', NAME, 4, 'done'],
  );
  await t.throwsAsync(cluster.settle(access.stat({ name: NAME, version: 2 })));
  t.is(notes.length, 2, 'a request that is refused too');
});

test('a removal whose answer was lost has done what it was asked to', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  await cluster.settle(files.create(NAME));
  cluster.mishaps.set('files.remove', ['answer-lost']);
  await cluster.settle(files.remove(NAME));
  await t.throwsAsync(cluster.settle(files.remove(NAME)), { code: 'FILE_MISSING' });
});

test('a node that missed a configuration does not answer a client that heard of it', async (t) => {
  const cluster = await SmallCluster.make('abc');
  const [a, , c] = cluster.nodes;
  const config = { point: ringPointOf(NAME), replicas: ['b', 'c', 'a'], joining: [] };
  a.placement.deaf = true;
  cluster.configure('bca', 2);
  await cluster.settle(c.files.create(NAME));
  await cluster.settle(c.files.append(NAME, Buffer.from('mine')));
  // c forgets what it knew of the primary, but not under which version it was acknowledged.
  c.placement.set({ ...config, version: 1, replicas: ['a', 'b', 'c'] });
  const asked = c.files.stat(NAME);
  await cluster.turns();
  t.is(cluster.requests.at(-1), 'files.stat');
  c.placement.set({ ...config, version: 2 });
  t.is((await cluster.settle(asked)).length, 4);
  t.true(a.placement.refreshes > 0 && c.placement.refreshes > 0, 'both wanted to hear more');
});

test('a primary that missed its own new configuration is waited for', async (t) => {
  const cluster = await SmallCluster.make('abc', { patienceMs: 1_000 });
  const [a, b, c] = cluster.nodes;
  await cluster.settle(c.files.create(NAME));
  a.placement.deaf = true;
  cluster.configure('abc', 2);
  for (const { files } of [b, c]) {
    await t.throwsAsync(cluster.settle(files.stat(NAME)), { code: 'FILES_UNREACHABLE' });
  }
  a.placement.deaf = false;
  cluster.configure('abc', 2);
  t.is((await cluster.settle(b.files.stat(NAME))).length, 0);
});

test('files of all primaries are listed once each', async (t) => {
  const cluster = await SmallCluster.make('abc');
  const names = Array.from({ length: 40 }, (_, i) => `f/${i}`);
  for (const name of names) await cluster.disk.create(name);
  for (let point = 0; point < 1024; point++) {
    const replicas = ['abc', 'bca', 'cab'][point % 3].split('');
    for (const { placement } of cluster.nodes) {
      placement.set({ point, version: 2, replicas, joining: [] });
    }
  }
  const { files } = cluster.nodes[1];
  t.deepEqual(await cluster.settle(files.list('f/')), names.toSorted());
  t.deepEqual(cluster.requests, ['files.listing', 'files.listing']);
  t.deepEqual(await cluster.settle(files.list('g')), []);
});

test('a list waits for the points that have moved, and says which nodes are missing', async (t) => {
  const cluster = await SmallCluster.make('ab', { patienceMs: 1_000 });
  await cluster.disk.create(NAME);
  const [a, b] = cluster.nodes;
  a.placement.set({ point: ringPointOf(NAME), version: 2, replicas: ['b', 'a'], joining: [] });
  const listing = b.files.list();
  await cluster.turns();
  b.placement.set({ point: ringPointOf(NAME), version: 2, replicas: ['b', 'a'], joining: [] });
  t.deepEqual(await cluster.settle(listing), [NAME]);
  b.placement.dead.add('a');
  const failed = await t.throwsAsync(cluster.settle(b.files.list()), { code: 'FILES_UNREACHABLE' });
  t.regex(failed.message, /the list of files.*store a, is not running/);
});

test('who holds a file is told by address, the primary first', async (t) => {
  const cluster = await SmallCluster.make('abc');
  const { files, placement } = cluster.nodes[1];
  placement.dead.add('c');
  await cluster.settle(files.create(NAME));
  t.deepEqual((await cluster.settle(files.stat(NAME))).replicas, ['node-a', 'node-b', 'c']);
  t.deepEqual(files.replicas(NAME), {
    fileId: ringPointOf(NAME),
    version: 1,
    replicas: [
      { store: 'a', address: 'node-a' },
      { store: 'b', address: 'node-b' },
      { store: 'c', address: null },
    ],
  });
});
