/**
 * The producing end of a channel, as a pure state machine.
 *
 * A channel carries the tuples of one producer task to one consumer task, numbered 1, 2, 3, ...
 * The sender keeps every block until the consumer has acknowledged it durably, and knows how much
 * of what it keeps the consumer is willing to have on the way.
 *
 * Invariants
 *   S1  Blocks are kept in order of sequence number, without gaps, from the first one not acked.
 *   S2  A block leaves only through `take` while the channel is open, and never beyond the credit,
 *       except that one block may always be under way: a block larger than the window must pass.
 *   S3  Opening the channel again starts over at the consumer's watermark: everything above it is
 *       sent again, with the same numbers and the same bytes.
 *   S4  What an older attempt of the consumer says after a newer one opened changes nothing.
 *   S5  The end follows the last block, is sent again after each opening, and is done only when
 *       the consumer said so.
 *   S6  A consumer that keeps a log never stands below what it has acknowledged: one that does has
 *       lost data, which is told and never waited out.
 *   S7  A producer without a log of its outputs makes them again, the same ones with the same
 *       numbers: what the consumer has of them is passed over as it is made.
 *   S8  It may not end before what the consumer has taken in from any attempt, durable or not
 *       (`takenSeq`): that much it makes again first.
 */
import { assert, fault } from '../core/index.ts';

/** A block on its way: `count` tuples numbered from `firstSeq`. */
export interface OutgoingBlock {
  readonly firstSeq: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

type Phase =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly toEpoch: number; credit: number; endSent: boolean };

/** What may be sent next. */
export type SendStep =
  | { readonly kind: 'data'; readonly block: OutgoingBlock }
  | { readonly kind: 'end'; readonly lastSeq: number };

export interface ChannelSenderOptions {
  /** the number of the last tuple given to this channel before now; the consumer has all of them */
  readonly lastSeq?: number;
  /** false with at-least-once, where a consumer starts with no memory (S6) */
  readonly consumerRemembers?: boolean;
  /** the producer is a source, which reads its tuples again (S7) */
  readonly makesAgain?: boolean;
}

export class ChannelSender {
  #phase: Phase = { kind: 'closed' };
  #newestConsumer = 0;
  /** What an attempt of the consumer said that it had taken in, before it opened. */
  #announced = { byEpoch: 0, seq: 0 };
  /** The same of the attempt that opened last. */
  #takenSeq = 0;
  readonly #kept: OutgoingBlock[] = [];
  #head = 0; // index in #kept of the first block not acked
  #next = 0; // index in #kept of the first block not sent since the channel opened
  #nextSeq: number;
  #ackedSeq: number;
  #keptBytes = 0;
  #flyingBytes = 0;
  #end: 'none' | 'wanted' | 'acked' = 'none';
  #resent = 0;
  #highestSent = 0;
  readonly #consumerRemembers: boolean;
  readonly #makesAgain: boolean;
  #consumerDone = false;

  constructor(options: ChannelSenderOptions = {}) {
    const { lastSeq = 0, consumerRemembers = true, makesAgain = false } = options;
    this.#consumerRemembers = consumerRemembers;
    this.#makesAgain = makesAgain;
    this.#nextSeq = lastSeq + 1;
    this.#ackedSeq = lastSeq;
  }

