/**
 * Files that are copied entry by entry, installed, counted and discarded.
 */
import test from 'ava';
import fc from 'fast-check';
import { crc32, isFault } from '../../src/core/index.ts';
import { SUM_BLOCK_BYTES } from '../../src/hydfs/block-sums.ts';
import { type LocalFileSystem, placeOf } from '../../src/hydfs/index.ts';
import type { StoredFile } from '../../src/hydfs/replication/index.ts';
import { type Payload, payloadOf } from '../../src/storage/index.ts';
import { recordingLog } from '../storage/helpers.ts';
import { collect, microtasks, openFiles, ROOT, simDisk, textOf } from './helpers.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );
}

/** Appends `count` numbered texts of a writer. */
async function fill(files: LocalFileSystem, name: string, count: number): Promise<string> {
  const writer = await files.openWriter(name, 'w', 1, { create: true });
  let text = '';
  for (let seq = 1; seq <= count; seq++) {
    text += `<${seq}>`;
    await writer.append({ seq, parts: [bytes(`<${seq}>`)], meta: bytes(`m${seq}`) });
  }
  return text;
}

/** Copies `from`, a file of another node, whole; as replication does. */
async function copy(from: StoredFile, to: LocalFileSystem): Promise<StoredFile> {
  const { firstIndex } = from;
  const file = await to.install(from.state.name, await from.snapshotAt(firstIndex), firstIndex);
  const entries = await collect(from.rawEntries(firstIndex));
  await file.copyIn(
    firstIndex,
    entries.map(({ payload }) => payloadOf([payload])),
  );
  return file;
}

/** Each in two pieces, as it may come over a connection. */
function summed(payloads: readonly Uint8Array[]): Payload[] {
  return payloads.map((each, i) => {
    const cut = i % (each.length + 1);
    return payloadOf([each.subarray(0, cut), each.subarray(cut)]);
  });
}

async function payloadsOf(file: StoredFile): Promise<string[]> {
  const entries = await collect(file.rawEntries(file.firstIndex));
  return entries.map(({ index, payload }) => `${index} ${Buffer.from(payload).toString('hex')}`);
}

test('a copy is the same file, also after restarts, and its writers go on where they stood', async (t) => {
  const here = await openFiles(simDisk(1).mount());
  const disk = simDisk(2);
  const there = await openFiles(disk.mount(), { segmentBytes: 300 });
  const text = await fill(here, 'f', 30);
  const original = await here.openFile('f');
  const made = await copy(original, there);
  t.deepEqual(await payloadsOf(made), await payloadsOf(original));
  await there.close();
  const again = await openFiles(disk.mount(), { segmentBytes: 300 });
  t.is(await textOf(again.read('f')), text);
  t.deepEqual(await again.stat('f'), await here.stat('f'));
  const writer = await again.openWriter('f', 'w', 2);
  t.is(writer.position.seq, 30);
  t.is(Buffer.from(writer.position.meta).toString(), 'm30');
  t.is(await codeOf(again.openWriter('f', 'w', 1)), 'FENCED');
  await again.close();
  await here.close();
});

test('a copy of a trimmed file begins where that does, and is durable before its first entry', async (t) => {
  const here = await openFiles(simDisk(1).mount(), { segmentBytes: 300 });
  await fill(here, 'f', 40);
  await here.trim('f', 100);
  const original = await here.openFile('f');
  const { firstIndex } = original;
  t.true(firstIndex > 5);
  const disk = simDisk(2);
  const there = await openFiles(disk.mount());
  await there.install('f', await original.snapshotAt(firstIndex), firstIndex);
  disk.crash();
  const again = await openFiles(disk.mount());
  const { fileId } = placeOf('f');
  const createdAt = original.state.createdAt;
  t.deepEqual(await again.inventory(fileId), [
    { name: 'f', createdAt, firstIndex, nextIndex: firstIndex },
  ]);
  const made = await again.openFile('f');
  const entries = await collect(original.rawEntries(firstIndex));
  await made.copyIn(
    firstIndex,
    entries.map(({ payload }) => payloadOf([payload])),
  );
  t.deepEqual(await payloadsOf(made), await payloadsOf(original));
  t.deepEqual(await again.stat('f'), await here.stat('f'));
  t.is(await textOf(again.read('f')), await textOf(here.read('f')));
  t.is(await codeOf(collect(made.rawEntries(0))), 'LOG_TRIMMED');
  await again.close();
  await here.close();
});

