import test from 'ava';
import { collect, textOf } from '../helpers.ts';
import { SmallCluster } from './small-cluster.ts';

const NAME = 'input.txt';
/** More than one item of a stream. */
const LARGE = 1_500_000;

/** A file of `bytes` bytes in appends of a few hundred, the same each time. */
async function filled(cluster: SmallCluster, bytes: number): Promise<Buffer> {
  const whole = Buffer.from(
    Uint32Array.from({ length: bytes / 4 }, (_, i) => i * 2_654_435).buffer,
  );
  await cluster.disk.create(NAME);
  for (let at = 0; at < whole.length; at += 30_011) {
    await cluster.disk.append(NAME, whole.subarray(at, at + 30_011));
  }
  return whole;
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(pieces));
}

test('a stream that breaks goes on at the byte where it broke', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const whole = await filled(cluster, LARGE);
  cluster.nodes[1].primary.copyBytesMax = 100_000;
  cluster.breaks.set('files.read', [0, 2, 1]);
  const read = await cluster.settle(bytesOf(cluster.nodes[1].files.read(NAME)));
  t.true(read.equals(whole));
  t.is(cluster.requests.filter((method) => method === 'files.read').length, 4);
});

test('a node reads its own copy, below the length that the primary told', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const whole = await filled(cluster, LARGE);
  const read = await cluster.settle(bytesOf(cluster.nodes[1].files.read(NAME, { from: 5 })));
  t.true(read.equals(whole.subarray(5)));
  t.deepEqual(cluster.requests, ['files.stat']);
  const [range] = cluster.nodes[1].primary.copies;
  t.like(range, { from: 5, to: whole.length, version: 1 });
});

test('a copy of another configuration is not read', async (t) => {
  const cluster = await SmallCluster.make('abc');
  const whole = await filled(cluster, LARGE);
  const [a, b, c] = cluster.nodes;
  b.placement.deaf = true;
  cluster.configure('ac', 2);
  const read = await cluster.settle(bytesOf(b.files.read(NAME)));
  t.true(read.equals(whole));
  t.deepEqual(
    [a, b, c].map(({ primary }) => primary.copies.length),
    [0, 0, 0],
  );
});

test('small ranges of other nodes’ files are kept, and those of a file made anew are not taken for them', async (t) => {
  const cluster = await SmallCluster.make('ab', { cacheBytes: 200_000 });
  cluster.configure('a', 2);
  const whole = await filled(cluster, LARGE);
  const { files } = cluster.nodes[1];
  const range = (from: number): Promise<Buffer> =>
    cluster.settle(bytesOf(files.read(NAME, { from, to: from + 1_000 })));
  for (const from of [70_000, 71_000, 65_000, 131_000]) {
    t.true((await range(from)).equals(whole.subarray(from, from + 1_000)), `from ${from}`);
  }
  const reads = (): number => cluster.requests.filter((each) => each === 'files.read').length;
  t.is(reads(), 3, 'three blocks were touched');
  for (const from of [300_000, 400_000, 500_000, 600_000]) await range(from);
  const before = reads();
  await range(70_000);
  t.is(reads(), before + 1, 'the oldest blocks have made room');
  await cluster.disk.remove(NAME);
  cluster.clock.advance(1);
  await cluster.disk.create(NAME);
  t.is((await range(600_000)).length, 0);
});

test('a follower goes on at the new primary, with every byte once', async (t) => {
  const cluster = await SmallCluster.make('abc');
  await cluster.disk.create(NAME);
  await cluster.disk.append(NAME, Buffer.from('0 '));
  const stop = new AbortController();
  const seen: Buffer[] = [];
  const following = (async () => {
    const tail = cluster.nodes[2].files.tail(NAME, { signal: stop.signal });
    for await (const piece of tail) seen.push(Buffer.from(piece));
  })();
  const text = (): string => Buffer.concat(seen).toString();
  let wanted = '0 ';
  for (const [i, stores] of ['bca', 'abc', 'cab', 'abc'].entries()) {
    await cluster.settle(until(cluster, () => text() === wanted));
    cluster.configure(stores, i + 2);
    await cluster.disk.append(NAME, Buffer.from(`${i + 1} `));
    wanted += `${i + 1} `;
  }
  await cluster.settle(until(cluster, () => text() === wanted));
  stop.abort();
  await cluster.settle(following);
  t.is(text(), '0 1 2 3 4 ');
});

