/**
 * Entries that share one write and one sync.
 *
 * B1 Small pieces (headers, short payloads) are copied one behind the other into a slab, so that a
 *    thousand short entries are one piece for the kernel; large pieces are passed on as they are.
 * B2 Every entry of a batch carries the offset where the batch starts as its `base`: what lies below
 *    was acknowledged before the batch was written.
 * B3 A sealed batch takes no more entries.
 */
import { assert } from '../core/index.ts';
import { ENTRY_HEADER_BYTES, type Payload, saltedCrc, writeEntryHeader } from './entry.ts';
import type { Segment } from './segment.ts';

const SLAB_BYTES = 64 * 1024;

/** Pieces up to this size are cheaper to copy than to pass to the kernel one by one. */
const COPY_MAX = 4096;

/** Memory that successive batches of one log fill from the front. */
export class Slab {
  buffer: Buffer = Buffer.alloc(0);
  used = 0;

  /** Makes room for `bytes` in one piece. */
  renew(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(bytes, SLAB_BYTES));
    this.used = 0;
  }
}

export class Batch {
  readonly segment: Segment;
  readonly start: number;
  readonly done: Promise<void>;
  bytes = 0;
  /** The index after its last entry. */
  nextIndex: number;
  sealed = false;
  resolve: () => void = () => {};
  reject: (error: unknown) => void = () => {};
  readonly #parts: Uint8Array[] = [];
  readonly #slab: Slab;
  #runStart: number;

  constructor(segment: Segment, nextIndex: number, slab: Slab) {
    this.segment = segment;
    this.start = segment.end;
    this.nextIndex = nextIndex;
    this.#slab = slab;
    this.#runStart = slab.used;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A failed commit also fails every later append, so nobody has to await this very promise.
    this.done.catch(() => {});
  }

  /** Places an entry with a payload that must stay unchanged until `done`. */
  add(payload: Payload): void {
    assert(!this.sealed, 'B3: a sealed batch takes no entries');
    const { salt } = this.segment;
    const { bytes: length, parts } = payload;
    const header = { length, base: this.start, payloadCrc: saltedCrc(payload, salt) };
    const at = this.#reserve(ENTRY_HEADER_BYTES);
    writeEntryHeader(this.#slab.buffer, at, header, salt);
    for (const part of parts) this.#place(part);
    const size = ENTRY_HEADER_BYTES + length;
    this.bytes += size;
    this.segment.end += size;
  }

  /** The pieces to write at `start`, in order. The slab may belong to the next batch from now on. */
  seal(): readonly Uint8Array[] {
    if (!this.sealed) this.#endRun();
    this.sealed = true;
    return this.#parts;
  }

  #place(part: Uint8Array): void {
    if (part.length > COPY_MAX) {
      this.#endRun();
      this.#parts.push(part);
    } else if (part.length > 0) {
      const at = this.#reserve(part.length);
      this.#slab.buffer.set(part, at);
    }
  }

  #reserve(bytes: number): number {
    if (this.#slab.used + bytes > this.#slab.buffer.length) {
      this.#endRun();
      this.#slab.renew(bytes);
      this.#runStart = 0;
    }
    const at = this.#slab.used;
    this.#slab.used += bytes;
    return at;
  }

  #endRun(): void {
    const { buffer, used } = this.#slab;
    if (used > this.#runStart) this.#parts.push(buffer.subarray(this.#runStart, used));
    this.#runStart = used;
  }
}