test('an installed file takes the place of the one that was there', async (t) => {
  const here = await openFiles(simDisk(1).mount());
  await fill(here, 'f', 3);
  const disk = simDisk(2);
  const there = await openFiles(disk.mount());
  const old = await there.openWriter('f', 'other', 9, { create: true });
  await old.append({ seq: 1, parts: [bytes('something else')] });
  await copy(await here.openFile('f'), there);
  t.is(await textOf(there.read('f')), '<1><2><3>');
  t.is(await codeOf(old.append({ seq: 2, parts: [bytes('more')] })), 'LOG_CLOSED');
  await there.close();
  const again = await openFiles(disk.mount());
  t.is(await textOf(again.read('f')), '<1><2><3>');
  t.deepEqual(disk.paths(`${ROOT}/trash`), []);
  await again.close();
  await here.close();
});

test('wherever an installation is cut off, the old file or the new one is there', async (t) => {
  const here = await openFiles(simDisk(1).mount(), { segmentBytes: 300 });
  await fill(here, 'f', 40);
  await here.trim('f', 100);
  const original = await here.openFile('f');
  const { firstIndex } = original;
  const snapshot = await original.snapshotAt(firstIndex);
  const seen = new Map<string, number>();
  for (let step = 1; step < 60; step++) {
    const disk = simDisk(step);
    const first = await openFiles(disk.mount());
    await fill(first, 'f', 1);
    disk.diesAtStep = disk.steps + step;
    const installed = await codeOf(first.install('f', snapshot, firstIndex));
    disk.crash({ reorder: true });
    const files = await openFiles(disk.mount());
    const [extent] = await files.inventory(placeOf('f').fileId);
    const what = extent === undefined ? 'none' : extent.firstIndex === firstIndex ? 'new' : 'old';
    if (installed === 'none') t.is(what, 'new');
    if (what === 'old') t.is(await textOf(files.read('f')), '<1>');
    t.deepEqual([...disk.paths(`${ROOT}/trash`), ...disk.paths(`${ROOT}/placing`)], []);
    seen.set(what, (seen.get(what) ?? 0) + 1);
    await files.close();
  }
  t.deepEqual([...seen.keys()].sort(), ['new', 'old'], JSON.stringify([...seen]));
  await here.close();
});

test('a copy that could not take its place does not come back when its file is removed', async (t) => {
  const here = await openFiles(simDisk(1).mount(), { segmentBytes: 300 });
  await fill(here, 'f', 40);
  await here.trim('f', 100);
  const { firstIndex } = await here.openFile('f');
  const snapshot = await (await here.openFile('f')).snapshotAt(firstIndex);
  const { fileId } = placeOf('f');
  for (const remove of ['discard', 'wipe', 'install']) {
    for (let skip = 0; skip < 6; skip++) {
      const disk = simDisk(skip);
      const files = await openFiles(disk.mount());
      await fill(files, 'f', 1);
      disk.skippedDirSyncs = skip;
      disk.failingDirSyncs = 1;
      await codeOf(files.install('f', snapshot, firstIndex));
      disk.failingDirSyncs = 0;
      if (remove === 'discard') await files.discard('f');
      else if (remove === 'wipe') await files.wipePoint(fileId);
      else await files.install('f', snapshot, firstIndex);
      await files.close();
      disk.crash({ reorder: true });
      const after = await openFiles(disk.mount());
      t.is((await after.inventory(fileId)).length, remove === 'install' ? 1 : 0);
      await after.close();
    }
  }
  await here.close();
});

