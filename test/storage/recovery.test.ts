import test from 'ava';
import { isFault, present } from '../../src/core/index.ts';
import { ENTRY_HEADER_BYTES } from '../../src/storage/index.ts';
import type { SimDisk } from '../sim/sim-disk.ts';
import {
  appendEach,
  DIR,
  fileWith,
  openLog,
  recordingLog,
  simDisk,
  textsOf,
  withFiles,
} from './helpers.ts';

interface Image {
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  /** The entries of the older segment, and those of the newest with the byte after each. */
  readonly older: readonly string[];
  readonly newest: readonly { readonly text: string; readonly end: number }[];
  readonly headerEnd: number;
}

/** Two segments of entries of different lengths, each a batch of its own. */
async function twoSegments(): Promise<Image> {
  const disk = simDisk();
  const log = await openLog(disk.mount(), { segmentBytes: 230 });
  const texts = ['one', '', 'three', 'four'.repeat(20), 'five', '', 'seven', 'eight!'];
  await appendEach(log, texts);
  const split = log.segmentStarts[1];
  await log.close();
  const files = disk.paths().map((path) => ({ path, bytes: disk.contents(path) }));
  const headerEnd = ENTRY_HEADER_BYTES + 12 + String(split).length;
  let end = headerEnd;
  const newest = texts.slice(split).map((text) => {
    end += ENTRY_HEADER_BYTES + text.length;
    return { text, end };
  });
  return { files, older: texts.slice(0, split), newest, headerEnd };
}

function planted(image: Image, change: (bytes: Uint8Array, place: number) => Uint8Array): SimDisk {
  const disk = simDisk();
  image.files.forEach(({ path, bytes }, place) => {
    disk.plant(path, change(bytes.slice(), place));
  });
  return disk;
}

async function reopened(disk: SimDisk): Promise<{ texts: string[]; lines: readonly string[] }> {
  const { log: logger, lines } = recordingLog();
  const log = await openLog(disk.mount(), { log: logger });
  const texts = await textsOf(log.read(0));
  await appendEach(log, ['after']);
  await log.close();
  const again = await openLog(disk.mount());
  const all = await textsOf(again.read(0));
  await again.close();
  if (all.pop() !== 'after') throw new Error('the log does not go on after its recovery');
  return { texts, lines };
}

test('truncated at any byte, the newest segment keeps exactly its whole entries', async (t) => {
  const image = await twoSegments();
  const last = image.files.length - 1;
  t.is(last, 1);
  const { length } = image.files[last].bytes;
  t.is(present(image.newest.at(-1), 'has entries').end, length);
  for (let cut = 0; cut <= length; cut++) {
    const disk = planted(image, (bytes, place) =>
      place === last ? bytes.subarray(0, cut) : bytes,
    );
    const { texts, lines } = await reopened(disk);
    const whole = image.newest.filter(({ end }) => end <= cut).map(({ text }) => text);
    t.deepEqual(texts, [...image.older, ...whole], `cut at ${cut}`);
    const clean = cut === image.headerEnd || image.newest.some(({ end }) => end === cut);
    t.is(lines.length, clean ? 0 : 1, `what is cut is reported, at ${cut}: ${lines}`);
  }
});

test('garbage after the last entry is cut, zeros and noise alike', async (t) => {
  const image = await twoSegments();
  for (const garbage of [new Uint8Array(5000), Buffer.alloc(3000, 0xff), Buffer.from('x')]) {
    const disk = planted(image, (bytes, place) =>
      place === 1 ? Buffer.concat([bytes, garbage]) : bytes,
    );
    const { texts, lines } = await reopened(disk);
    t.deepEqual(texts, [...image.older, ...image.newest.map(({ text }) => text)]);
    t.is(lines.length, 1);
  }
});

test('any flipped bit before the last batch is damage, and nothing is changed', async (t) => {
  const image = await twoSegments();
  const lastBatch = present(image.newest.at(-2), 'has two entries').end;
  for (let byte = 0; byte < lastBatch; byte++) {
    const disk = planted(image, (bytes) => bytes);
    disk.flip(image.files[1].path, byte * 8 + (byte % 8));
    const before = disk.contents(image.files[1].path);
    const error = await t.throwsAsync(openLog(disk.mount()));
    t.true(isFault(error, 'LOG_CORRUPT'), `at ${byte}: ${error}`);
    t.deepEqual(disk.contents(image.files[1].path), before);
  }
});

test('a flipped bit in the last batch cannot be told from a torn write and is cut', async (t) => {
  const image = await twoSegments();
  const lastBatch = present(image.newest.at(-2), 'has two entries').end;
  for (let byte = lastBatch; byte < image.files[1].bytes.length; byte++) {
    const disk = planted(image, (bytes) => bytes);
    disk.flip(image.files[1].path, byte * 8 + (byte % 8));
    const { texts, lines } = await reopened(disk);
    const kept = image.newest.slice(0, -1).map(({ text }) => text);
    t.deepEqual(texts, [...image.older, ...kept]);
    t.is(lines.length, 1);
  }
});

