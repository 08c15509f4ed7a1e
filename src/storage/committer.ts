/**
 * The one loop that writes a log.
 *
 * C1 Batches are written one after the other, and one is acknowledged before the next is written.
 * C2 The loop runs while there is a batch and never waits for a timer: the batch that gathers while
 *    another is being synced is taken as soon as the disk is free.
 * C3 A batch that begins a segment is written after everything in older segments is durable, in
 *    every sync mode, and acknowledged after the directory is synced.
 * C4 The first failure ends the loop for good: its batch and all later ones are rejected with the
 *    same fault, nothing is written after it and no sync is tried again, because the kernel forgets
 *    the pages that a failed sync could not write.
 */
import {
  type Fault,
  failpoint,
  failpointDuring,
  failpointsArmed,
  fault,
  type Logger,
} from '../core/index.ts';
import type { Batch } from './batch.ts';
import type { Disk, DiskFile } from './disk.ts';
import { diskFault } from './disk-fault.ts';
import type { Progress } from './progress.ts';
import type { Segment } from './segment.ts';

/** When an append counts as done: after a sync of its own, a shared sync, or the write alone. */
export type SyncMode = 'always' | 'group' | 'os';

export interface CommitterOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly sync: SyncMode;
  readonly log: Logger;
  readonly progress: Progress;
}

export class Committer {
  /** The fault after which the log takes nothing more, if any. */
  failure: Fault | null = null;
  readonly #options: CommitterOptions;
  readonly #queue: Batch[] = [];
  #open: { readonly file: DiskFile; readonly segment: Segment } | null = null;
  #running: Promise<void> | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  submit(batch: Batch): void {
    this.#queue.push(batch);
    this.#running ??= this.#run();
  }

  /** Resolves when all batches are settled and the file is closed. */
  async close(): Promise<void> {
    await this.#running;
    const open = this.#open;
    this.#open = null;
    await open?.file.close();
  }

  async #run(): Promise<void> {
    await null; // appends of the same turn join the first batch
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      try {
        await this.#commit(batch);
      } catch (error) {
        this.#fail(batch, error);
      }
    }
    this.#running = null;
  }

  async #commit(batch: Batch): Promise<void> {
    const { sync, progress } = this.#options;
    const { segment } = batch;
    const parts = batch.seal();
    const file = await this.#fileOf(segment, batch.start === 0);
    failpoint('storage.before-write');
    if (failpointsArmed) {
      await failpointDuring({
        failpointName: 'storage.half-written',
        last: () => file.writev(firstHalf(parts, batch.bytes), batch.start),
      });
    }
    await writeFully(file, parts, batch.start, batch.bytes);
    failpoint('storage.written-not-synced');
    if (sync !== 'os') await syncFile(file);
    if (batch.start === 0) await this.#rolled(segment);
    failpoint('storage.synced-not-acked');
    segment.durableEnd = batch.start + batch.bytes;
    progress.advance(batch.nextIndex);
    batch.resolve();
  }

  async #fileOf(segment: Segment, create: boolean): Promise<DiskFile> {
    if (this.#open?.segment === segment) return this.#open.file;
    if (this.#open !== null) {
      const { file } = this.#open;
      if (this.#options.sync === 'os') await syncFile(file);
      this.#open = null;
      await file.close();
    }
    try {
      const file = await this.#options.disk.open(segment.path, create ? 'create' : 'write');
      this.#open = { file, segment };
      return file;
    } catch (error) {
      throw diskFault(error, 'opening', segment.path);
    }
  }

  async #rolled(segment: Segment): Promise<void> {
    try {
      await this.#options.disk.syncDir(this.#options.dir);
    } catch (error) {
      throw diskFault(error, 'syncing the directory of', segment.path);
    }
    failpoint('storage.rolled');
  }

  #fail(batch: Batch, error: unknown): void {
    const reason = diskFault(error, 'writing', batch.segment.path);
    const { log, progress } = this.#options;
    log.error(reason.message, { code: reason.code, path: batch.segment.path });
    this.failure = reason;
    for (const waiting of [batch, ...this.#queue.splice(0)]) {
      waiting.sealed = true;
      waiting.reject(reason);
    }
    progress.end(reason);
  }
}

async function syncFile(file: DiskFile): Promise<void> {
  try {
    await file.datasync();
  } catch (error) {
    // Even "no space" is final here (delayed allocation): what was written is not known any more.
    throw diskFault(error, 'syncing', file.path);
  }
}

async function writeFully(
  file: DiskFile,
  parts: readonly Uint8Array[],
  start: number,
  bytes: number,
): Promise<void> {
  let rest = parts;
  for (let done = 0; done < bytes; ) {
    const written = await writeSome(file, rest, start + done);
    if (written === 0) throw fault('DISK_FULL', { path: file.path });
    done += written;
    if (done < bytes) rest = after(rest, written);
  }
}

async function writeSome(
  file: DiskFile,
  parts: readonly Uint8Array[],
  position: number,
): Promise<number> {
  try {
    return await file.writev(parts, position);
  } catch (error) {
    throw diskFault(error, 'writing', file.path);
  }
}

/** The first half of the `bytes` of `parts`: what a kill in the middle of a write leaves. */
function firstHalf(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = Math.ceil(bytes / 2);
  const half: Uint8Array[] = [];
  for (const part of parts) {
    if (left > 0) half.push(part.subarray(0, left));
    left -= part.length;
  }
  return half;
}

/** What is left of `parts` after their first `written` bytes. */
function after(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written;
  let first = 0;
  while (skip >= parts[first].length) {
    skip -= parts[first].length;
    first += 1;
  }
  return [parts[first].subarray(skip), ...parts.slice(first + 1)];
}
