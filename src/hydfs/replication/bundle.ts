/**
 * Entries on their way between two replicas: many small ones in one bundle, a large one in pieces.
 * Each entry's CRC-32 is computed once, however many replicas and logs it goes to; a bundle carries the
 * CRC-32 of those. What the receiver computes to compare is what its log writes down.
 */
import { assert, crc32, PieceReader } from '../../core/index.ts';
import { type Payload, payloadOf } from '../../storage/index.ts';

/** Consecutive entries that have come; with `install` the first is a snapshot instead. */
export interface Bundle {
  readonly index: number;
  readonly install: boolean;
  readonly payloads: readonly Payload[];
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

export function divide(entries: readonly Payload[]): Divided {
  return {
    sizes: entries.map(({ bytes }) => bytes),
    crc: together(entries.map(({ crc }) => crc)),
  };
}

/** The entries in `data`, views on it; null when it is not what was sent. */
export function undivide({ sizes, crc }: Divided, data: readonly Uint8Array[]): Payload[] | null {
  const reader = new PieceReader(data);
  const payloads: Payload[] = [];
  for (const size of sizes) {
    if (size > reader.left) return null;
    payloads.push(payloadOf(reader.take(size)));
  }
  const whole = reader.left === 0 && together(payloads.map((each) => each.crc)) === crc;
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
  add(piece: Piece, data: readonly Uint8Array[]): boolean {
    const { index, install, total } = this.#first;
    const { bytes, crc } = payloadOf(data);
    if (piece.index !== index || piece.install !== install || piece.total !== total) return false;
    if (piece.offset !== this.#have || piece.offset + bytes > total) return false;
    if (crc !== piece.crc) return false;
    for (const part of data) {
      this.#bytes.set(part, this.#have);
      this.#have += part.length;
    }
    return true;
  }

  get complete(): boolean {
    return this.#have === this.#first.total;
  }

  get bundle(): Bundle {
    assert(this.complete, 'an entry is used when all of its pieces are there');
    const { index, install } = this.#first;
    return { index, install, payloads: [payloadOf([this.#bytes])] };
  }
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