test('a flipped bit in an older segment is damage to who reads it, not to who opens', async (t) => {
  const image = await twoSegments();
  for (let byte = 0; byte < image.files[0].bytes.length; byte++) {
    const disk = planted(image, (bytes) => bytes);
    disk.flip(image.files[0].path, byte * 8 + (byte % 8));
    const log = await openLog(disk.mount());
    const error = await t.throwsAsync(Promise.all([log.headerOf(0), textsOf(log.read(0))]));
    t.true(isFault(error, 'LOG_CORRUPT'), `at ${byte}: ${error}`);
    await log.close();
  }
});

test('an older segment that is cut short is damage, however clean the cut', async (t) => {
  const image = await twoSegments();
  const { length } = image.files[0].bytes;
  for (let cut = 0; cut < length; cut++) {
    const disk = planted(image, (bytes, place) => (place === 0 ? bytes.subarray(0, cut) : bytes));
    const log = await openLog(disk.mount());
    const error = await t.throwsAsync(textsOf(log.read(0)));
    t.true(isFault(error, 'LOG_CORRUPT'), `cut at ${cut}: ${error}`);
    await log.close();
    const torn = planted(image, (bytes, place) => bytes.subarray(0, place === 0 ? cut : 10));
    const refusal = await t.throwsAsync(openLog(torn.mount()));
    t.true(
      isFault(refusal, 'LOG_CORRUPT'),
      `with a torn newest segment, cut at ${cut}: ${refusal}`,
    );
  }
});

test('pages of the last batch kept in another order are a torn tail', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['kept']);
  const end = disk.contents(disk.paths()[0]).length;
  await Promise.all(['a', 'b', 'c'].map((text) => log.append([Buffer.from(text)]).durable));
  await log.close();
  const [path] = disk.paths();
  disk.flip(path, (end + ENTRY_HEADER_BYTES) * 8);
  const { texts, lines } = await reopened(disk);
  t.deepEqual(texts, ['kept']);
  t.deepEqual(lines, ['cut a torn tail']);
});

test('a log stored inside a torn entry is not taken for proof of damage', async (t) => {
  const inner = await twoSegments();
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['kept']);
  await log.append([Buffer.alloc(200), inner.files[1].bytes, Buffer.alloc(10)]).durable;
  await log.close();
  const [path] = disk.paths();
  const bytes = disk.contents(path);
  const torn = simDisk();
  // The same salt would make the inner headers believable: names differ, so salts do.
  t.not(path, inner.files[1].path);
  torn.plant(path.replace(/-\w+\./, '-00c0ffee.'), bytes);
  t.is((await reopened(torn)).texts.length, 0, 'another salt, another log');
  torn.plant(path, bytes.subarray(0, bytes.length - 1));
  const only = simDisk();
  only.plant(path, bytes.subarray(0, bytes.length - 1));
  t.deepEqual((await reopened(only)).texts, ['kept']);
});

test('a first segment that was never completely written leaves an empty log', async (t) => {
  const disk = simDisk();
  disk.plant(`${DIR}/0000000000000000-12345678.seg`, Buffer.from('half a head'));
  const { texts, lines } = await reopened(disk);
  t.deepEqual(texts, []);
  t.is(lines.length, 1);
});

test('a missing segment before a torn one is damage', async (t) => {
  const disk = simDisk();
  disk.plant(`${DIR}/0000000000000005-12345678.seg`, Buffer.from('half a head'));
  t.true(isFault(await t.throwsAsync(openLog(disk.mount())), 'LOG_CORRUPT'));
});

test('what a failed sync left in the page cache is made durable before it is served', async (t) => {
  const lostWith = async (guard: boolean): Promise<boolean> => {
    const disk = simDisk();
    const log = await openLog(disk.mount());
    await appendEach(log, ['a']);
    disk.failingSyncs = 1;
    await t.throwsAsync(log.append([Buffer.from('b')]).durable);
    await log.close();
    const mount = disk.mount();
    const unguarded = withFiles(mount, (file, mode) =>
      mode === 'write'
        ? fileWith(file, { writev: async (parts) => parts.reduce((n, p) => n + p.length, 0) })
        : file,
    );
    const again = await openLog(guard ? mount : unguarded);
    t.deepEqual(await textsOf(again.read(0)), ['a', 'b']);
    disk.crash();
    const last = await openLog(disk.mount());
    return (await textsOf(last.read(0))).length < 2;
  };
  t.false(await lostWith(true));
  t.true(await lostWith(false), 'without writing the last batch again it would be lost');
});

test('opening reads one segment, however many there are', async (t) => {
  const disk = simDisk();
  const segmentBytes = 8192;
  const log = await openLog(disk.mount(), { sync: 'os', segmentBytes });
  const part = Buffer.alloc(100, 'x');
  for (let i = 0; i < 8000; i++) log.append([part]);
  await log.close();
  t.true(disk.paths().length > 100);
  const before = disk.stats.bytesRead;
  const again = await openLog(disk.mount(), { sync: 'os' });
  t.is(again.nextIndex, 8000);
  t.true(disk.stats.bytesRead - before <= segmentBytes, String(disk.stats.bytesRead - before));
  t.is((await textsOf(again.read(7999))).length, 1);
  await again.close();
});
