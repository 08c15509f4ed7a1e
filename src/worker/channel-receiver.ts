/**
 * The consuming end of a channel, as a pure state machine.
 *
 * Invariants
 *   R1  `accepted` never runs ahead of what arrived in order: a block either continues it, lies
 *       below it (a repeat) or is refused as a gap.
 *   R2  `watermark`, what the producer is told, is only what this task has made durable.
 *   R3  Frames of an attempt older than the newest producer attempt ever heard are fenced.
 *   R4  Dedup memory is these two numbers. It is never expired by time or by size.
 *   R5  The end counts when everything before it has been accepted.
 *
 * With at-least-once delivery nobody remembers numbers: a new producer attempt begins wherever its
 * own log says, and so does a consumer that was started again. So the first block (or end) heard of
 * an attempt says where the numbers begin (`restartOnNewEpoch`); with exactly-once they continue.
 */
import { assert, fault } from '../core/index.ts';

/** What to do with a block that arrived. */
export type Admission =
  /** take it, without its first `skip` tuples, which were taken before */
  | { readonly kind: 'accept'; readonly skip: number }
  /** all of it was taken before */
  | { readonly kind: 'repeat' }
  /** something before it is missing: the channel must be opened again */
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'fenced'; readonly newest: number };

export class ChannelReceiver {
  readonly #restartOnNewEpoch: boolean;
  #fromEpoch = 0;
  #watermark: number;
  #accepted: number;
  #lastSeq: number | null = null;
  #endRecorded: boolean;
  #duplicates = 0;
  /** False until the first block or end of an attempt says where its numbers begin. */
  #anchored: boolean;

  constructor(options: { watermark: number; ended: boolean; restartOnNewEpoch: boolean }) {
    this.#watermark = options.watermark;
    this.#accepted = options.watermark;
    this.#endRecorded = options.ended;
    if (options.ended) this.#lastSeq = options.watermark;
    this.#restartOnNewEpoch = options.restartOnNewEpoch;
    this.#anchored = !options.restartOnNewEpoch;
  }

  /** The newest attempt of the producer that was heard; 0 before the first. */
  get fromEpoch(): number {
    return this.#fromEpoch;
  }

  /** Highest number made durable by this task. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Highest number taken in, durable or not. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Tuples dropped because they had been taken before. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** The end has arrived and everything before it has been taken in. */
  get complete(): boolean {
    return this.#lastSeq !== null && this.#accepted === this.#lastSeq;
  }

  /** The end has been made durable by this task. */
  get endRecorded(): boolean {
    return this.#endRecorded;
  }

  /** A producer attempt opens the channel (R3). */
  open(fromEpoch: number): 'ready' | 'fenced' {
    if (fromEpoch < this.#fromEpoch) return 'fenced';
    if (fromEpoch > this.#fromEpoch && this.#restartOnNewEpoch) {
      this.#endRecorded = false;
      this.#watermark = 0;
      this.#accepted = 0;
      this.#lastSeq = null;
      this.#anchored = false;
    }
    this.#fromEpoch = fromEpoch;
    return 'ready';
  }

  /** Decides about `count` tuples numbered from `firstSeq` (R1, R3). */
  admit(fromEpoch: number, firstSeq: number, count: number): Admission {
    if (fromEpoch !== this.#fromEpoch) return { kind: 'fenced', newest: this.#fromEpoch };
    this.#anchor(firstSeq - 1);
    const last = firstSeq + count - 1;
    if (last <= this.#accepted) {
      this.#duplicates += count;
      return { kind: 'repeat' };
    }
    if (firstSeq > this.#accepted + 1) return { kind: 'gap', expected: this.#accepted + 1 };
    const skip = this.#accepted + 1 - firstSeq;
    this.#duplicates += skip;
    this.#accepted = last;
    return { kind: 'accept', skip };
  }

  /**
   * The producer says that `lastSeq` was its last tuple (R5).
   * @throws CHANNEL_DIVERGED when more than that has been consumed
   */
  end(fromEpoch: number, lastSeq: number): 'noted' | 'fenced' | 'gap' {
    if (fromEpoch !== this.#fromEpoch) return 'fenced';
    this.#anchor(lastSeq);
    if (lastSeq > this.#accepted) return 'gap';
    if (lastSeq < this.#accepted) {
      throw fault('CHANNEL_DIVERGED', { consumed: this.#accepted, produced: lastSeq });
    }
    this.#lastSeq = lastSeq;
    return 'noted';
  }

  /**
   * Everything up to `seq` of what `fromEpoch` sent is durable now (R2). When the numbers have
   * started over since, it says nothing about the new ones.
   */
  committed(fromEpoch: number, seq: number): void {
    if (this.#startedOverSince(fromEpoch)) return;
    assert(seq <= this.#accepted, 'only what was accepted is committed');
    if (seq > this.#watermark) this.#watermark = seq;
  }

  /** The end of what `fromEpoch` sent is durable now. */
  endCommitted(fromEpoch: number): void {
    if (this.#startedOverSince(fromEpoch)) return;
    assert(this.complete, 'an end is recorded when it is complete');
    this.#endRecorded = true;
  }

  /** Numbers up to `before` are not owed by the attempt that is heard for the first time. */
  #anchor(before: number): void {
    if (this.#anchored) return;
    this.#anchored = true;
    this.#watermark = before;
    this.#accepted = before;
  }

  #startedOverSince(fromEpoch: number): boolean {
    return this.#restartOnNewEpoch && fromEpoch !== this.#fromEpoch;
  }
}
