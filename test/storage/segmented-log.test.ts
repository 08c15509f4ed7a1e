import test from 'ava';
import { isFault, present } from '../../src/core/index.ts';
import { BATCH_BYTES_MAX, type DiskFile, ENTRY_PAYLOAD_MAX } from '../../src/storage/index.ts';
import {
  appendEach,
  collect,
  DIR,
  fileWith,
  microtasks,
  openLog,
  simDisk,
  textsOf,
  withFiles,
} from './helpers.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `entry ${i}`);

test('entries come back in order, with their indexes, before and after reopening', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 100 });
  t.is(log.header, null);
  await appendEach(log, numbered(10));
  t.deepEqual(await textsOf(log.read(0)), numbered(10));
  t.deepEqual(await textsOf(log.read(7)), numbered(10).slice(7));
  await log.close();
  const again = await openLog(disk.mount(), { segmentBytes: 100 });
  t.deepEqual([again.firstIndex, again.nextIndex, again.durableIndex], [0, 10, 10]);
  t.deepEqual(
    (await collect(again.read(4))).map(({ index }) => index),
    [4, 5, 6, 7, 8, 9],
  );
  await appendEach(again, ['more']);
  t.is((await textsOf(again.read(10)))[0], 'more');
  await again.close();
});

test('opening gives the newest snapshot and the entries after it', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 100 });
  await appendEach(log, numbered(10));
  const start = present(log.segmentStarts.at(-1), 'the log has segments');
  t.true(start > 0);
  t.is(Buffer.from(await log.headerOf(start)).toString(), String(start));
  await log.close();
  const again = await openLog(disk.mount());
  t.is(Buffer.from(present(again.header, 'it is not empty')).toString(), String(start));
  t.deepEqual(await textsOf(again.replay()), numbered(10).slice(start));
  await again.close();
});

test('an entry that is too large is refused and leaves no trace among its neighbours', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['durable']);
  const piece = new Uint8Array(1024 * 1024);
  const tooLarge = Array.from({ length: ENTRY_PAYLOAD_MAX / piece.length + 1 }, () => piece);
  const refused = { code: 'ENTRY_TOO_LARGE' };
  const x = log.append([Buffer.from('x')]).durable;
  t.throws(() => log.append(tooLarge), refused);
  const y = log.append([Buffer.from('y')]).durable;
  await Promise.all([x, y]);
  t.is(log.nextIndex, 3);
  t.deepEqual(await textsOf(log.read(0)), ['durable', 'x', 'y']);
  await log.close();
  const again = await openLog(disk.mount());
  t.deepEqual(await textsOf(again.read(0)), ['durable', 'x', 'y']);
  t.throws(() => again.append(tooLarge), refused);
  t.is(again.segmentStarts.length, 1, 'no segment was begun for it');
  await again.close();
});

test('a snapshot that is too large is refused before its segment is begun', async (t) => {
  const disk = simDisk();
  let large = false;
  const huge = new Uint8Array(0);
  Object.defineProperty(huge, 'length', { value: ENTRY_PAYLOAD_MAX + 1 });
  const header = (): Uint8Array => (large ? huge : Buffer.from('small'));
  const log = await openLog(disk.mount(), { header, segmentBytes: 100 });
  await appendEach(log, ['a'.repeat(60)]);
  large = true;
  t.throws(() => log.append([Buffer.from('b'.repeat(60))]), { code: 'ENTRY_TOO_LARGE' });
  t.deepEqual([log.segmentStarts.length, log.nextIndex], [1, 1]);
  large = false;
  await appendEach(log, ['c'.repeat(60)]);
  t.deepEqual(await textsOf(log.read(0)), ['a'.repeat(60), 'c'.repeat(60)]);
  await log.close();
});

test('appends that wait for a sync share the next one', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['first']);
  const before = disk.stats.datasyncs;
  const gate = Promise.withResolvers<void>();
  disk.gate = gate.promise;
  const all = [log.append([Buffer.from('a')]).durable];
  await microtasks(20);
  for (let i = 0; i < 100; i++) all.push(log.append([Buffer.from('b')]).durable);
  gate.resolve();
  await Promise.all(all);
  t.is(disk.stats.datasyncs - before, 2);
  await log.close();
});

test('a lone append is committed without any other coming', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await log.append([Buffer.from('alone')]).durable;
  t.is(log.durableIndex, 1);
  await log.close();
});

