/** A window over a source: bytes read and not yet turned into lines. */
import { unsetBytes } from '../core/index.ts';
import type { SourceInput } from './source-input.ts';

const READ_BYTES = 512 * 1024;
/** A line of the greatest length, its ending, and one read. */
const BUFFER_BYTES_MAX = 16 * 1024 * 1024 + 2 + READ_BYTES;

export class SourceBuffer {
  readonly #input: SourceInput;
  #memory = unsetBytes(READ_BYTES);
  #start = 0;
  #length = 0;
  /** offset in the source of the first byte of `bytes` */
  #offset: number;

  constructor(input: SourceInput, offset: number) {
    this.#input = input;
    this.#offset = offset;
  }

  /** What is buffered; valid until the next `fill`. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#start + this.#length);
  }

  get drained(): boolean {
    return this.#length === 0;
  }

  /** Offset in the source of the first buffered byte. */
  get start(): number {
    return this.#offset;
  }

  /** Offset in the source behind the last buffered byte. */
  get end(): number {
    return this.#offset + this.#length;
  }

  /** The first `count` bytes are done with. */
  consume(count: number): void {
    this.#start += count;
    this.#length -= count;
    this.#offset += count;
  }

  /**
   * Reads on, up to `limit` (null: to the end of the source). False when there was nothing more to
   * read, now, or no room.
   */
  async fill(limit: number | null): Promise<boolean> {
    const left = limit === null ? READ_BYTES : Math.min(READ_BYTES, limit - this.end);
    if (left <= 0 || this.#length + left > BUFFER_BYTES_MAX) return false;
    this.#makeRoom(left);
    const from = this.#start + this.#length;
    const got = await this.#input.read(this.#memory.subarray(from, from + left), this.end);
    this.#length += got;
    return got > 0;
  }

  /** A kernel may still read what `bytes` gave out, so the memory is replaced, never shifted. */
  #makeRoom(more: number): void {
    if (this.#start + this.#length + more <= this.#memory.length) return;
    const memory = unsetBytes(Math.max(READ_BYTES * 2, this.#length * 2 + more));
    memory.set(this.bytes);
    this.#memory = memory;
    this.#start = 0;
  }
}
