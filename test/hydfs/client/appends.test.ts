import test from 'ava';
import { fault } from '../../../src/core/index.ts';
import { collect, textOf } from '../helpers.ts';
import { SmallCluster } from './small-cluster.ts';

const NAME = 'counts.txt';

function parts(text: string): readonly Uint8Array[] {
  return [Buffer.from(text)];
}

/** `count` lines, each appended with its number. */
async function lines(
  cluster: SmallCluster,
  { node, writer, count }: { node: number; writer: string; count: number },
): Promise<Promise<void>[]> {
  const { files } = cluster.nodes[node];
  const opened = await cluster.settle(files.openWriter(NAME, writer, 1, { create: true }));
  return Array.from({ length: count }, (_, i) =>
    opened.append({ seq: i + 1, parts: parts(`${writer} ${i}\n`), meta: Buffer.from([i % 256]) }),
  );
}

/** The numbers of `writer` in the file, in their order. */
async function numbersOf(cluster: SmallCluster, writer: string): Promise<number[]> {
  const text = await textOf(cluster.disk.read(NAME));
  const own = text.split('\n').filter((line) => line.startsWith(`${writer} `));
  return own.map((line) => Number(line.split(' ')[1]));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('appends of one turn travel in few requests, in the order of the calls', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const all = await lines(cluster, { node: 1, writer: 'w', count: 5000 });
  await cluster.settle(Promise.all(all));
  t.deepEqual(await numbersOf(cluster, 'w'), upTo(5000));
  const requests = cluster.requests.filter((method) => method === 'files.append').length;
  t.true(requests <= 5, `${requests} requests`);
});

test('a node that is the primary asks nobody', async (t) => {
  const cluster = await SmallCluster.make('ab');
  await cluster.settle(Promise.all(await lines(cluster, { node: 0, writer: 'w', count: 10 })));
  await cluster.settle(cluster.nodes[0].files.stat(NAME));
  t.is(await cluster.settle(textOf(cluster.nodes[0].files.read(NAME, { to: 4 }))), 'w 0\n');
  t.deepEqual(cluster.requests, []);
});

for (const mishap of ['request-lost', 'answer-lost', 'stuck', 'swapped'] as const) {
  test(`appends take effect once and in order when a request is ${mishap}`, async (t) => {
    const cluster = await SmallCluster.make('abc', { batchAppends: 7, fileRequests: 3 });
    cluster.mishaps.set('files.append', ['none', mishap, 'none', 'none', mishap, mishap]);
    const all = [
      ...(await lines(cluster, { node: 1, writer: 'v', count: 60 })),
      ...(await lines(cluster, { node: 2, writer: 'w', count: 60 })),
    ];
    if (mishap === 'stuck') {
      await cluster.turns();
      cluster.configure('bca', 2);
      await cluster.turns();
      cluster.configure('cab', 3);
    }
    await cluster.settle(Promise.all(all));
    t.deepEqual(await numbersOf(cluster, 'v'), upTo(60));
    t.deepEqual(await numbersOf(cluster, 'w'), upTo(60));
    t.deepEqual(
      cluster.mishaps.get('files.append')?.filter((each) => each !== 'none'),
      [],
    );
  });
}

test('appends follow the primary from node to node', async (t) => {
  const cluster = await SmallCluster.make('abc', { batchAppends: 5 });
  const all = await lines(cluster, { node: 1, writer: 'w', count: 100 });
  for (const [version, stores] of ['bca', 'cab', 'abc', 'bca'].entries()) {
    await cluster.turns(2);
    cluster.configure(stores, version + 2);
  }
  await cluster.settle(Promise.all(all));
  t.deepEqual(await numbersOf(cluster, 'w'), upTo(100));
});

test('a fence is final at once, for its writer alone', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  const old = await cluster.settle(files.openWriter(NAME, 'w', 1, { create: true }));
  const other = await cluster.settle(files.openWriter(NAME, 'v', 1));
  await cluster.settle(files.openWriter(NAME, 'w', 2));
  const appends = [old, other].map((writer) => writer.append({ seq: 1, parts: parts('x\n') }));
  const [fenced, fine] = await cluster.settle(Promise.allSettled(appends));
  t.is(fine.status, 'fulfilled');
  t.is(fenced.status === 'rejected' && fenced.reason.code, 'FENCED');
  t.is(cluster.nodes[1].placement.refreshes, 0);
});

test('a gap that is the caller’s own is final', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  const writer = await cluster.settle(files.openWriter(NAME, 'w', 1, { create: true }));
  const append = cluster.settle(writer.append({ seq: 2, parts: parts('x\n') }));
  await t.throwsAsync(append, { code: 'WRITER_GAP' });
});

