/**
 * Large buffers with a short life, used again instead of being left to the collector: it only learns
 * how much memory hangs on a dead view when it looks at the whole heap.
 *
 * 1. Who gives bytes back holds no view of them any more; they will be overwritten.
 * 2. Only buffers that came from `take` are kept, each once: giving anything else back does nothing.
 * 3. At most `limit` bytes are kept.
 */
import { unsetBytes } from './bytes.ts';

/** Buffers are of multiples of this; smaller ones are not worth keeping. */
const STEP = 64 * 1024;
/** Bytes kept at most, per thread: what two stages have in their operators. */
const SPARE_BYTES_MAX = 4 * 1024 * 1024;

export class SpareBytes {
  readonly #limit: number;
  #spare: ArrayBuffer[] = [];
  #bytes = 0;
  readonly #lent = new WeakSet<ArrayBuffer>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `length` bytes, holding whatever was in that memory; nobody else has a view of them. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (length < STEP / 4 || length > this.#limit) return unsetBytes(length);
    const size = Math.ceil(length / STEP) * STEP;
    const at = this.#spare.findLastIndex((buffer) => buffer.byteLength >= size);
    const buffer = at < 0 ? unsetBytes(size).buffer : this.#spare.splice(at, 1)[0];
    if (at >= 0) this.#bytes -= buffer.byteLength;
    this.#lent.add(buffer);
    return new Uint8Array(buffer, 0, length);
  }

  /** The memory of `bytes`, if it came from `take`, may be taken again. */
  give({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || !this.#lent.delete(buffer)) return;
    const size = buffer.byteLength; // 0 when it was moved to another thread
    if (size === 0 || this.#bytes + size > this.#limit) return;
    this.#spare.push(buffer);
    this.#bytes += size;
  }
}

/** The spare memory of this thread. */
export const spareBytes = new SpareBytes(SPARE_BYTES_MAX);
