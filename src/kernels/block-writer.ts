import { BLOCK_BYTES, BLOCK_TUPLES, encodeBlock } from '../plan/index.ts';
import { ByteSink, type Bytes } from './growable.ts';

/** A finished block for one consumer. */
export interface RoutedBlock {
  readonly consumer: number;
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Scratch kept between blocks, in bytes; a larger one grew for a huge tuple and is given back. */
const SCRATCH_BYTES_KEPT = 2 * BLOCK_BYTES;

/** The columns of a block being filled; used again for block after block. */
export class BlockWriter {
  count = 0;
  readonly #idHi = new Uint32Array(BLOCK_TUPLES);
  readonly #idLo = new Uint32Array(BLOCK_TUPLES);
  readonly #keyEnds = new Uint32Array(BLOCK_TUPLES);
  readonly #valueEnds = new Uint32Array(BLOCK_TUPLES);
  readonly #fanEnds = new Uint32Array(BLOCK_TUPLES);
  readonly #keys = new ByteSink(BLOCK_BYTES);
  readonly #values = new ByteSink(BLOCK_BYTES);
  /** Fan-out paths; append a tuple's steps here before `add`. */
  readonly fan = new ByteSink(64);

  /** True when a tuple of `bytes` more does not belong into this block. */
  isFullFor(bytes: number): boolean {
    if (this.count === BLOCK_TUPLES) return true;
    return this.count > 0 && this.#keys.length + this.#values.length + bytes > BLOCK_BYTES;
  }

  addKey(from: Bytes, at: number, end: number): void {
    this.#keys.append(from, at, end - at);
  }

  addValue(from: Bytes, at: number, end: number): void {
    this.#values.append(from, at, end - at);
  }

  /** Closes the tuple whose key, value and fan path have been added. */
  add(idHi: number, idLo: number): void {
    const i = this.count++;
    this.#idHi[i] = idHi;
    this.#idLo[i] = idLo;
    this.#keyEnds[i] = this.#keys.length;
    this.#valueEnds[i] = this.#values.length;
    this.#fanEnds[i] = this.fan.length;
  }

  /** The block so far, encoded; the writer is empty afterwards. */
  finish(consumer: number): RoutedBlock {
    const { count, fan } = this;
    const bytes = encodeBlock({
      count,
      idHi: this.#idHi,
      idLo: this.#idLo,
      fan:
        fan.length === 0 ? null : { ends: this.#fanEnds, bytes: fan.bytes.subarray(0, fan.length) },
      keyEnds: this.#keyEnds,
      valueEnds: this.#valueEnds,
      keys: this.#keys.bytes.subarray(0, this.#keys.length),
      values: this.#values.bytes.subarray(0, this.#values.length),
    });
    this.reset();
    return { consumer, count, bytes };
  }

  reset(): void {
    this.count = 0;
    this.#keys.reset(SCRATCH_BYTES_KEPT);
    this.#values.reset(SCRATCH_BYTES_KEPT);
    this.fan.reset(SCRATCH_BYTES_KEPT);
  }
}
