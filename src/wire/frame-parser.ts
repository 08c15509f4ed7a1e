/**
 * Cuts a byte stream into payloads.
 *
 * Invariants
 *   F1  A length is refused as soon as the payload's first four bytes are there, before memory is
 *       spent on the rest.
 *   F2  A payload comes in the pieces in which it arrived, each a view of its chunk: nothing is
 *       copied, and memory follows what has arrived, not what the length promises.
 *   F3  Pieces below `VIEW_BYTES` are gathered in memory of their own: as views many of them would
 *       cost, and keep alive, far more than they hold.
 *   F4  After a fault the parser is of no more use; its connection is closed.
 */
import { assert } from '../core/index.ts';
import { LENGTH_BYTES, limitOf, PEEK_BYTES } from './codec.ts';
import { invalid } from './invalid.ts';

const HEAD_BYTES = LENGTH_BYTES + PEEK_BYTES;
const VIEW_BYTES = 4 * 1024;
const GATHERED_BYTES = 16 * 1024;
const NOTHING = new Uint8Array(0);

export class FrameParser {
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headFilled = 0;
  /** Of the payload that has begun: what is there, and how many bytes are not. */
  #pieces: Uint8Array[] = [];
  #missing = 0;
  /** Where small pieces are gathered: the last of `#pieces`, and the room behind it (F3). */
  #gathered: Uint8Array = NOTHING;
  #gatheredBytes = 0;
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
   * The next payload, in one or more pieces, or null when more bytes are needed.
   * @throws fault WIRE_INVALID
   */
  next(): readonly Uint8Array[] | null {
    if (this.#missing === 0 && !this.#begin()) return null;
    const piece = this.#chunk.subarray(this.#at, this.#at + this.#missing);
    this.#at += piece.length;
    this.#missing -= piece.length;
    const whole = this.#pieces.length === 0 && this.#missing === 0;
    if (whole || piece.length >= VIEW_BYTES) this.#pieces.push(piece);
    else this.#gather(piece);
    if (this.#missing > 0) return null;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gathered = NOTHING;
    return pieces;
  }

  /** Reads the length of a frame; false when its head is not there yet. */
  #begin(): boolean {
    if (this.#headFilled === 0 && this.#chunk.length - this.#at >= HEAD_BYTES) {
      this.#missing = this.#checkedLength(this.#chunk, this.#at);
      this.#at += LENGTH_BYTES;
      return true;
    }
    while (this.#headFilled < HEAD_BYTES && this.#at < this.#chunk.length)
      this.#head[this.#headFilled++] = this.#chunk[this.#at++];
    if (this.#headFilled < HEAD_BYTES) return false;
    this.#headFilled = 0;
    this.#missing = this.#checkedLength(this.#head, 0) - PEEK_BYTES;
    this.#gather(this.#head.subarray(LENGTH_BYTES));
    return true;
  }

  /** F3. */
  #gather(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const open = this.#pieces.at(-1)?.buffer === this.#gathered.buffer;
      if (!open || this.#gatheredBytes === this.#gathered.length) {
        const room = piece.length - at + this.#missing;
        this.#gathered = Buffer.allocUnsafeSlow(Math.min(room, GATHERED_BYTES));
        this.#gatheredBytes = 0;
        this.#pieces.push(NOTHING);
      }
      const taken = piece.subarray(at, at + this.#gathered.length - this.#gatheredBytes);
      this.#gathered.set(taken, this.#gatheredBytes);
      this.#gatheredBytes += taken.length;
      this.#pieces[this.#pieces.length - 1] = this.#gathered.subarray(0, this.#gatheredBytes);
      at += taken.length;
    }
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