test('entries that the rules refuse, or that are none, are not copied', async (t) => {
  const here = await openFiles(simDisk(1).mount());
  await fill(here, 'f', 3);
  const original = await here.openFile('f');
  const payloads = (await collect(original.rawEntries(0))).map(({ payload }) => payload);
  const there = await openFiles(simDisk(2).mount());
  const bad: readonly (readonly Uint8Array[])[] = [
    [payloads[0], payloads[2]],
    [payloads[0], payloads[1], payloads[3]],
    [payloads[0], payloads[1], payloads[2], payloads[2]],
    [payloads[0], bytes('\x09nonsense')],
    [payloads[0], new Uint8Array(0)],
    [payloads[0], payloads[1].subarray(0, 2)],
  ];
  const snapshot = await original.snapshotAt(0);
  for (const each of bad) {
    const file = await there.install('f', snapshot, 0);
    t.is(await codeOf(file.copyIn(0, summed(each))), 'LOG_CORRUPT');
    await file.settled();
    const kept = await payloadsOf(file);
    t.deepEqual(kept, (await payloadsOf(original)).slice(0, kept.length), 'a part that is good');
  }
  for (const each of [bytes('nonsense'), new Uint8Array(0), snapshot.subarray(0, 5)]) {
    t.is(await codeOf(there.install('f', each, 0)), 'LOG_CORRUPT');
  }
  t.is(await codeOf(there.install('g', snapshot, 0)), 'LOG_CORRUPT');
  await t.throwsAsync((await there.openFile('f')).copyIn(40, summed(payloads)), {
    message: /where the file/,
  });
  await there.close();
  await here.close();
});

test('any damage to a snapshot or an entry is refused or makes another file, never a crash', async (t) => {
  const here = await openFiles(simDisk(1).mount());
  await fill(here, 'f', 4);
  const original = await here.openFile('f');
  const payloads = (await collect(original.rawEntries(0))).map(({ payload }) => payload);
  const snapshot = await original.snapshotAt(0);
  let refused = 0;
  const damage = fc.record({ which: fc.nat(), at: fc.nat(), to: fc.nat(255), cut: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(damage, async ({ which, at, to, cut }) => {
      const all = [snapshot, ...payloads].map((each) => each.slice());
      const place = which % all.length;
      const position = at % all[place].length;
      if (cut) all[place] = all[place].subarray(0, position);
      else all[place][position] = to;
      const there = await openFiles(simDisk(2).mount());
      const outcome = await codeOf(
        (async () => {
          const file = await there.install('f', all[0], 0);
          await file.copyIn(0, summed(all.slice(1)));
        })(),
      );
      t.true(outcome === 'none' || outcome === 'LOG_CORRUPT', outcome);
      if (outcome !== 'none') refused += 1;
      await there.close();
    }),
    { numRuns: 300, seed: 12 },
  );
  t.true(refused > 50, String(refused));
  await here.close();
});

test('a file is counted with what is durable, and what is on its way is waited for', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  await files.create('f');
  const held = Promise.withResolvers<void>();
  disk.gate = held.promise;
  const append = files.append('f', bytes('a'));
  await microtasks(50);
  let counted = false;
  const inventory = files.inventory(placeOf('f').fileId).finally(() => {
    counted = true;
  });
  await microtasks(300);
  t.false(counted);
  held.resolve();
  await append;
  t.is((await inventory)[0].nextIndex, 2);
  await files.close();
});

test('a file whose log failed is counted and goes on as it is on the disk', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  await files.create('f');
  await files.append('f', bytes('a'));
  disk.failingSyncs = 1;
  t.is(await codeOf(files.append('f', bytes('b'))), 'DISK_FAILED');
  t.is(await codeOf(files.append('f', bytes('c'))), 'DISK_FAILED');
  const [{ nextIndex }] = await files.inventory(placeOf('f').fileId);
  t.true(nextIndex === 2 || nextIndex === 3);
  t.is((await files.append('f', bytes('d'))).length, nextIndex);
  t.is((await textOf(files.read('f'))).replace('b', ''), 'ad');
  await files.close();
});

