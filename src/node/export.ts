/**
 * Writes a job's output to a local path, following the HyDFS file that its last stage appends to.
 *
 * Invariants
 *   X1  The local file is always a prefix of the HyDFS file: bytes are only added at its end. So its
 *       length is the position, and there is no other one to lose.
 *   X2  An existing local file is compared before anything is added; what differs from the HyDFS file
 *       (a torn write after a power cut) is cut off.
 *   X3  The marker is made after the last byte is synced, and the file's name before any byte: from
 *       then on the local file is the user's, and a power cut leaves no marker without its file.
 */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failpoint, fault, isFault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { exportedFileName, type JobPlan } from '../plan/index.ts';
import { type Disk, nodeDisk } from '../storage/index.ts';
import { destinationFileName } from '../worker/index.ts';

/** True when the local destination of a job was completed. */
export async function isExported(fs: FileSystem, plan: JobPlan): Promise<boolean> {
  return (await lengthOf(fs, exportedFileName(plan.id))) !== null;
}

/** Length of the job's output in HyDFS; null when there is none. */
export function outputLength(fs: FileSystem, plan: JobPlan): Promise<number | null> {
  return lengthOf(fs, destinationFileName(plan));
}

async function lengthOf(fs: FileSystem, name: string): Promise<number | null> {
  try {
    return (await fs.stat(name)).length;
  } catch (error) {
    if (isFault(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

/** Follows a job's output into a local file until it is told that the job has ended. */
export class Exporter {
  readonly #fs: FileSystem;
  readonly #plan: JobPlan;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #stop = new AbortController();
  #length: number;
  /** Where following ends, once the job has. */
  #end = Number.POSITIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  private constructor(
    fs: FileSystem,
    plan: JobPlan,
    path: string,
    handle: FileHandle,
    length: number,
  ) {
    this.#fs = fs;
    this.#plan = plan;
    this.#path = path;
    this.#handle = handle;
    this.#length = length;
  }

  /**
   * Opens the local file at `path`, making it if needed, and keeping what it rightly has (X2).
   * @param disk syncs the folder in which the file was made (X3)
   * @throws DESTINATION_UNWRITABLE
   */
  static async open(
    fs: FileSystem,
    plan: JobPlan,
    path: string,
    disk: Pick<Disk, 'syncDir'> = nodeDisk,
  ): Promise<Exporter> {
    await makeFile(path, disk).catch((error: unknown) => {
      const reason = reasonOf(error);
      throw fault('DESTINATION_UNWRITABLE', { destination: path, reason }, error);
    });
    const rewritable = await open(path, 'r+');
    const length = await commonLength(fs, plan, rewritable);
    await rewritable.truncate(length);
    return new Exporter(fs, plan, path, rewritable, length);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Begins to follow; `broken` hears of a failure. */
  start(broken: (error: unknown) => void): void {
    this.#running = this.#follow(this.#stop.signal);
    this.#running.catch(broken);
  }

  /**
   * Writes what is left and lets go of the file.
   * @param complete the job has ended: nothing will be added (X3)
   */
  async finish(complete: boolean): Promise<void> {
    try {
      const total = (await outputLength(this.#fs, this.#plan)) ?? 0;
      this.#end = total;
      if (this.#length >= total) this.#stop.abort();
      await this.#running;
      if (total > this.#length) {
        const name = destinationFileName(this.#plan);
        for await (const bytes of this.#fs.read(name, { from: this.#length, to: total })) {
          await this.#write(bytes);
        }
      }
      await this.#handle.sync();
    } finally {
      this.#stop.abort();
      await this.#handle.close();
    }
    failpoint('export.before-marker');
    if (complete && !(await isExported(this.#fs, this.#plan))) {
      await this.#fs.create(exportedFileName(this.#plan.id));
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const name = destinationFileName(this.#plan);
    for await (const bytes of this.#fs.tail(name, { from: this.#length, signal })) {
      await this.#write(bytes);
      if (this.#length >= this.#end) return;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    failpoint('export.before-write');
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#put(bytes, at);
      if (bytesWritten === 0) throw fault('DISK_FULL', { path: this.#path });
      at += bytesWritten;
      this.#length += bytesWritten;
    }
  }

  async #put(bytes: Uint8Array, at: number): Promise<{ bytesWritten: number }> {
    try {
      return await this.#handle.write(bytes, at, bytes.length - at, this.#length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
        throw fault('DISK_FULL', { path: this.#path }, error);
      }
      const reason = reasonOf(error);
      throw fault('DISK_FAILED', { doing: 'writing', path: this.#path, reason }, error);
    }
  }
}

/** Makes the file at `path` unless it is there, with a name that a power cut does not take away. */
async function makeFile(path: string, disk: Pick<Disk, 'syncDir'>): Promise<void> {
  const handle = await open(path, 'a+');
  await handle.close();
  await disk.syncDir(dirname(await realpath(path))); // `path` may be a link into another folder
}

/** How much of the local file is the beginning of the HyDFS file. */
async function commonLength(fs: FileSystem, plan: JobPlan, handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const total = Math.min(size, (await outputLength(fs, plan)) ?? 0);
  if (total === 0) return 0;
  let at = 0;
  for await (const expected of fs.read(destinationFileName(plan), { from: 0, to: total })) {
    const found = Buffer.alloc(expected.length);
    await handle.read(found, 0, found.length, at);
    if (!found.equals(expected)) return at + firstDifference(found, expected);
    at += expected.length;
  }
  return at;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}
