/**
 * The receiving side of a task: the channels from all its producers, and the blocks that wait.
 *
 * Invariants
 *   I1  Blocks of one producer leave in the order of their numbers; between producers, in the order
 *       of arrival.
 *   I2  What waits is bounded by the credit granted to the producers: a fixed share of
 *       `INBOX_BYTES` each, counted from sending to durability.
 *   I3  An end leaves after the last block of its producer.
 *   I4  Acks say only what `committed` was told. Several in one turn of the event loop go as one.
 */
import type { MergePart } from '../kernels/index.ts';
import { BLOCK_BYTES, BLOCK_TUPLES_MAX } from '../plan/index.ts';
import { ChannelReceiver } from './channel-receiver.ts';
import type { ConsumedInput } from './staged-batch.ts';

/** Bytes on the way to one task, over all its producers. */
export const INBOX_BYTES = 8 * 1024 * 1024;
/** What waits goes through the operator and into the log together, up to this much. */
const BATCH_BYTES = 4 * BLOCK_BYTES;
/** The least that one producer may have on the way: four blocks. */
const CREDIT_BYTES_MIN = 4 * BLOCK_BYTES;

/** How the inbox answers one producer; made by the hub for each opening of the channel. */
export interface InboundLink {
  /** `taken`: what was taken in, durable or not. */
  ready(watermark: number, credit: number, taken: number): void;
  ack(seq: number, credit: number): void;
  endAck(): void;
  fenced(newest: number): void;
  /** The numbers do not continue: the producer must open the channel again. */
  reset(): void;
}

/** Blocks that go through the operator together. */
export interface InputBatch {
  readonly blocks: readonly MergePart[];
  readonly inputs: readonly ConsumedInput[];
  readonly tuples: number;
  readonly bytes: number;
}

interface QueuedBlock {
  readonly kind: 'block';
  readonly producer: number;
  readonly fromEpoch: number;
  readonly lastSeq: number;
  readonly bytes: Uint8Array;
  /** leading tuples that are not to be taken (any more) */
  skip: number;
  /** tuples that are left */
  tuples: number;
}

interface QueuedEnd {
  readonly kind: 'end';
  readonly producer: number;
  readonly fromEpoch: number;
  readonly lastSeq: number;
}

interface Producer {
  readonly receiver: ChannelReceiver;
  link: InboundLink | null;
  ackDue: boolean;
}

export interface InboxOptions {
  readonly watermarks: readonly number[];
  readonly ended: readonly boolean[];
  /** at-least-once: a new producer attempt numbers from 1 again */
  readonly restartOnNewEpoch: boolean;
  /** called when there may be something to take */
  readonly arrived: () => void;
  /** the first `count` tuples of a block had been taken before */
  readonly rejected?: (block: Uint8Array, count: number) => void;
  /** called when a producer says what cannot be true */
  readonly broken: (error: unknown) => void;
}

export class Inbox {
  readonly #producers: Producer[];
  readonly #credit: number;
  readonly #arrived: () => void;
  readonly broken: (error: unknown) => void;
  readonly #rejected: (block: Uint8Array, count: number) => void;
  #queue: (QueuedBlock | QueuedEnd)[] = [];
  #head = 0;
  #flushScheduled = false;
  #firstBlockSeen = false;