test('what cannot be appended ends with one sentence that says what was waited for', async (t) => {
  const cluster = await SmallCluster.make('ab', { patienceMs: 2_000 });
  const { files, placement } = cluster.nodes[1];
  const writer = await cluster.settle(files.openWriter(NAME, 'w', 1, { create: true }));
  placement.dead.add('a');
  const before = cluster.clock.now();
  const failed = await t.throwsAsync(
    cluster.settle(writer.append({ seq: 1, parts: parts('x\n') })),
    { code: 'FILES_UNREACHABLE' },
  );
  t.regex(failed.message, /^counts\.txt could not be reached for 2 s \(.*store a, is not running/);
  t.true(cluster.clock.now() - before < 3_000);
  t.true(placement.refreshes > 2);
});

test('a primary that keeps a request for ever is given up', async (t) => {
  const cluster = await SmallCluster.make('ab', { patienceMs: 2_000 });
  cluster.mishaps.set('files.append', ['stuck']);
  const all = await lines(cluster, { node: 1, writer: 'w', count: 3 });
  const outcomes = await cluster.settle(Promise.allSettled(all));
  t.true(outcomes.every(({ status }) => status === 'rejected'));
});

test('small appends wait for the requests before them, large ones only for bytes', async (t) => {
  const limits = { fileRequests: 2, batchBytes: 1_000, fileBytes: 8_000, batchAppends: 1 };
  const underWay = async (bytes: number): Promise<number> => {
    const cluster = await SmallCluster.make('ab', limits);
    const { files } = cluster.nodes[1];
    const writer = await cluster.settle(files.openWriter(NAME, 'w', 1, { create: true }));
    cluster.mishaps.set('files.append', new Array(30).fill('stuck'));
    const all = Array.from({ length: 30 }, (_, i) =>
      writer.append({ seq: i + 1, parts: [Buffer.alloc(bytes)] }),
    );
    await cluster.turns();
    await files.close();
    await Promise.allSettled(all);
    return cluster.requests.filter((method) => method === 'files.append').length;
  };
  t.is(await underWay(100), 2);
  t.is(await underWay(950), 9, 'up to the one that makes it more than 8,000 bytes');
});

test('bytes under way to one primary are bounded over all files', async (t) => {
  const cluster = await SmallCluster.make('ab', { primaryBytes: 10_000, batchBytes: 4_000 });
  const { files } = cluster.nodes[1];
  const all: Promise<void>[] = [];
  for (let i = 0; i < 8; i++) {
    const writer = await cluster.settle(files.openWriter(`f${i}`, 'w', 1, { create: true }));
    for (let seq = 1; seq <= 4; seq++) {
      all.push(writer.append({ seq, parts: [Buffer.alloc(3_500, i)] }));
    }
  }
  cluster.mishaps.set('files.append', ['stuck', 'stuck', 'stuck']);
  await cluster.turns();
  t.is(cluster.mishaps.get('files.append')?.length, 1, 'a third request has no room');
  cluster.mishaps.clear();
  cluster.configure('ba', 2);
  await cluster.settle(Promise.all(all));
  for (let i = 0; i < 8; i++) t.is((await cluster.disk.stat(`f${i}`)).length, 14_000);
});

test('appends without a writer are not doubled by a lost answer, and keep their order', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  await cluster.settle(files.create(NAME));
  cluster.mishaps.set('files.append', ['answer-lost', 'answer-lost']);
  const texts = upTo(20).map((i) => `line ${i}\n`);
  const appended = texts.map((text) => files.append(NAME, Buffer.from(text)));
  const lengths = (await cluster.settle(Promise.all(appended))).map(({ length }) => length);
  t.is(await textOf(cluster.disk.read(NAME)), texts.join(''));
  t.is(lengths.at(-1), texts.join('').length);
  t.is((await cluster.disk.stat(NAME)).writers, 1);
});

test('a file that was made anew takes appends without a writer', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  await cluster.settle(files.create(NAME));
  await cluster.settle(files.append(NAME, Buffer.from('old')));
  await cluster.disk.remove(NAME);
  await cluster.disk.create(NAME);
  cluster.nodes[0].primary.faults.push(
    fault('WRITER_NOT_OPEN', { name: NAME, writer: 'x', epoch: 1, newest: 0 }),
  );
  await cluster.settle(files.append(NAME, Buffer.from('new')));
  t.is(await textOf(cluster.disk.read(NAME)), 'new');
});

test('an append of another life of the node does not take a number of this one', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  await cluster.settle(files.create(NAME));
  await cluster.settle(cluster.disk.openWriter(NAME, 'appends/b', 1_000_000));
  await cluster.settle(files.append(NAME, Buffer.from('x')));
  const entries = await collect(cluster.disk.entries(NAME));
  t.is(entries.at(-1)?.epoch, 1_000_001);
});

test('after the end of a client nothing waits', async (t) => {
  const cluster = await SmallCluster.make('ab');
  cluster.mishaps.set('files.append', ['stuck']);
  cluster.mishaps.set('files.stat', ['stuck']);
  const [append] = await lines(cluster, { node: 1, writer: 'w', count: 1 });
  const stat = cluster.nodes[1].files.stat(NAME);
  await cluster.turns();
  const outcomes = Promise.allSettled([append, stat]);
  await cluster.nodes[1].files.close();
  for (const outcome of await cluster.settle(outcomes)) {
    t.is(outcome.status === 'rejected' && outcome.reason.code, 'LOG_CLOSED');
  }
});

test('an append larger than a message arrives in parts, once, whatever is lost', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const { files } = cluster.nodes[1];
  const writer = await cluster.settle(files.openWriter(NAME, 'w', 1, { create: true }));
  const large = Buffer.alloc(40 * 1024 * 1024);
  for (let at = 0; at < large.length; at += 4096) large.writeUInt32LE(at, at);
  cluster.mishaps.set('files.part', ['none', 'none', 'answer-lost', 'none', 'request-lost']);
  cluster.mishaps.set('files.append', ['answer-lost']);
  const appends = [
    writer.append({ seq: 1, parts: [large.subarray(0, 100), large.subarray(100)] }),
    writer.append({ seq: 2, parts: parts('end') }),
  ];
  await cluster.settle(Promise.all(appends));
  const found = Buffer.concat(await collect(cluster.disk.read(NAME)));
  t.is(found.length, large.length + 3);
  t.true(found.subarray(0, large.length).equals(large));
});