test('with always every append has a sync of its own, with os none has', async (t) => {
  for (const [sync, expected] of [
    ['always', 51],
    ['os', 0],
  ] as const) {
    const disk = simDisk();
    const log = await openLog(disk.mount(), { sync });
    await appendEach(log, ['first']);
    await Promise.all(Array.from({ length: 50 }, () => log.append([Buffer.from('x')]).durable));
    t.is(disk.stats.datasyncs, expected);
    t.is((await textsOf(log.read(0))).length, 51);
    await log.close();
  }
});

test('with os an older segment is synced before a newer one is begun', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { sync: 'os', segmentBytes: 100 });
  await appendEach(log, numbered(10));
  t.is(disk.stats.datasyncs, log.segmentStarts.length - 1);
  await log.close();
});

test('a batch has a bounded size', async (t) => {
  const disk = simDisk();
  const largest = { bytes: 0 };
  const counting = withFiles(disk.mount(), (file) =>
    fileWith(file, {
      writev(parts, position) {
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        largest.bytes = Math.max(largest.bytes, bytes);
        return file.writev(parts, position);
      },
    }),
  );
  const log = await openLog(counting);
  const part = new Uint8Array(1024 * 1024);
  await Promise.all(Array.from({ length: 12 }, () => log.append([part]).durable));
  t.true(largest.bytes > BATCH_BYTES_MAX / 2 && largest.bytes <= BATCH_BYTES_MAX);
  await log.close();
});

test('large parts are written from where they are and short ones together', async (t) => {
  const written: Uint8Array[][] = [];
  const disk = simDisk();
  const watch = (file: DiskFile): DiskFile =>
    fileWith(file, {
      writev(parts, position) {
        written.push([...parts]);
        return file.writev(parts, position);
      },
    });
  const log = await openLog(withFiles(disk.mount(), watch));
  await appendEach(log, ['first']);
  const large = new Uint8Array(100_000).fill(1);
  const placed = [log.append([Buffer.from('head'), large, Buffer.from('tail')])];
  for (let i = 0; i < 500; i++) placed.push(log.append([Buffer.from('short'), Buffer.from('er')]));
  await Promise.all(placed.map(({ durable }) => durable));
  const batch = present(written.at(-1), 'something was written');
  t.is(batch[1], large);
  t.is(batch.length, 3);
  t.is((await textsOf(log.read(2)))[499], 'shorter');
  await log.close();
});

test('an empty payload and one larger than a segment are entries like any other', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 1000 });
  const large = Buffer.alloc(3_000_000, 'z').toString();
  await appendEach(log, ['', large, '', 'end']);
  await log.close();
  const again = await openLog(disk.mount());
  t.deepEqual(await textsOf(again.read(0)), ['', large, '', 'end']);
  t.deepEqual(await textsOf(again.read(3)), ['end']);
  await again.close();
});

test('readers see durable entries only', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['a']);
  const gate = Promise.withResolvers<void>();
  disk.gate = gate.promise;
  const placed = log.append([Buffer.from('b')]);
  await microtasks(30);
  t.deepEqual([log.nextIndex, log.durableIndex], [2, 1]);
  t.deepEqual(await textsOf(log.read(0)), ['a']);
  gate.resolve();
  await placed.durable;
  t.deepEqual(await textsOf(log.read(0)), ['a', 'b']);
  await log.close();
});

test('a follower gets entries as they become durable, across segments, until it is stopped', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 100 });
  await appendEach(log, numbered(3));
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { payload } of log.follow(1, stop.signal)) {
      seen.push(Buffer.from(payload).toString());
      if (seen.length === 11) stop.abort();
    }
  })();
  for (const text of numbered(12).slice(3)) {
    await microtasks(40);
    await appendEach(log, [text]);
  }
  await following;
  t.deepEqual(seen, numbered(12).slice(1));
  await log.close();
});

test('a follower ends when its log closes', async (t) => {
  const log = await openLog(simDisk().mount());
  await appendEach(log, ['a']);
  const following = textsOf(log.follow(0));
  await microtasks(50);
  await log.close();
  t.deepEqual(await following, ['a']);
});

test('waiting for an entry ends with true, or with false when the wait is given up', async (t) => {
  const log = await openLog(simDisk().mount());
  const waiting = log.waitFor(0);
  await appendEach(log, ['a']);
  t.true(await waiting);
  t.true(await log.waitFor(0));
  const stop = new AbortController();
  const abandoned = log.waitFor(1, stop.signal);
  stop.abort();
  t.false(await abandoned);
  t.false(await log.waitFor(1, stop.signal));
  const last = log.waitFor(1);
  await log.close();
  t.false(await last);
  t.false(await log.waitFor(1));
});

