/**
 * Entries on their way between two replicas: many small ones in one bundle, a large one in pieces.
 * Each entry's CRC-32 is computed once, however many replicas it goes to; a bundle carries the CRC-32
 * of those. It is the one of zlib, which is native and several times faster than the CRC32C of the
 * logs: nothing of it is stored, and each log checks what it writes with its own.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../../core/index.ts';

/** An entry that is to be sent. */
export interface SentEntry {
  /** Its payload, in pieces that nobody changes. */
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
}

export function sentEntry(parts: readonly Uint8Array[]): SentEntry {
  let crc = 0;
  let bytes = 0;
  for (const part of parts) {
    crc = crc32(part, crc);
    bytes += part.length;
  }
  return { parts, bytes, crc };
}

/** Consecutive entries that have come; with `install` the first is a snapshot instead. */
export interface Bundle {
  readonly index: number;
  readonly install: boolean;
  readonly payloads: readonly Uint8Array[];
}

/** How many entries a bundle has. */
export function entriesOf({ install, payloads }: Bundle): number {
  return payloads.length - (install ? 1 : 0);
}

/** What stands beside the bytes of a bundle. */
export interface Divided {
  readonly sizes: number[];
  readonly crc: number;
}

export function divide(entries: readonly SentEntry[]): Divided {
  return {
    sizes: entries.map(({ bytes }) => bytes),
    crc: together(entries.map(({ crc }) => crc)),
  };
}

/** The entries in `data`, views on it; null when it is not what was sent. */
export function undivide({ sizes, crc }: Divided, data: Uint8Array): Uint8Array[] | null {
  let at = 0;
  const payloads = sizes.map((size) => {
    at += size;
    return data.subarray(at - size, at);
  });
  const whole = at === data.length && together(payloads.map((each) => crc32(each))) === crc;
  return whole ? payloads : null;
}

function together(crcs: readonly number[]): number {
  const bytes = new DataView(new ArrayBuffer(crcs.length * 4));
  for (const [i, crc] of crcs.entries()) bytes.setUint32(i * 4, crc, true);
  return crc32(new Uint8Array(bytes.buffer));
}

export interface Piece {
  readonly index: number;
  readonly offset: number;
  readonly total: number;
  readonly install: boolean;
  readonly crc: number;
}

/** An entry that comes in pieces, from the first byte on. */
export class Assembly {
  readonly #first: Piece;
  readonly #bytes: Uint8Array;
  #have = 0;

  constructor(first: Piece) {
    this.#first = first;
    this.#bytes = new Uint8Array(first.total);
  }

  /** True when `piece` is the next one and undamaged. */
  add(piece: Piece, data: Uint8Array): boolean {
    const { index, install, total } = this.#first;
    if (piece.index !== index || piece.install !== install || piece.total !== total) return false;
    if (piece.offset !== this.#have || piece.offset + data.length > total) return false;
    if (crc32(data) !== piece.crc) return false;
    this.#bytes.set(data, piece.offset);
    this.#have += data.length;
    return true;
  }

  get complete(): boolean {
    return this.#have === this.#first.total;
  }

  get bundle(): Bundle {
    assert(this.complete, 'an entry is used when all of its pieces are there');
    const { index, install } = this.#first;
    return { index, install, payloads: [this.#bytes] };
  }
}

/** An entry in one piece, without a copy where it is in one. */
export function joined({ parts }: SentEntry): Uint8Array {
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** The pieces of `payload`, none larger than `pieceBytes`. */
export function* piecesOf(
  payload: Uint8Array,
  pieceBytes: number,
): Generator<{ readonly offset: number; readonly data: Uint8Array; readonly crc: number }> {
  for (let offset = 0; offset < payload.length; offset += pieceBytes) {
    const data = payload.subarray(offset, offset + pieceBytes);
    yield { offset, data, crc: crc32(data) };
  }
}
