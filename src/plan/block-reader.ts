import { endianness } from 'node:os';
import { assert, fault } from '../core/index.ts';

/** CBOR major types and simple values (RFC 8949, section 3). */
const UINT = 0;
const BYTES = 2;
const ARRAY = 4;
const TAG = 6;
const NULL = 0xf6;
/** RFC 8746: uint32, little endian. */
const TAG_U32_LE = 70;

/** Reads the few CBOR items that a block is made of, checking each; throws BLOCK_INVALID. */
export class BlockReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    assert(endianness() === 'LE', 'blocks are read in place on little-endian machines only');
    this.#bytes = bytes;
  }

  /** An array of exactly `fields` items. */
  array(fields: number): void {
    if (this.#head(ARRAY) !== fields) throw this.#invalid('an array of another length');
  }

  uint(): number {
    return this.#head(UINT);
  }

  /** True, and past it, when the next item is null. */
  nullable(): boolean {
    if (this.#bytes[this.#at] !== NULL) return false;
    this.#at += 1;
    return true;
  }

  /** A byte string, as a view. */
  bytes(): Uint8Array {
    const length = this.#head(BYTES);
    const start = this.#at;
    if (length > this.#bytes.length - start) throw this.#invalid('bytes beyond the end');
    this.#at = start + length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A typed array of exactly `count` u32, as a view when it is aligned. */
  u32s(count: number): Uint32Array {
    if (this.#head(TAG) !== TAG_U32_LE) throw this.#invalid('another type of array');
    const bytes = this.bytes();
    if (bytes.length !== count * 4) throw this.#invalid('a column of another length');
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
    return new Uint32Array(aligned.buffer, aligned.byteOffset, count);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#invalid('something behind its end');
  }

  /** The argument of the next item, which must be of type `major` and of definite length. */
  #head(major: number): number {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw this.#invalid('no more bytes');
    if (first >>> 5 !== major) throw this.#invalid('another type of item');
    this.#at += 1;
    const info = first & 31;
    if (info < 24) return info;
    if (info > 27) throw this.#invalid('an item without a length');
    return this.#argument(1 << (info - 24));
  }

  #argument(width: number): number {
    if (this.#at + width > this.#bytes.length) throw this.#invalid('half an item');
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this.#bytes[this.#at++];
    if (!Number.isSafeInteger(value)) throw this.#invalid('a number beyond 2^53');
    return value;
  }

  #invalid(found: string): Error {
    return fault('BLOCK_INVALID', { problem: `${found} was found at byte ${this.#at}` });
  }
}
