/**
 * Cuts a byte stream into payloads.
 *
 * Invariants
 *   F1  A length is refused as soon as the payload's first four bytes are there, before memory is
 *       spent on the rest.
 *   F2  A frame inside one chunk is a view of it. Others are gathered in a buffer that starts with
 *       at most `FIRST_BYTES` and at most doubles: memory follows what has arrived, not what the
 *       length promises.
 *   F3  After a fault the parser is of no more use; its connection is closed.
 */
import { assert } from '../core/index.ts';
import { LENGTH_BYTES, limitOf, PEEK_BYTES } from './codec.ts';
import { invalid } from './invalid.ts';

const HEAD_BYTES = LENGTH_BYTES + PEEK_BYTES;
const FIRST_BYTES = 256 * 1024;
const NOTHING = new Uint8Array(0);

export class FrameParser {
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headFilled = 0;
  #body: Uint8Array | null = null;
  #bodyFilled = 0;
  #bodyLength = 0;
  #limit: number;

  /** @param limit payload bytes at most, on top of each message's own limit */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Changes the limit for frames that have not begun to arrive. */
  set limit(limit: number) {
    this.#limit = limit;
  }

  /** Gives the parser the next bytes. Those before must have been used up (`next` gave null). */
  push(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, 'a chunk is given when the one before is used up');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * The next payload, or null when more bytes are needed.
   * @throws fault WIRE_INVALID
   */
  next(): Uint8Array | null {
    if (this.#body === null) {
      if (this.#headFilled === 0 && this.#chunk.length - this.#at >= HEAD_BYTES) {
        const whole = this.#whole();
        if (whole !== null) return whole;
      } else if (this.#gatherHead()) {
        this.#startBody(this.#checkedLength(this.#head, 0));
        this.#append(this.#head, LENGTH_BYTES, HEAD_BYTES);
        this.#headFilled = 0;
      } else {
        return null;
      }
    }
    return this.#gatherBody();
  }

  /** The frame at the position when the chunk has all of it; otherwise its body is started. */
  #whole(): Uint8Array | null {
    const length = this.#checkedLength(this.#chunk, this.#at);
    const start = this.#at + LENGTH_BYTES;
    this.#at = start;
    if (this.#chunk.length - start < length) {
      this.#startBody(length);
      return null;
    }
    this.#at = start + length;
    return this.#chunk.subarray(start, this.#at);
  }

  #gatherHead(): boolean {
    while (this.#headFilled < HEAD_BYTES && this.#at < this.#chunk.length)
      this.#head[this.#headFilled++] = this.#chunk[this.#at++];
    return this.#headFilled === HEAD_BYTES;
  }

  #gatherBody(): Uint8Array | null {
    const take = Math.min(this.#bodyLength - this.#bodyFilled, this.#chunk.length - this.#at);
    this.#append(this.#chunk, this.#at, this.#at + take);
    this.#at += take;
    if (this.#bodyFilled < this.#bodyLength) return null;
    const body = this.#body;
    this.#body = null;
    return body;
  }

  #startBody(length: number): void {
    this.#body = Buffer.allocUnsafeSlow(Math.min(length, FIRST_BYTES));
    this.#bodyFilled = 0;
    this.#bodyLength = length;
  }

  #append(from: Uint8Array, start: number, end: number): void {
    assert(this.#body !== null, 'a body has been started');
    const needed = this.#bodyFilled + end - start;
    if (needed > this.#body.length) {
      const grown = Math.min(this.#bodyLength, Math.max(needed, this.#body.length * 2));
      const wider = Buffer.allocUnsafeSlow(grown);
      wider.set(this.#body.subarray(0, this.#bodyFilled));
      this.#body = wider;
    }
    this.#body.set(from.subarray(start, end), this.#bodyFilled);
    this.#bodyFilled = needed;
  }

  #checkedLength(bytes: Uint8Array, at: number): number {
    const length =
      ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
    if (length < PEEK_BYTES) throw invalid(`a frame of ${length} bytes is too short`);
    const max = Math.min(this.#limit, limitOf(bytes, at + LENGTH_BYTES));
    if (length > max) throw invalid(`a frame of ${length} bytes is longer than ${max}`);
    return length;
  }
}
