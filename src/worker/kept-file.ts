/**
 * The inputs of a stateful task, put together in few blocks, in a file beside its log.
 *
 * At a low rate a record of the log holds a tuple or two, and a replay that reads record by record
 * takes far longer than the operator does.
 *
 *   G1  The log is the truth. Each append here repeats the inputs that one part of the log keeps, in
 *       their order, and its meta says which part:
 *         meta = from to                     ; f64 little endian: bytes of the log
 *         data = a record of the log with nothing but `keep`
 *       Parts rise and do not overlap; what lies between them is read from the log.
 *   G2  Only what is durable in the log is repeated. So nothing here is wrong, also when an attempt
 *       wrote it that had been replaced; and it is fenced as the log is, so that parts rise.
 *   G3  Nobody waits for it: when it lags, a replay reads more of the log.
 *   G4  Small blocks are put together as they come, so that none keeps a message in memory that it
 *       is a small part of.
 *   G5  A part that would be hardly fewer blocks is not repeated: at a high rate records are large, and
 *       writing all inputs twice would cost more than it saves.
 */
import { assert } from '../core/index.ts';
import type { FileEntry, FileWriter } from '../hydfs/index.ts';
import { decodeRecord, encodeRecord, mergeBlocks, type WalKeep } from '../kernels/index.ts';
import { BLOCK_BYTES, BLOCK_TUPLES_MAX, decodeBlock } from '../plan/index.ts';

/** A part has so many records, or a little more than so many bytes of blocks. */
export const PART_RECORDS = 1024;
const PART_BYTES = 1024 * 1024;
/** Blocks that are put together at a time (G4). */
const TOGETHER = 64;
/** Blocks that one of a part has to stand for, in the mean (G5). */
const WORTH = 4;

/** A part of the log: bytes from `from` on, before `to`. */
export interface LogPart {
  readonly from: number;
  readonly to: number;
}

export interface KeptFileOptions {
  readonly writer: FileWriter;
  /** Records that begin before this byte of the log are not given to `add`. */
  readonly from: number;
  readonly broken: (error: unknown) => void;
}

export class KeptFile {
  readonly #writer: FileWriter;
  readonly #broken: (error: unknown) => void;
  #seq: number;
  #from: number;
  #to: number;
  #records = 0;
  #blocks = 0;
  #bytes = 0;
  #whole: WalKeep[] = [];
  /** Small blocks behind `#whole`. */
  #small: WalKeep[] = [];
  #smallBytes = 0;
  #smallTuples = 0;

  constructor({ writer, from, broken }: KeptFileOptions) {
    this.#writer = writer;
    this.#broken = broken;
    this.#seq = writer.position.seq;
    this.#from = from;
    this.#to = from;
  }

  /** Takes what the next record keeps, which is durable and ends at byte `to` of the log (G2). */
  add(keep: readonly WalKeep[], to: number): void {
    assert(to >= this.#to, 'records are repeated in the order of the log');
    for (const kept of keep) this.#add(kept);
    this.#records += 1;
    this.#to = to;
    if (this.#records >= PART_RECORDS || this.#bytes >= PART_BYTES) this.#write();
  }

  #add(kept: WalKeep): void {
    const { block, dead } = kept;
    const { count } = decodeBlock(block);
    this.#blocks += 1;
    this.#bytes += block.length;
    const alone = dead.length > 0 || block.length >= BLOCK_BYTES;
    const fits = this.#smallBytes + block.length <= BLOCK_BYTES;
    if (alone || !fits || this.#smallTuples + count > BLOCK_TUPLES_MAX) this.#join();
    if (alone) {
      this.#whole.push(kept);
      return;
    }
    this.#small.push(kept);
    this.#smallBytes += block.length;
    this.#smallTuples += count;
    if (this.#small.length === TOGETHER) this.#join();
  }

  #join(): void {
    const small = this.#small;
    if (small.length === 0) return;
    this.#small = [];
    this.#smallBytes = 0;
    this.#smallTuples = 0;
    const blocks = small.map(({ block, skip }) => ({ bytes: block, skip }));
    this.#whole.push({ block: mergeBlocks({ blocks }), skip: 0, dead: [] });
  }

  #write(): void {
    this.#join();
    const [keep, blocks] = [this.#whole, this.#blocks];
    const part = { from: this.#from, to: this.#to };
    this.#whole = [];
    this.#from = this.#to;
    this.#records = this.#blocks = this.#bytes = 0;
    if (keep.length * WORTH > blocks || keep.length === 0) return;
    this.#seq += 1;
    const parts = encodeRecord({ kind: 'batch', inputs: [], outputs: [], dead: [], keep });
    const append = { seq: this.#seq, parts, meta: encodePart(part) };
    this.#writer.append(append).catch(this.#broken);
  }
}

/** The part of the log that an append repeats; none before the first one. */
export function partOf(meta: Uint8Array): LogPart {
  if (meta.length === 0) return { from: 0, to: 0 };
  assert(meta.length === PART_META_BYTES, 'the meta of a part has one length');
  const view = new DataView(meta.buffer, meta.byteOffset, meta.byteLength);
  return { from: view.getFloat64(0, true), to: view.getFloat64(8, true) };
}

/** The inputs that an append repeats. */
export function inputsOf({ data }: FileEntry): readonly WalKeep[] {
  return decodeRecord(data).keep;
}

const PART_META_BYTES = 16;

function encodePart({ from, to }: LogPart): Uint8Array {
  const bytes = new Uint8Array(PART_META_BYTES);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, from, true);
  view.setFloat64(8, to, true);
  return bytes;
}
