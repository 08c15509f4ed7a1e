import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Clock } from '../../src/core/index.ts';
import type { LocalFileSystem } from '../../src/hydfs/index.ts';
import { openSource, type SourceInput } from '../../src/worker/source-input.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { openFiles, simDisk, stillClock, textOf } from '../hydfs/helpers.ts';
import { fileWith, withFiles } from '../storage/helpers.ts';

const SEGMENT_BYTES = 64 * 1024;

/** Files on a disk that counts the bytes that are read and the files that are open for reading. */
async function countedFiles() {
  const counts = { read: 0, open: 0 };
  const disk = withFiles(simDisk().mount(), (file, mode) => {
    if (mode !== 'read') return file;
    counts.open += 1;
    const read = async (into: Uint8Array, position: number): Promise<number> => {
      const got = await file.read(into, position);
      counts.read += got;
      return got;
    };
    const close = (): Promise<void> => {
      counts.open -= 1;
      return file.close();
    };
    return fileWith(file, { read, close });
  });
  let ms = 1_750_000_000_000;
  const clock: Clock = { ...stillClock, wall: () => ms++ };
  return { files: await openFiles(disk, { clock, segmentBytes: SEGMENT_BYTES }), counts };
}

/** Appends `count` lines to the file `f`, making it if needed. */
async function appendLines(files: LocalFileSystem, count: number): Promise<void> {
  const names = await files.list();
  if (!names.includes('f')) await files.create('f');
  for (let i = 0; i < count; i++) await files.append('f', Buffer.from(`line ${i} `.repeat(20)));
}

async function readAll(input: SourceInput, from: number, most: number): Promise<string> {
  const into = new Uint8Array(most);
  let text = '';
  for (let at = from; ; ) {
    const got = await input.read(into, at);
    if (got === 0) return text;
    text += Buffer.from(into.subarray(0, got)).toString();
    at += got;
  }
}

test('a HyDFS source that is read in small pieces is read from the disk once', async (t) => {
  const { files, counts } = await countedFiles();
  await appendLines(files, 2000);
  const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
  const whole = await textOf(files.read('f'));
  const before = counts.read;
  t.is(await readAll(input, 0, 1000), whole);
  const read = counts.read - before;
  t.true(read < 1.5 * whole.length, `${read} bytes were read for ${whole.length}`);
  await input.close();
  t.is(counts.open, 0);
  await files.close();
});

test('a HyDFS source that grows is read on where it ended, without its beginning', async (t) => {
  const { files, counts } = await countedFiles();
  await appendLines(files, 200);
  const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
  let text = await readAll(input, 0, 4096);
  const first = await growAndRead();
  const before = counts.read;
  for (let turn = 0; turn < 50; turn++) await growAndRead();
  t.is(counts.read, before, 'what was just appended comes from memory');
  t.true(first > 0);
  t.is(text, await textOf(files.read('f')));
  await input.close();
  t.is(counts.open, 0);
  await files.close();

  async function growAndRead(): Promise<number> {
    await appendLines(files, 3);
    const more = await readAll(input, text.length, 100);
    text += more;
    return more.length;
  }
});

test('whatever offsets a HyDFS source is read at, the bytes are those of the file', async (t) => {
  const { files, counts } = await countedFiles();
  await appendLines(files, 300);
  const whole = Buffer.from(await textOf(files.read('f')));
  const step = fc.record({ jump: fc.boolean(), to: fc.nat(whole.length + 10), size: fc.nat(5000) });
  const check = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
    const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
    let at = 0;
    for (const { jump, to, size } of steps) {
      if (jump) at = to;
      const into = Buffer.alloc(size);
      const got = await input.read(into, at);
      const expected = whole.subarray(at, at + size);
      if (!into.subarray(0, got).equals(expected)) throw new Error(`${got} bytes at ${at} differ`);
      at += got;
    }
    await input.close();
    if (counts.open !== 0) throw new Error('a file was left open');
  });
  await fc.assert(check, { numRuns: 60 });
  t.pass();
});

test('a HyDFS source that was made anew is told, and gives none of the new bytes', async (t) => {
  const { files } = await countedFiles();
  await appendLines(files, 20);
  const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
  t.is(await input.read(new Uint8Array(100), 0), 100);
  await files.remove('f');
  await t.throwsAsync(input.read(new Uint8Array(100), 100), { code: 'FILE_MISSING' });
  await appendLines(files, 20);
  await t.throwsAsync(input.read(new Uint8Array(100), 100), { code: 'SOURCE_CHANGED' });
  await input.close();
  await files.close();
});

test('closing a HyDFS source ends the read under way and leaves nothing open', async (t) => {
  const { files, counts } = await countedFiles();
  await appendLines(files, 500);
  const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
  for (const grown of [false, true]) await closesDuring(t, { files, grown });
  t.is(counts.open, 0);
  await input.close();
  await t.throwsAsync(input.read(new Uint8Array(10), 0), { code: 'LOG_CLOSED' });
  t.is(counts.open, 0);
  await files.close();
});

test('a local file that another one replaced after it was opened is told, whatever its size', async (t) => {
  const { files } = await countedFiles();
  const dir = tmpDir(t);
  const [path, other] = [join(dir, 'source'), join(dir, 'other')];
  writeFileSync(path, 'the old bytes');
  writeFileSync(other, 'the new bytes');
  const input = await openSource({ kind: 'local', path }, files);
  const { inode, size } = await input.identity();
  t.deepEqual([inode, size], [statSync(path).ino, 13]);
  renameSync(other, path);
  const changed = await t.throwsAsync(input.identity(), { code: 'SOURCE_CHANGED' });
  t.regex(changed.message, /another file has taken its place/);
  rmSync(path);
  const gone = await t.throwsAsync(input.identity(), { code: 'SOURCE_CHANGED' });
  t.regex(gone.message, /it is gone/);
  await input.close();
  await files.close();
});

async function closesDuring(
  t: ExecutionContext,
  { files, grown }: { readonly files: LocalFileSystem; readonly grown: boolean },
): Promise<void> {
  const input = await openSource({ kind: 'hydfs', name: 'f' }, files);
  const from = grown ? (await readAll(input, 0, 8192)).length : 0;
  if (grown) await appendLines(files, 5);
  const reading = input.read(new Uint8Array(100_000), from);
  const closed = input.close();
  await t.throwsAsync(reading, { code: 'LOG_CLOSED' });
  await closed;
}
