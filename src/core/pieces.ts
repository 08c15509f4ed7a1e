import { assert } from './assert.ts';

/** `parts` one behind the other, without a copy when there is one at most. */
export function inOnePiece(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length > 1) return Buffer.concat(parts);
  return parts.length === 1 ? parts[0] : NOTHING;
}

const NOTHING = new Uint8Array(0);

/** How many bytes are in `parts`. */
export function bytesIn(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}

/** Takes bytes that lie in several pieces from the front, without copying them. */
export class PieceReader {
  /** Bytes that were not taken. */
  left: number;
  readonly #parts: readonly Uint8Array[];
  #part = 0;
  #at = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.left = bytesIn(parts);
  }

  /** The next `count` bytes, as views; none of them is empty. */
  take(count: number): readonly Uint8Array[] {
    assert(count <= this.left, 'no more is taken than there is');
    this.left -= count;
    const taken: Uint8Array[] = [];
    for (let missing = count; missing > 0; ) {
      const part = this.#parts[this.#part];
      const view = part.subarray(this.#at, this.#at + missing);
      if (view.length > 0) taken.push(view);
      missing -= view.length;
      this.#at += view.length;
      if (this.#at < part.length) continue;
      this.#part += 1;
      this.#at = 0;
    }
    return taken;
  }
}