test('a follower ends when its file is removed, also when another took its name', async (t) => {
  const cluster = await SmallCluster.make('ab');
  await cluster.disk.create(NAME);
  await cluster.disk.append(NAME, Buffer.from('old'));
  cluster.clock.advance(5);
  const { signal } = new AbortController();
  const following = cluster.settle(textOf(cluster.nodes[1].files.tail(NAME, { signal })));
  await cluster.turns();
  await cluster.disk.remove(NAME);
  cluster.clock.advance(5);
  await cluster.disk.create(NAME);
  await cluster.disk.append(NAME, Buffer.from('new'));
  t.is(await following, 'old');
});

test('a reader whose file was made anew is not given a mixture', async (t) => {
  const cluster = await SmallCluster.make('ab');
  await filled(cluster, LARGE);
  cluster.nodes[1].primary.copyBytesMax = 1;
  const reading = collect(cluster.nodes[1].files.read(NAME));
  cluster.breaks.set('files.read', [1]);
  cluster.mishaps.set('files.stat', ['none', 'stuck']);
  await cluster.turns();
  await cluster.disk.remove(NAME);
  cluster.clock.advance(5);
  await filled(cluster, LARGE);
  cluster.configure('ba', 2);
  await t.throwsAsync(cluster.settle(reading), { code: 'FILE_MISSING' });
});

test('entries come once each and in order through any number of breaks', async (t) => {
  const cluster = await SmallCluster.make('ab');
  const writer = await cluster.disk.openWriter(NAME, 'w', 1, { create: true });
  const sizes = [0, 3, 0, 0, 600_000, 1, 0, 300_000, 0];
  for (const [i, size] of sizes.entries()) {
    const meta = Buffer.alloc(size === 3 ? 400_000 : i, i);
    await writer.append({ seq: i + 1, parts: [Buffer.alloc(size, i)], meta });
  }
  const expected = await collect(cluster.disk.entries(NAME));
  cluster.breaks.set('files.entries', [0, 1, 2, 3, 1, 2]);
  const found = await cluster.settle(collect(cluster.nodes[1].files.entries(NAME)));
  t.deepEqual(found.map(comparable), expected.map(comparable));
});

test('a reader that leaves ends its stream at the primary', async (t) => {
  const cluster = await SmallCluster.make('ab');
  await filled(cluster, LARGE);
  cluster.configure('a', 2);
  const pieces = cluster.nodes[1].files.read(NAME)[Symbol.asyncIterator]();
  await cluster.settle(pieces.next());
  await cluster.settle(Promise.resolve(pieces.return?.()));
  const timers = cluster.clock.pending;
  cluster.clock.advance(60_000);
  t.true(timers <= 2, 'only the connection has timers');
});

test('what was trimmed is told as such, and what is aborted just ends', async (t) => {
  const cluster = await SmallCluster.make('ab');
  await filled(cluster, 400);
  const { files } = cluster.nodes[1];
  const stop = new AbortController();
  stop.abort();
  t.deepEqual(await cluster.settle(collect(files.read(NAME, { signal: stop.signal }))), []);
  t.deepEqual(await cluster.settle(collect(files.read(NAME, { from: 400 }))), []);
  const missing = cluster.settle(collect(files.read('other.txt')));
  await t.throwsAsync(missing, { code: 'FILE_MISSING' });
});

function comparable(entry: { readonly meta: Uint8Array; readonly data: Uint8Array }): unknown {
  const { meta, data } = entry;
  return { ...entry, meta: Buffer.from(meta), data: Buffer.from(data) };
}

async function until(cluster: SmallCluster, holds: () => boolean): Promise<void> {
  while (!holds()) await cluster.turns(1);
}