  constructor(options: InboxOptions) {
    this.#producers = options.watermarks.map((watermark, i) => ({
      receiver: new ChannelReceiver({
        watermark,
        ended: options.ended[i],
        restartOnNewEpoch: options.restartOnNewEpoch,
      }),
      link: null,
      ackDue: false,
    }));
    this.#credit = Math.max(
      CREDIT_BYTES_MIN,
      Math.floor(INBOX_BYTES / Math.max(1, this.#producers.length)),
    );
    this.#arrived = options.arrived;
    this.broken = options.broken;
    this.#rejected = options.rejected ?? (() => undefined);
  }

  /** Every producer has ended and all of that is durable. */
  get finished(): boolean {
    return this.#producers.every(({ receiver }) => receiver.endRecorded);
  }

  /** Nothing waits to be taken. */
  get empty(): boolean {
    return this.#head === this.#queue.length;
  }

  get duplicates(): number {
    let sum = 0;
    for (const { receiver } of this.#producers) sum += receiver.duplicates;
    return sum;
  }

  /** True once any block has been taken in. */
  get started(): boolean {
    return this.#firstBlockSeen;
  }

  /**
   * A producer attempt opens its channel over `link`; false when a newer one has taken over, whose
   * channel then stays as it is.
   */
  open(producer: number, fromEpoch: number, link: InboundLink): boolean {
    const entry = this.#producers[producer];
    if (entry.receiver.open(fromEpoch) === 'fenced') {
      link.fenced(entry.receiver.fromEpoch);
      return false;
    }
    entry.link = link;
    link.ready(entry.receiver.watermark, this.#credit, entry.receiver.accepted);
    return true;
  }

  /** A block arrived over `link`. */
  data(
    producer: number,
    link: InboundLink,
    frame: { fromEpoch: number; firstSeq: number; count: number; block: Uint8Array },
  ): void {
    const { receiver } = this.#producers[producer];
    const admission = receiver.admit(frame.fromEpoch, frame.firstSeq, frame.count);
    if (admission.kind === 'fenced') return link.fenced(admission.newest);
    if (admission.kind === 'gap') return link.reset();
    if (admission.kind === 'repeat') return this.#rejected(frame.block, frame.count);
    if (admission.skip > 0) this.#rejected(frame.block, admission.skip);
    this.#firstBlockSeen = true;
    this.#queue.push({
      kind: 'block',
      producer,
      fromEpoch: frame.fromEpoch,
      lastSeq: frame.firstSeq + frame.count - 1,
      bytes: frame.block,
      skip: admission.skip,
      tuples: frame.count - admission.skip,
    });
    this.#arrived();
  }

  /** A producer says over `link` that `lastSeq` was its last tuple. */
  end(producer: number, link: InboundLink, fromEpoch: number, lastSeq: number): void {
    const { receiver } = this.#producers[producer];
    if (receiver.endRecorded) return link.endAck();
    const alreadyComplete = receiver.complete;
    const outcome = receiver.end(fromEpoch, lastSeq);
    if (outcome === 'fenced') return link.fenced(receiver.fromEpoch);
    if (outcome === 'gap') return link.reset();
    if (alreadyComplete) return; // it waits in the queue or in a commit, and is acked from there
    this.#queue.push({ kind: 'end', producer, fromEpoch, lastSeq });
    this.#arrived();
  }

  /** The connection under `link` is gone. */
  lost(producer: number, link: InboundLink): void {
    const entry = this.#producers[producer];
    if (entry.link === link) entry.link = null;
  }

  /**
   * The next blocks to run, up to `BATCH_BYTES` and `tuplesMax` tuples together; a block with more
   * tuples than that is taken piece by piece (I1, I3).
   */
  take(tuplesMax: number): InputBatch | null {
    if (this.empty) return null;
    const batch = new GrowingBatch(Math.min(tuplesMax, BLOCK_TUPLES_MAX));
    while (this.#head < this.#queue.length) {
      const item = this.#queue[this.#head];
      if (item.kind === 'block' && !batch.add(item)) break;
      if (item.kind === 'end') batch.end(item);
      this.#head += 1;
    }
    this.#forget();
    return batch;
  }

  /** The batch with these inputs is durable: producers may be told (R2, I4). */
  committed(inputs: readonly ConsumedInput[]): void {
    for (const { producer, fromEpoch, lastSeq, ended } of inputs) {
      const entry = this.#producers[producer];
      entry.receiver.committed(fromEpoch, lastSeq);
      if (ended) entry.receiver.endCommitted(fromEpoch);
      entry.ackDue = true;
    }
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => this.#flushAcks());
  }

  #flushAcks(): void {
    this.#flushScheduled = false;
    for (const entry of this.#producers) {
      if (!entry.ackDue) continue;
      entry.ackDue = false;
      entry.link?.ack(entry.receiver.watermark, this.#credit);
      if (entry.receiver.endRecorded) entry.link?.endAck();
    }
  }

  #forget(): void {
    if (this.empty) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > 256 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

/** A batch while it is put together. */
class GrowingBatch implements InputBatch {
  readonly blocks: MergePart[] = [];
  readonly inputs: ConsumedInput[] = [];
  tuples = 0;
  bytes = 0;
  readonly #tuplesMax: number;

  constructor(tuplesMax: number) {
    this.#tuplesMax = tuplesMax;
  }

  /** Adds what fits of `item`; false when something of it stays behind. */
  add(item: QueuedBlock): boolean {
    const full = this.bytes > 0 && this.bytes + item.bytes.length > BATCH_BYTES;
    const taken = full ? 0 : Math.min(item.tuples, this.#tuplesMax - this.tuples);
    if (taken === 0) return false;
    const left = item.tuples - taken;
    const until = item.skip + taken;
    this.blocks.push({ bytes: item.bytes, skip: item.skip, ...(left > 0 ? { until } : {}) });
    this.#consumed(item, item.lastSeq - left, false);
    this.tuples += taken;
    this.bytes += Math.ceil((item.bytes.length * taken) / until);
    item.skip += taken;
    item.tuples = left;
    return left === 0;
  }

  end(item: QueuedEnd): void {
    this.#consumed(item, item.lastSeq, true);
  }

  #consumed(item: QueuedBlock | QueuedEnd, lastSeq: number, ended: boolean): void {
    this.inputs.push({ producer: item.producer, fromEpoch: item.fromEpoch, lastSeq, ended });
  }
}
