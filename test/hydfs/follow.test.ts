import test from 'ava';
import fc from 'fast-check';
import { seededRandom } from '../../src/core/index.ts';
import type { FileEntry } from '../../src/hydfs/index.ts';
import { RECENT_BYTES, RECENT_ENTRIES, RecentEntries } from '../../src/hydfs/recent-entries.ts';
import type { Disk } from '../../src/storage/index.ts';
import { microtasks, openFiles, simDisk } from './helpers.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

function entry(index: number, size = 1, metaSize = 0): FileEntry {
  const data = new Uint8Array(size);
  const meta = new Uint8Array(metaSize);
  return { kind: 'append', index, offset: 0, writer: 'w', epoch: 1, seq: 1, meta, data };
}

/** Follows a file; what it has seen so far. */
function follow(files: Awaited<ReturnType<typeof openFiles>>, wait: () => Promise<void>) {
  const stop = new AbortController();
  const seen = { text: '', ended: Promise.resolve(), stop: () => stop.abort() };
  seen.ended = (async () => {
    for await (const data of files.tail('f', { from: 0, signal: stop.signal })) {
      seen.text += Buffer.from(data).toString();
      await wait();
    }
  })();
  return seen;
}

test('a follower that keeps up never reads from the disk', async (t) => {
  const disk = simDisk().mount();
  let reads = 0;
  const open: Disk['open'] = (path, mode) => {
    if (mode === 'read') reads += 1;
    return disk.open(path, mode);
  };
  const files = await openFiles({ ...boundTo(disk), open }, { segmentBytes: 300 });
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  const seen = follow(files, () => Promise.resolve());
  await microtasks(100);
  const before = reads;
  let expected = '';
  for (let seq = 1; seq <= 40; seq++) {
    await writer.append({ seq, parts: [bytes(`<${seq}>`)] });
    expected += `<${seq}>`;
    await microtasks(20);
  }
  t.is(seen.text, expected);
  t.is(reads, before);
  seen.stop();
  await seen.ended;
  await files.close();
});

test('a follower hears of nothing before it is durable, nor of what failed', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  const seen = follow(files, () => Promise.resolve());
  await microtasks(50);
  const gate = Promise.withResolvers<void>();
  disk.gate = gate.promise;
  const first = writer.append({ seq: 1, parts: [bytes('a')] });
  await microtasks(50);
  t.is(seen.text, '');
  gate.resolve();
  await first;
  await microtasks(50);
  t.is(seen.text, 'a');
  disk.failingSyncs = 1;
  await t.throwsAsync(writer.append({ seq: 2, parts: [bytes('b')] }), { code: 'DISK_FAILED' });
  await t.throwsAsync(seen.ended, { code: 'DISK_FAILED' });
  t.is(seen.text, 'a');
  await files.close();
});

test('what is kept is below the durable index, bounded, and gone when everybody has it', (t) => {
  const recent = new RecentEntries();
  t.false(recent.wanted);
  const [slow, quick] = [recent.join(5), recent.join(5)];
  for (let index = 5; index < 10; index++) recent.keep(entry(index));
  t.is(recent.get(7, 8)?.index, 7);
  t.is(recent.get(7, 7), null, 'it is not durable');
  t.is(recent.get(4, 8), null);
  t.is(recent.get(10, 11), null);
  recent.passed(quick, 9);
  t.is(recent.get(5, 9)?.index, 5, 'the slow one still wants it');
  recent.passed(slow, 7);
  t.is(recent.get(6, 9), null);
  t.is(recent.get(7, 9)?.index, 7);
  recent.keep(entry(10, RECENT_BYTES - 300));
  t.is(recent.get(9, 20), null, 'the oldest went first');
  t.is(recent.get(10, 20)?.index, 10);
  recent.keep(entry(12));
  t.is(recent.get(10, 20), null, 'a hole begins anew');
  t.is(recent.get(12, 20)?.index, 12);
  recent.leave(slow);
  recent.leave(quick);
  t.false(recent.wanted);
  t.is(recent.get(12, 20), null);
});

/** How many of `count` entries of one shape are kept for a follower that has read none. */
function keptOf(count: number, size: number, metaSize: number): number {
  const recent = new RecentEntries();
  recent.join(0);
  for (let index = 0; index < count; index++) recent.keep(entry(index, size, metaSize));
  let kept = 0;
  while (recent.get(count - 1 - kept, count) !== null) kept += 1;
  return kept;
}

test('entries without data do not pile up behind a slow follower', (t) => {
  t.is(keptOf(3 * RECENT_ENTRIES, 0, 0), RECENT_ENTRIES, 'their number is bounded');
  const metas = keptOf(3 * 1024, 0, 4096);
  t.true(metas > 0 && metas * 4096 <= RECENT_BYTES, `${metas} metas are kept`);
  const short = keptOf(3 * RECENT_ENTRIES, 512, 0);
  t.true(short < RECENT_ENTRIES && short * 768 <= RECENT_BYTES, `${short} objects are kept`);
  t.is(keptOf(2, RECENT_BYTES, 0), 0, 'what is larger than all of it is read from the disk');
});

test('followers of any speed, come at any time, see the bytes of the file in order', async (t) => {
  const scene = fc.record({
    seed: fc.nat(1000),
    sizes: fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }),
    waits: fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
    pause: fc.nat(30),
    joins: fc.nat(30),
  });
  const check = fc.asyncProperty(scene, async ({ seed, sizes, waits, pause, joins }) => {
    const files = await openFiles(simDisk(seed).mount(), { segmentBytes: 200 });
    const writer = await files.openWriter('f', 'w', 1, { create: true });
    const random = seededRandom(seed);
    let turn = 0;
    const wait = () => microtasks(waits[turn++ % waits.length]);
    const followers = [follow(files, () => Promise.resolve())];
    let expected = '';
    let last = Promise.resolve();
    for (const [i, size] of sizes.entries()) {
      if (i === joins) followers.push(follow(files, wait));
      const text = String.fromCharCode(97 + (i % 26)).repeat(size);
      expected += text;
      const half = random.u32() % (size + 1);
      const parts =
        i % 2 === 0 ? [bytes(text)] : [text.slice(0, half), text.slice(half)].map(bytes);
      last = writer.append({ seq: i + 1, parts });
      await microtasks(pause);
    }
    await last;
    await microtasks(3000);
    for (const seen of followers) {
      if (seen.text !== expected) throw new Error(`${seen.text} is not ${expected}`);
      seen.stop();
      await seen.ended;
    }
    await files.close();
  });
  await fc.assert(check, { numRuns: 60 });
  t.pass();
});

/** The methods of `disk` as own properties, to be replaced one by one. */
function boundTo(disk: Disk): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    mkdir: (path) => disk.mkdir(path),
    list: (path) => disk.list(path),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    rmdir: (path) => disk.rmdir(path),
    syncDir: (path) => disk.syncDir(path),
  };
}
