/**
 * Byte and word buffers that grow and are used again: the scratch memory of the kernels.
 *
 * Copies of the usual tuple size are done four bytes at a time through a DataView: 27 ns for 60 bytes
 * against 115 for a byte loop and 64 for `Buffer.copy`, whose call costs more than it saves below
 * some 300 bytes.
 *
 * Behind what is written there are always STORE_SLACK bytes: V8's middle compiler (Maglev, as of
 * Node 24) takes a store of a word into the last eight bytes of a view for one out of bounds, and after
 * that every store of the function is a call, at five times the price.
 */

import { unsetBytes } from '../core/index.ts';

const FAR_COPY_BYTES = 256;
/** Bytes that a `ByteSink` needs behind what is written to it. */
export const STORE_SLACK = 4;

/** Bytes with the two ways of looking at them that the kernels need. */
export interface Bytes {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** `bytes` seen through both. */
export function bytesOf(bytes: Uint8Array): Bytes {
  const { buffer, byteOffset, byteLength } = bytes;
  return {
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    view: new DataView(buffer, byteOffset, byteLength),
  };
}

/** A byte buffer that grows; `reserve` before writing to `bytes` directly. */
export class ByteSink implements Bytes {
  bytes: Buffer;
  view: DataView;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Goes on in `memory`, from its beginning; what was written is dropped. */
  use(memory: Uint8Array): void {
    const { bytes, view } = bytesOf(memory);
    this.bytes = bytes;
    this.view = view;
    this.length = 0;
  }

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    if (this.length + extra + STORE_SLACK > this.bytes.length) this.#grow(extra + STORE_SLACK);
  }

  /** Appends `from[at, at + count)`. */
  append(from: Bytes, at: number, count: number): void {
    this.reserve(count);
    copyBytes(from, at, this, this.length, count);
    this.length += count;
  }

  /** What was written, in a buffer of its own. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = unsetBytes(this.length);
    taken.set(this.bytes.subarray(0, this.length));
    return taken;
  }

  /** Forgets the contents, and the memory when it is larger than `kept` bytes. */
  reset(kept: number): void {
    this.length = 0;
    if (this.bytes.length <= kept) return;
    this.bytes = Buffer.allocUnsafeSlow(kept);
    this.view = new DataView(this.bytes.buffer);
  }

  #grow(extra: number): void {
    const old = this.bytes;
    this.bytes = Buffer.allocUnsafeSlow(Math.max(old.length * 2, this.length + extra));
    this.view = new DataView(this.bytes.buffer);
    old.copy(this.bytes, 0, 0, this.length);
  }
}

/** Copies `count` bytes; the ranges must lie inside and not overlap. */
export function copyBytes(from: Bytes, at: number, to: Bytes, toAt: number, count: number): void {
  if (count > FAR_COPY_BYTES) {
    from.bytes.copy(to.bytes, toAt, at, at + count);
    return;
  }
  const words = count & ~3;
  const source = from.view;
  const target = to.view;
  for (let i = 0; i < words; i += 4) target.setInt32(toAt + i, source.getInt32(at + i, true), true);
  for (let i = words; i < count; i++) to.bytes[toAt + i] = from.bytes[at + i];
}
