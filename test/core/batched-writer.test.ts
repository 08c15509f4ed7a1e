import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { BatchedWriter, type WrittenFile } from '../../src/core/index.ts';

test('pieces of any size are in the file one behind the other', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'rainstorm-writer-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const handle = await open(join(dir, 'f'), 'w');
  const writer = new BatchedWriter(handle);
  const pieces = Array.from({ length: 3_000 }, (_, i) => {
    return Buffer.alloc(i % 700 === 0 ? 900_000 : i % 90, `${i};`);
  });
  for (const piece of pieces) await writer.write(piece);
  await writer.end();
  await handle.close();
  const whole = Buffer.concat(pieces);
  t.is(writer.bytes, whole.length);
  t.is(Buffer.compare(await readFile(join(dir, 'f')), whole), 0);
});

/** A file that takes `most` bytes a call, and `room` in all. */
function slowFile(most: number, room: number): { handle: WrittenFile; taken: () => Buffer } {
  const taken: Buffer[] = [];
  let left = room;
  const writev: WrittenFile['writev'] = async (parts) => {
    if (left === 0) throw new Error('no room');
    const bytes = Buffer.concat(parts).subarray(0, Math.min(most, left));
    taken.push(bytes);
    left -= bytes.length;
    return { bytesWritten: bytes.length };
  };
  const datasync = async (): Promise<void> => {};
  return { handle: { writev, datasync }, taken: () => Buffer.concat(taken) };
}

test('a short write is gone on with where it ended', async (t) => {
  const { handle, taken } = slowFile(7, Number.POSITIVE_INFINITY);
  const writer = new BatchedWriter(handle);
  for (const text of ['one', '', 'twenty-two', 'three']) await writer.write(Buffer.from(text));
  await writer.end();
  t.is(taken().toString(), 'onetwenty-twothree');
});

test('what a write met is told by the next call, at the latest by the end', async (t) => {
  const { handle } = slowFile(1024 * 1024, 2 * 1024 * 1024);
  const writer = new BatchedWriter(handle);
  const piece = Buffer.alloc(1024 * 1024);
  const failure = await t.throwsAsync(async () => {
    for (let i = 0; i < 3; i++) await writer.write(piece);
    await writer.end();
  });
  t.is(failure?.message, 'no room');
});

test('a sync goes along with a large file, one at a time, and what it met is told', async (t) => {
  const { handle } = slowFile(1024 * 1024, Number.POSITIVE_INFINITY);
  const syncs: PromiseWithResolvers<void>[] = [];
  const datasync = (): Promise<void> => {
    const sync = Promise.withResolvers<void>();
    syncs.push(sync);
    return sync.promise;
  };
  const writer = new BatchedWriter({ ...handle, datasync });
  const piece = Buffer.alloc(1024 * 1024);
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await writer.write(piece);
  };
  await write(31);
  t.is(syncs.length, 0);
  await write(20);
  t.is(syncs.length, 1);
  const waits = write(20);
  await setImmediate();
  t.is(syncs.length, 1, 'the second waits for the first');
  syncs[0].resolve();
  await waits;
  t.is(syncs.length, 2);
  syncs[1].reject(new Error('no disk'));
  const failure = await t.throwsAsync(() => writer.end());
  t.is(failure?.message, 'no disk');
});
