/**
 * Commit by the task's own write-ahead log.
 *
 * Invariants
 *   C1  Nothing of a batch is acked or sent before its record is durable.
 *   C2  Records are placed in batch order, so numbers in the log grow with it.
 *   C3  A successor reads the log from a checkpoint all of whose earlier outputs are acked; every record
 *       says beside it from which. Up to there the log is trimmed, but never when its inputs are
 *       needed to rebuild an operator's state.
 *   C4  What a durable record keeps of its inputs is repeated in few blocks (`kept-file.ts`).
 */
import { failpoint } from '../core/index.ts';
import type { FileSystem, FileWriter } from '../hydfs/index.ts';
import { encodeRecord, type WalRecord } from '../kernels/index.ts';
import { type CommitStrategy, countsAfter, stagedBytes } from './commit-strategy.ts';
import type { DurableCounts } from './counts.ts';
import type { DeadLetterPort } from './dead-letters.ts';
import type { KeptFile } from './kept-file.ts';
import { encodeLogMeta } from './log-meta.ts';
import type { OutputPort } from './output-port.ts';
import type { RecordState, RecoveredTask } from './recovered-task.ts';
import type { StagedBatch, StagedDeath, StagedOutput } from './staged-batch.ts';

/** A checkpoint is written, and the log before it may go, after this much log. */
const CHECKPOINT_BYTES = 8 * 1024 * 1024;
/** Or after this many records: where they are small, it is they that take time to read. */
export const CHECKPOINT_RECORDS = 1024;

interface Checkpoint {
  readonly offset: number;
  readonly placed: readonly number[];
  readonly deaths: number;
}

export interface LogCommitOptions {
  readonly fs: FileSystem;
  readonly writer: FileWriter;
  /** bytes in the log when `writer` was opened */
  readonly length: number;
  readonly recovered: RecoveredTask;
  /** where in the log `recovered` begins */
  readonly from: number;
  readonly ports: readonly OutputPort[];
  readonly deadLetters: DeadLetterPort;
  /** Where the log's inputs are an operator's state: what repeats them. Such a log is not trimmed. */
  readonly kept: KeptFile | null;
  /** trimming is a background job; its failure ends the attempt */
  readonly broken: (error: unknown) => void;
}

export class LogCommit implements CommitStrategy {
  readonly #options: LogCommitOptions;
  readonly #watermarks: number[];
  readonly #ended: boolean[];
  #counts: DurableCounts;
  #seq: number;
  #offset: number;
  #bytesSince: number;
  #recordsSince: number;
  /** Where a successor has to begin (C3). */
  #from: number;
  #pendingBytes = 0;
  #checkpoints: Checkpoint[] = [];

  constructor(options: LogCommitOptions) {
    this.#options = options;
    this.#watermarks = [...options.recovered.watermarks];
    this.#ended = [...options.recovered.ended];
    this.#counts = options.recovered.counts;
    this.#seq = options.writer.position.seq;
    this.#offset = options.length;
    this.#from = options.from;
    this.#bytesSince = options.length - options.recovered.checkpointAt;
    this.#recordsSince = options.recovered.recordsSince;
  }

  get counts(): DurableCounts {
    return this.#counts;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  async commit(batch: StagedBatch): Promise<void> {
    const isDue = this.#recordsSince >= CHECKPOINT_RECORDS || this.#bytesSince >= CHECKPOINT_BYTES;
    if (isDue) this.#checkpoint();
    this.#counts = countsAfter(this.#counts, batch);
    const firstSeqs = batch.outputs.map(({ port, count }) =>
      this.#options.ports[port].place(count),
    );
    for (const { producer, lastSeq, ended } of batch.inputs) {
      this.#watermarks[producer] = lastSeq;
      if (ended) this.#ended[producer] = true;
    }
    const bytes = stagedBytes(batch);
    this.#pendingBytes += bytes;
    failpoint('task.before-log');
    await this.#append(this.#record(batch, firstSeqs));
    this.#pendingBytes -= bytes;
    failpoint('task.logged-not-acked');
    this.#deliver(batch.outputs, firstSeqs, batch.deaths);
  }

  progressed(): void {
    const free = this.#checkpoints.findLastIndex((checkpoint) => this.#passed(checkpoint));
    if (free < 0) return;
    const { offset } = this.#checkpoints[free];
    this.#checkpoints = this.#checkpoints.slice(free + 1);
    this.#from = offset;
    if (this.#options.kept !== null) return;
    failpoint('task.before-trim');
    this.#options.fs
      .trim(this.#options.writer.name, offset)
      .catch((error: unknown) => this.#options.broken(error));
  }

  #deliver(
    outputs: readonly StagedOutput[],
    firstSeqs: readonly number[],
    deaths: readonly StagedDeath[],
  ): void {
    outputs.forEach(({ port, count, bytes }, i) => {
      this.#options.ports[port].deliver(firstSeqs[i], count, bytes);
    });
    for (const death of deaths) this.#options.deadLetters.write(death);
  }

  #passed(checkpoint: Checkpoint): boolean {
    return (
      this.#options.deadLetters.ackedSeq >= checkpoint.deaths &&
      this.#options.ports.every((port, i) => port.ackedSeq >= checkpoint.placed[i])
    );
  }

  #checkpoint(): void {
    const { ports, broken } = this.#options;
    failpoint('task.before-checkpoint');
    this.#bytesSince = 0;
    this.#recordsSince = 0;
    const placed = ports.map((port) => port.placedSeq);
    this.#checkpoints.push({ offset: this.#offset, placed, deaths: this.#counts.dead });
    const record: WalRecord = {
      kind: 'checkpoint',
      inputs: [],
      outputs: [],
      dead: [],
      keep: [],
      state: this.#state([], {
        watermarks: [...this.#watermarks],
        ended: [...this.#ended],
        placed,
      }),
    };
    this.#append(record).catch(broken);
  }

  #record(batch: StagedBatch, firstSeqs: readonly number[]): WalRecord {
    const ended = batch.inputs.filter((input) => input.ended).map(({ producer }) => producer);
    return {
      kind: 'batch',
      inputs: batch.inputs.map(({ producer, lastSeq }) => ({ producer, seq: lastSeq })),
      outputs: batch.outputs.map(({ port, count, bytes }, i) => ({
        consumer: port,
        firstSeq: firstSeqs[i],
        count: this.#options.ports[port].numbersFor(count),
        block: bytes,
      })),
      dead: batch.deaths,
      keep:
        batch.keep === null ? [] : [{ block: batch.keep.block, skip: 0, dead: batch.keep.dead }],
      state: this.#state(ended, null),
    };
  }

  #state(ended: readonly number[], full: RecordState['full']): RecordState {
    return {
      acked: this.#options.ports.map((port) => port.ackedSeq),
      deadAcked: this.#options.deadLetters.ackedSeq,
      counts: this.#counts,
      ended,
      full,
    };
  }

  async #append(record: WalRecord): Promise<void> {
    const parts = encodeRecord(record);
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    this.#offset += bytes;
    this.#bytesSince += bytes;
    this.#recordsSince += 1;
    this.#seq += 1;
    const end = this.#offset;
    const meta = encodeLogMeta(this.#from);
    await this.#options.writer.append({ seq: this.#seq, parts, meta });
    this.#options.kept?.add(record.keep, end);
  }
}
