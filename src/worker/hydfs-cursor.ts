/**
 * A place in a HyDFS file that moves on with its reader: reading a file piece by piece reads its log
 * once, where each new `read` would scan a segment from its start.
 *
 *   U1  A read that goes on where the one before ended takes the bytes that were left over and then
 *       the next ones of the same iterator; any other offset begins a new iterator.
 *   U2  What is held is the rest of one piece of the file's log, and one open file of the disk.
 *   U3  A read never waits for bytes to be appended: it asks for those that are durable.
 *   U4  A file of the same name that was made later is another file, and none of its bytes are given.
 *   U5  After `close` nothing is open, whatever was being read.
 */
import { fault } from '../core/index.ts';
import type { FileInfo, FileSystem } from '../hydfs/index.ts';

const NOTHING = new Uint8Array(0);

export class HydfsCursor {
  readonly #fs: FileSystem;
  readonly #file: FileInfo;
  readonly #stop = new AbortController();
  /** The offset of the first byte that was not given. */
  #at = 0;
  /** The bytes from there that the iterator gave already. */
  #left: Uint8Array = NOTHING;
  #pieces: AsyncIterator<Uint8Array> | null = null;
  /** True once the iterator is one that goes on when the file grows. */
  #tailing = false;

  /** `file` is what is known of the file that is to be read. */
  constructor(fs: FileSystem, file: FileInfo) {
    this.#fs = fs;
    this.#file = file;
  }

  /**
   * Bytes from `offset`, as many as `into` takes or the file has.
   * @throws SOURCE_CHANGED, FILE_MISSING, LOG_CLOSED after `close`, and what reading a file throws
   */
  async read(into: Uint8Array, offset: number): Promise<number> {
    const wanted = Math.min(into.length, (await this.#length()) - offset);
    if (wanted > 0 && offset !== this.#at) await this.#move(offset);
    let filled = 0;
    while (filled < wanted) {
      if (this.#left.length === 0 && !(await this.#advance())) break;
      const taken = this.#left.subarray(0, wanted - filled);
      into.set(taken, filled);
      filled += taken.length;
      this.#at += taken.length;
      this.#left = this.#left.subarray(taken.length);
    }
    return filled;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#move(0);
  }

  /** The durable length of the same file (U3, U4). */
  async #length(): Promise<number> {
    const { name, createdAt } = this.#file;
    const now = await this.#fs.stat(name);
    if (now.createdAt === createdAt) return now.length;
    const how = 'another file has taken its place';
    throw fault('SOURCE_CHANGED', { source: `hydfs:${name}`, how });
  }

  async #move(offset: number): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = null;
    this.#left = NOTHING;
    this.#tailing = false;
    this.#at = offset;
    await pieces?.return?.();
  }

  /** Takes the next piece; false when the file's log was closed. */
  async #advance(): Promise<boolean> {
    for (;;) {
      this.#pieces ??= this.#begin();
      const { done, value } = await this.#pieces.next();
      this.#refuseIfClosed();
      if (!done) {
        this.#left = value;
        return true;
      }
      if (this.#tailing) return false;
      this.#pieces = null;
      this.#tailing = true;
    }
  }

  /**
   * An iterator from where the cursor stands. The first ends with what the file had when it began;
   * only a reader that has come to that end follows the file.
   */
  #begin(): AsyncIterator<Uint8Array> {
    this.#refuseIfClosed();
    const range = { from: this.#at, signal: this.#stop.signal };
    const { name } = this.#file;
    const bytes = this.#tailing ? this.#fs.tail(name, range) : this.#fs.read(name, range);
    return bytes[Symbol.asyncIterator]();
  }

  #refuseIfClosed(): void {
    if (this.#stop.signal.aborted) throw fault('LOG_CLOSED', { path: this.#file.name });
  }
}