  /** The number that the next tuple will get. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Every tuple up to this number is durable at the consumer. */
  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /** Every tuple up to this number is at the consumer, durable or not, since it opened (S8). */
  get takenSeq(): number {
    return Math.max(this.#takenSeq, this.#ackedSeq);
  }

  /** Bytes kept because they are not acked. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Tuples sent more than once so far. */
  get resent(): number {
    return this.#resent;
  }

  /** True when nothing is owed to the consumer: all acked, and the end too if there was one. */
  get settled(): boolean {
    return this.#head === this.#kept.length && this.#end !== 'wanted';
  }

  /** Adds a block; its tuples get the next numbers. Returns the first of them. */
  push(bytes: Uint8Array, count: number): number {
    assert(this.#end === 'none', 'no block follows the end of a channel');
    assert(count > 0, 'a block holds at least one tuple');
    const firstSeq = this.#nextSeq;
    this.#nextSeq += count;
    if (this.#consumerDone) this.#ackedSeq = this.#nextSeq - 1;
    if (firstSeq + count - 1 <= this.#ackedSeq) return firstSeq; // made again, and there already (S7)
    this.#kept.push({ firstSeq, count, bytes });
    this.#keptBytes += bytes.length;
    return firstSeq;
  }

  /**
   * Says that no further block comes.
   * @throws CHANNEL_DIVERGED when the consumer has consumed more than was made again (S7)
   */
  end(): void {
    this.#refuseBeyondProduced(this.#ackedSeq);
    if (this.#end === 'none') this.#end = this.#consumerDone ? 'acked' : 'wanted';
  }

  /**
   * The consumer's attempt `toEpoch` accepts blocks above `watermark` (S3).
   * False when a newer attempt has been heard: this one is to be left alone (S4).
   * @throws CHANNEL_DIVERGED when it has consumed what was never produced
   * @throws CHANNEL_FORGOTTEN when it has lost what it had acknowledged (S6)
   */
  opened(toEpoch: number, watermark: number, credit: number): boolean {
    if (toEpoch < this.#newestConsumer) return false;
    this.#mustKnow(watermark);
    if (this.#consumerRemembers && watermark < this.#ackedSeq) {
      throw fault('CHANNEL_FORGOTTEN', { consumed: watermark, acked: this.#ackedSeq });
    }
    this.#newestConsumer = toEpoch;
    this.#takenSeq = this.#announced.byEpoch === toEpoch ? this.#announced.seq : 0;
    this.#drop(watermark);
    this.#next = this.#head;
    this.#flyingBytes = 0;
    this.#phase = { kind: 'open', toEpoch, credit, endSent: false };
    return true;
  }

  /** The consumer's attempt `toEpoch`, which is about to open, has taken in everything up to `seq`. */
  taken(toEpoch: number, seq: number): void {
    this.#announced = { byEpoch: toEpoch, seq };
  }

  /** The connection is gone; blocks wait for the next opening. */
  closed(): void {
    this.#phase = { kind: 'closed' };
  }

  /**
   * The consumer holds everything up to `seq` durably and grants `credit` bytes on the way.
   * @throws CHANNEL_DIVERGED
   */
  acked(toEpoch: number, seq: number, credit: number): void {
    if (this.#phase.kind !== 'open' || this.#phase.toEpoch !== toEpoch) return;
    this.#mustKnow(seq);
    this.#phase.credit = credit;
    this.#drop(seq);
  }

  /** The consumer has recorded the end, and so everything before it. */
  endAcked(): void {
    if (this.#end !== 'wanted') return;
    this.#drop(this.#nextSeq - 1);
    this.#end = 'acked';
  }

  /**
   * The consumer task is finished for good: nothing is owed to it any more, neither what was pushed
   * nor what a source that reads again is still going to push.
   */
  consumerFinished(): void {
    this.#consumerDone = true;
    this.#drop(this.#nextSeq - 1);
    if (this.#end === 'wanted') this.#end = 'acked';
    this.#phase = { kind: 'closed' };
  }

  /** The next thing to send now, or null when closed, out of credit or out of work (S2, S5). */
  take(): SendStep | null {
    const phase = this.#phase;
    if (phase.kind !== 'open') return null;
    if (this.#next < this.#kept.length) {
      const block = this.#kept[this.#next];
      const fits = this.#flyingBytes + block.bytes.length <= phase.credit;
      if (!fits && this.#flyingBytes > 0) return null;
      this.#next += 1;
      this.#flyingBytes += block.bytes.length;
      this.#countResent(block);
      return { kind: 'data', block };
    }
    if (this.#end === 'wanted' && !phase.endSent) {
      phase.endSent = true;
      return { kind: 'end', lastSeq: this.#nextSeq - 1 };
    }
    return null;
  }

  #mustKnow(seq: number): void {
    if (!this.#makesAgain) this.#refuseBeyondProduced(seq);
  }

  #refuseBeyondProduced(seq: number): void {
    if (seq >= this.#nextSeq) {
      throw fault('CHANNEL_DIVERGED', { consumed: seq, produced: this.#nextSeq - 1 });
    }
  }

  #countResent(block: OutgoingBlock): void {
    const last = block.firstSeq + block.count - 1;
    if (last <= this.#highestSent) this.#resent += block.count;
    else this.#highestSent = last;
  }

  #drop(seq: number): void {
    if (seq <= this.#ackedSeq) return;
    this.#ackedSeq = seq;
    while (this.#head < this.#kept.length) {
      const block = this.#kept[this.#head];
      if (block.firstSeq + block.count - 1 > seq) break;
      this.#keptBytes -= block.bytes.length;
      if (this.#head < this.#next) this.#flyingBytes -= block.bytes.length;
      this.#head += 1;
    }
    if (this.#next < this.#head) this.#next = this.#head;
    this.#compact();
  }

  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#kept.length) return;
    this.#kept.splice(0, this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }
}