test('a file whose log failed is damaged when what was durable is gone, and nothing is cut off', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  await fill(files, 'f', 3);
  const [path] = disk.paths(`${ROOT}/files`);
  const { length } = disk.contents(path);
  disk.capacity = length;
  t.is(await codeOf(files.append('f', bytes('no room'))), 'DISK_FULL');
  // the last batch that was durable now looks like one that never was
  disk.flip(path, (length - 2) * 8);
  const { fileId } = placeOf('f');
  t.deepEqual(await files.inventory(fileId), []);
  t.is(await codeOf(files.openFile('f')), 'LOG_CORRUPT');
  t.is(disk.contents(path).length, length);
  disk.flip(path, (length - 2) * 8);
  disk.capacity = Number.POSITIVE_INFINITY;
  t.is((await files.inventory(fileId))[0].nextIndex, 5);
  await files.close();
});

test('a damaged file does not count, stays on disk, and gives way to a copy', async (t) => {
  const { fileId } = placeOf('f');
  const here = await openFiles(simDisk(3).mount());
  await fill(here, 'f', 20);
  // in the header, where the name is; in an entry in the middle, whose followers prove it
  for (const byte of [25, 300]) {
    const disk = simDisk();
    const first = await openFiles(disk.mount());
    await fill(first, 'f', 20);
    await first.close();
    const { log, lines } = recordingLog();
    const [path] = disk.paths(`${ROOT}/files`);
    disk.flip(path, byte * 8);
    const files = await openFiles(disk.mount(), { log });
    t.deepEqual(await files.inventory(fileId), []);
    t.true(lines.some((line) => line.includes('damaged')));
    t.is(await codeOf(files.openFile('f')), 'LOG_CORRUPT');
    t.deepEqual(await files.pointsWithFiles(), [fileId]);
    t.true(disk.paths(ROOT).includes(path));
    await copy(await here.openFile('f'), files);
    t.is((await files.inventory(fileId))[0].nextIndex, 22);
    t.is(await textOf(files.read('f')), await textOf(here.read('f')));
    t.false(disk.paths(ROOT).includes(path));
    await files.close();
  }
  await here.close();
});

test('a copy whose newest entries are damaged or cut off is a shorter copy, or a damaged one', async (t) => {
  const here = await openFiles(simDisk(1).mount());
  const text = await fill(here, 'f', 30);
  const original = await here.openFile('f');
  const payloads = (await collect(original.rawEntries(0))).map(({ payload }) => payload);
  const whole = await payloadsOf(original);
  const seen = { shorter: 0, damaged: 0, whole: 0 };
  const damage = fc.record({
    batch: fc.integer({ min: 1, max: 32 }),
    bit: fc.nat(),
    cut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ batch, bit, cut }) => {
      const disk = simDisk(2);
      const first = await openFiles(disk.mount());
      const file = await first.install('f', await original.snapshotAt(0), 0);
      for (let at = 0; at < payloads.length; at += batch) {
        await file.copyIn(at, summed(payloads.slice(at, at + batch)));
      }
      await first.close();
      const [path] = disk.paths(`${ROOT}/files`);
      const content = disk.contents(path);
      const at = bit % (content.length * 8);
      if (cut) disk.plant(path, content.subarray(0, at >>> 3));
      else disk.flip(path, at);
      const files = await openFiles(disk.mount());
      const [extent] = await files.inventory(placeOf('f').fileId);
      if (extent === undefined) {
        seen.damaged += 1;
        await copy(original, files);
      } else {
        seen[extent.nextIndex === payloads.length ? 'whole' : 'shorter'] += 1;
        const short = await files.openFile('f');
        t.deepEqual(await payloadsOf(short), whole.slice(0, extent.nextIndex));
        await short.copyIn(extent.nextIndex, summed(payloads.slice(extent.nextIndex)));
      }
      t.is(await textOf(files.read('f')), text);
      await files.close();
    }),
    { numRuns: 200, seed: 13 },
  );
  t.true(seen.shorter > 20 && seen.damaged > 20, JSON.stringify(seen));
  await here.close();
});