test('trim frees whole segments from the front and keeps the newest', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 100 });
  await appendEach(log, numbered(20));
  const starts = log.segmentStarts;
  await log.trim(starts[2] - 1);
  t.is(log.firstIndex, starts[1]);
  await log.trim(starts[2]);
  t.is(log.firstIndex, starts[2]);
  const error = await t.throwsAsync(collect(log.read(0)));
  t.true(isFault(error, 'LOG_TRIMMED'), String(error));
  t.true(isFault(await t.throwsAsync(log.headerOf(0)), 'LOG_TRIMMED'));
  await log.trim(1_000_000);
  t.deepEqual(log.segmentStarts, [starts[starts.length - 1]]);
  await log.close();
  t.is(disk.paths(DIR).length, 1);
  const again = await openLog(disk.mount());
  t.is(again.firstIndex, starts[starts.length - 1]);
  t.deepEqual(await textsOf(again.read(again.firstIndex)), numbered(20).slice(again.firstIndex));
  await again.close();
});

test('a trimmed log has no hole, wherever the power is cut', async (t) => {
  for (let step = 1; step < 12; step++) {
    for (let seed = 0; seed < 5; seed++) {
      const disk = simDisk(seed);
      const log = await openLog(disk.mount(), { segmentBytes: 100 });
      await appendEach(log, numbered(20));
      disk.diesAtStep = disk.steps + step;
      await log.trim(1_000_000).catch(() => {});
      disk.crash();
      const again = await openLog(disk.mount());
      t.deepEqual(
        await textsOf(again.read(again.firstIndex)),
        numbered(20).slice(again.firstIndex),
      );
      await again.close();
    }
  }
});

test('a reader that stands in a segment goes on reading when it is trimmed', async (t) => {
  const log = await openLog(simDisk().mount(), { segmentBytes: 100 });
  await appendEach(log, numbered(10));
  const reading = log.read(log.segmentStarts[1])[Symbol.asyncIterator]();
  const first = await reading.next();
  await log.trim(log.segmentStarts[2]);
  t.is(Buffer.from(first.value.payload).toString(), `entry ${first.value.index}`);
  const second = await reading.next();
  t.is(Buffer.from(second.value.payload).toString(), `entry ${first.value.index + 1}`);
  await log.close();
});

test('a closed log has written everything and takes nothing more', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  const placed = [1, 2, 3].map((n) => log.append([Buffer.from(`${n}`)]).durable);
  await log.close();
  await Promise.all(placed);
  t.true(
    isFault(
      t.throws(() => log.append([Buffer.from('x')])),
      'LOG_CLOSED',
    ),
  );
  const again = await openLog(disk.mount());
  t.is(again.nextIndex, 3);
  await again.remove();
  t.deepEqual(disk.paths(), []);
});

test('a log may begin at any index, with its header alone, and keeps it over restarts', async (t) => {
  const disk = simDisk();
  const header = (): Uint8Array => Buffer.from('as of 40');
  const first = await openLog(disk.mount(), { firstIndex: 40, header });
  t.deepEqual([first.firstIndex, first.nextIndex, first.durableIndex], [40, 40, 40]);
  await first.begin();
  disk.crash();
  const second = await openLog(disk.mount());
  t.is(Buffer.from(second.header ?? '').toString(), 'as of 40');
  t.deepEqual([second.firstIndex, second.nextIndex], [40, 40]);
  t.deepEqual(await textsOf(second.replay()), []);
  await appendEach(second, ['a', 'b']);
  await second.close();
  const third = await openLog(disk.mount(), { firstIndex: 7 });
  t.deepEqual([third.firstIndex, third.nextIndex], [40, 42], 'that it has entries counts');
  t.deepEqual(await textsOf(third.read(40)), ['a', 'b']);
  t.is(Buffer.from(await third.headerOf(40)).toString(), 'as of 40');
  t.deepEqual(third.segmentStarts, [40]);
  await third.close();
});

test('a log that begins with an entry has its header in front of that', async (t) => {
  const disk = simDisk();
  const first = await openLog(disk.mount(), { firstIndex: 9 });
  await appendEach(first, ['a']);
  await first.close();
  const second = await openLog(disk.mount());
  t.is(Buffer.from(second.header ?? '').toString(), '9');
  t.deepEqual(await textsOf(second.replay()), ['a']);
  await second.close();
});
