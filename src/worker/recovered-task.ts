/**
 * What a task's write-ahead log says about it: a fold over its records.
 *
 * Invariants
 *   L1  A record is the only trace of a batch: inputs consumed, outputs placed, letters written, all
 *       or nothing.
 *   L2  Watermarks, ends and placed numbers never fall; outputs of a port continue one another.
 *   L3  A checkpoint repeats everything that the records before it established, so a log trimmed up
 *       to a checkpoint says the same as a whole one. Before the first checkpoint of a trimmed log
 *       outputs may begin anywhere.
 *   L4  Only outputs above what their receiver was known to hold are kept in memory.
 */
import { assert } from '../core/index.ts';
import type { DeadLetter, WalRecord } from '../kernels/index.ts';
import { type DurableCounts, noCounts } from './counts.ts';

/** An output that may have to be delivered again. */
export interface UnackedOutput {
  readonly firstSeq: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The numbers that every record repeats; plain data, written as CBOR into `WalRecord.state`. */
export interface RecordState {
  /** per port: everything up to this was durable at the receiver when the record was made */
  readonly acked: readonly number[];
  readonly deadAcked: number;
  readonly counts: DurableCounts;
  /** producers whose end this record makes durable */
  readonly ended: readonly number[];
  /** in checkpoints: per producer the watermark, per port the last number placed */
  readonly full: null | {
    readonly watermarks: readonly number[];
    readonly ended: readonly boolean[];
    readonly placed: readonly number[];
  };
}

export class RecoveredTask {
  readonly watermarks: number[];
  readonly ended: boolean[];
  readonly placed: number[];
  readonly acked: number[];
  readonly unacked: UnackedOutput[][];
  letters: { readonly seq: number; readonly letter: DeadLetter }[] = [];
  counts: DurableCounts = noCounts;
  records = 0;
  /** Where in the log the last checkpoint is; where the fold began while there was none. */
  checkpointAt: number;
  /** Records behind it. */
  recordsSince = 0;
  #anchored: boolean;

  /** @param from byte of the log at which the fold begins: 0, or a checkpoint (L3) */
  constructor(options: { producers: number; ports: number; from: number }) {
    this.watermarks = new Array<number>(options.producers).fill(0);
    this.ended = new Array<boolean>(options.producers).fill(false);
    this.placed = new Array<number>(options.ports).fill(0);
    this.acked = new Array<number>(options.ports).fill(0);
    this.unacked = Array.from({ length: options.ports }, () => []);
    this.#anchored = options.from === 0;
    this.checkpointAt = options.from;
  }

  /** True when every producer's end has been recorded. */
  get complete(): boolean {
    return this.ended.every(Boolean);
  }

  /** Takes in the next record of the log, which begins at byte `offset`. */
  fold(record: WalRecord, offset: number): void {
    const state = recordState(record);
    this.records += 1;
    if (record.kind === 'checkpoint') {
      this.checkpointAt = offset;
      this.recordsSince = 0;
    } else this.recordsSince += 1;
    for (const { producer, seq } of record.inputs) this.#consumed(Number(producer), seq);
    for (const producer of state.ended) this.ended[producer] = true;
    for (const output of record.outputs) this.#placed(output);
    record.dead.forEach((letter, i) => {
      this.letters.push({ seq: state.counts.dead - record.dead.length + i + 1, letter });
    });
    if (state.full !== null) this.#checkpoint(state.full);
    this.#acknowledged(state);
    this.counts = state.counts;
  }

  #consumed(producer: number, seq: number): void {
    assert(seq >= this.watermarks[producer], 'a watermark in a task log never falls (L2)');
    this.watermarks[producer] = seq;
  }

  #placed(output: WalRecord['outputs'][number]): void {
    const port = output.consumer;
    assert(
      !this.#anchored || output.firstSeq === this.placed[port] + 1,
      'the outputs of a port continue one another (L2)',
    );
    this.placed[port] = output.firstSeq + output.count - 1;
    this.unacked[port].push({
      firstSeq: output.firstSeq,
      count: output.count,
      bytes: output.block,
    });
  }

  #checkpoint(full: NonNullable<RecordState['full']>): void {
    full.watermarks.forEach((seq, producer) => {
      this.#consumed(producer, seq);
    });
    full.ended.forEach((ended, producer) => {
      if (ended) this.ended[producer] = true;
    });
    full.placed.forEach((seq, port) => {
      assert(!this.#anchored || seq === this.placed[port], 'a checkpoint repeats the log (L3)');
      this.placed[port] = seq;
    });
    this.#anchored = true;
  }

  #acknowledged(state: RecordState): void {
    state.acked.forEach((seq, port) => {
      this.acked[port] = Math.max(this.acked[port], seq);
      const queue = this.unacked[port];
      let drop = 0;
      while (drop < queue.length && lastSeqOf(queue[drop]) <= this.acked[port]) drop += 1;
      if (drop > 0) queue.splice(0, drop);
    });
    this.letters = this.letters.filter(({ seq }) => seq > state.deadAcked);
  }
}

function lastSeqOf(output: UnackedOutput): number {
  return output.firstSeq + output.count - 1;
}

/** The state that a task wrote into `record`. */
export function recordState(record: WalRecord): RecordState {
  assert(record.state !== undefined && record.state !== null, 'a task record carries its state');
  return record.state as RecordState;
}
