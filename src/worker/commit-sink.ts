/**
 * Commit by the append to the destination itself: the last stage of an exactly-once job, when its
 * operator has no state, keeps no log of its own.
 *
 * Invariants
 *   K1  One append carries a batch's lines and, as its meta, everything a successor needs: watermarks
 *       and ends of all producers, counts, the letters of this batch. Effect and progress are one
 *       write.
 *   K2  An append with letters is followed by the next one only when the letters are in the dead
 *       letter file, so only the newest meta can hold letters that are not there. That goes for the
 *       letters of an earlier attempt as well.
 */
import { failpoint } from '../core/index.ts';
import type { FileWriter } from '../hydfs/index.ts';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import { type CommitStrategy, countsAfter, stagedBytes } from './commit-strategy.ts';
import { type DurableCounts, noCounts } from './counts.ts';
import type { DeadLetterPort } from './dead-letters.ts';
import type { StagedBatch, StagedDeath } from './staged-batch.ts';

/** The meta of every append to the destination (K1), as CBOR. */
export interface SinkMeta {
  readonly watermarks: readonly number[];
  readonly ended: readonly boolean[];
  readonly counts: DurableCounts;
  readonly deaths: readonly StagedDeath[];
}

/** What the newest append of this task says; the beginning when there is none. */
export function sinkMetaOf(writer: FileWriter, producers: number): SinkMeta {
  if (writer.position.seq === 0) {
    return {
      watermarks: new Array<number>(producers).fill(0),
      ended: new Array<boolean>(producers).fill(false),
      counts: noCounts,
      deaths: [],
    };
  }
  return decodeCbor(writer.position.meta) as SinkMeta;
}

interface HeldBatch {
  readonly batch: StagedBatch;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class SinkCommit implements CommitStrategy {
  readonly #writer: FileWriter;
  readonly #deadLetters: DeadLetterPort;
  readonly #watermarks: number[];
  readonly #ended: boolean[];
  #counts: DurableCounts;
  #seq: number;
  #pendingBytes = 0;
  /** Letters up to this number must be in the file before the next append (K2). */
  #lettersDue = 0;
  readonly #held: HeldBatch[] = [];

  constructor(options: { writer: FileWriter; meta: SinkMeta; deadLetters: DeadLetterPort }) {
    this.#writer = options.writer;
    this.#deadLetters = options.deadLetters;
    this.#watermarks = [...options.meta.watermarks];
    this.#ended = [...options.meta.ended];
    this.#counts = options.meta.counts;
    this.#lettersDue = options.meta.counts.dead;
    this.#seq = options.writer.position.seq;
  }

  get counts(): DurableCounts {
    return this.#counts;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  commit(batch: StagedBatch): Promise<void> {
    this.#pendingBytes += stagedBytes(batch);
    if (!this.#holding && this.#held.length === 0) return this.#place(batch);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#held.push({ batch, resolve, reject });
    return promise;
  }

  /** The dead letter file has acknowledged (K2). */
  progressed(): void {
    while (!this.#holding) {
      const next = this.#held.shift();
      if (next === undefined) return;
      this.#place(next.batch).then(next.resolve, next.reject);
    }
  }

  get #holding(): boolean {
    return this.#deadLetters.ackedSeq < this.#lettersDue;
  }

  async #place(batch: StagedBatch): Promise<void> {
    this.#counts = countsAfter(this.#counts, batch);
    for (const { producer, lastSeq, ended } of batch.inputs) {
      this.#watermarks[producer] = lastSeq;
      if (ended) this.#ended[producer] = true;
    }
    failpoint('sink.before-append');
    if (batch.deaths.length > 0) this.#lettersDue = this.#counts.dead;
    await this.#append(batch);
    this.#pendingBytes -= stagedBytes(batch);
    failpoint('sink.appended-not-acked');
    for (const death of batch.deaths) this.#deadLetters.write(death);
  }

  #append(batch: StagedBatch): Promise<void> {
    const meta: SinkMeta = {
      watermarks: this.#watermarks,
      ended: this.#ended,
      counts: this.#counts,
      deaths: batch.deaths,
    };
    this.#seq += 1;
    return this.#writer.append({
      seq: this.#seq,
      parts: batch.outputs.map(({ bytes }) => bytes),
      meta: encodeCbor(meta),
    });
  }
}