test('a point is wiped with what cannot be read in it, and other points stay', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  const names = Array.from({ length: 5000 }, (_, i) => `n${i}`);
  const { fileId } = placeOf('n0');
  const same = names.filter((name) => placeOf(name).fileId === fileId).slice(0, 3);
  t.is(same.length, 3);
  for (const name of [...same, 'other']) await first.create(name);
  await first.close();
  const damaged = disk.paths(`${ROOT}/files`).find((path) => path.includes(placeOf(same[1]).path));
  disk.flip(damaged ?? '', 25 * 8);
  const files = await openFiles(disk.mount());
  await files.append(same[0], bytes('open'));
  t.is((await files.inventory(fileId)).length, 2);
  t.deepEqual(
    [...(await files.pointsWithFiles())].sort(),
    [fileId, placeOf('other').fileId].sort(),
  );
  await files.wipePoint(fileId);
  t.deepEqual(await files.inventory(fileId), []);
  t.deepEqual(await files.pointsWithFiles(), [placeOf('other').fileId]);
  t.is(await codeOf(files.stat(same[0])), 'FILE_MISSING');
  await files.create(same[1]);
  t.deepEqual(await files.list(), [same[1], 'other'].sort());
  await files.close();
});

test('discarding a file that is not there, or is being copied, does no harm', async (t) => {
  const here = await openFiles(simDisk(1).mount(), { segmentBytes: 300 });
  await fill(here, 'f', 40);
  const original = await here.openFile('f');
  const there = await openFiles(simDisk(2).mount());
  await there.discard('f');
  const payloads = (await collect(original.rawEntries(0))).map(({ payload }) => payload);
  const file = await there.install('f', await original.snapshotAt(0), 0);
  const copying = codeOf(file.copyIn(0, summed(payloads)));
  await there.discard('f');
  t.true(['none', 'LOG_CLOSED'].includes(await copying));
  t.is(await codeOf(file.copyIn(payloads.length, summed([payloads[0]]))), 'LOG_CLOSED');
  t.deepEqual(await there.list(), []);
  const reading = original.rawEntries(0);
  await reading.next();
  await here.remove('f');
  t.true(['none', 'LOG_CLOSED'].includes(await codeOf(collect(reading))));
  t.is(await codeOf(collect(original.bytes(0, 1000))), 'LOG_CLOSED');
  await there.close();
  await here.close();
});

test('checksums are the same however the entries lie on disk, and differ when they do', async (t) => {
  const here = await openFiles(simDisk(1).mount(), { segmentBytes: 3 * SUM_BLOCK_BYTES });
  const there = await openFiles(simDisk(2).mount(), { segmentBytes: SUM_BLOCK_BYTES });
  const writer = await here.openWriter('f', 'w', 1, { create: true });
  for (let seq = 1; seq <= 12; seq++) {
    await writer.append({ seq, parts: [new Uint8Array(300_000).fill(seq)] });
  }
  const original = await here.openFile('f');
  const made = await copy(original, there);
  const sums = await collect(original.sums(0, 14));
  t.deepEqual(await collect(made.sums(0, 14)), sums);
  t.deepEqual(
    sums.map(({ to }) => to),
    [6, 10, 14],
  );
  const tail = (await collect(original.rawEntries(10))).map(({ payload }) => payload);
  let expected = 0;
  for (const payload of tail) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(payload.length);
    expected = crc32(payload, crc32(length, expected));
  }
  t.is(sums[2].sum, expected);
  t.deepEqual(await collect(made.sums(3, 5)), await collect(original.sums(3, 5)));
  t.notDeepEqual(await collect(made.sums(3, 5)), await collect(original.sums(3, 6)));
  t.deepEqual(await collect(original.sums(14, 14)), []);
  t.is((await collect(original.sums(10, 99))).at(-1)?.to, 14);
  await here.close();
  await there.close();
});
