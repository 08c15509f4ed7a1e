/**
 * Where the outputs of a task go: another task (through a channel) or an append to a file.
 *
 * Invariants
 *   O1  `place` numbers outputs in commit order; `deliver` hands them on in the same order, after
 *       they are durable, with exactly the numbers they were placed with.
 *   O2  A port keeps what it was given until its receiver has it durably (`ackedSeq`).
 *   O3  A receiver that drops repeats by number makes delivering again harmless.
 */
import { assert, failpoint } from '../core/index.ts';
import type { FileWriter } from '../hydfs/index.ts';
import { ChannelSender } from './channel-sender.ts';

/** The face that commit strategies and tasks see. Numbers count tuples on a channel, appends on a file. */
export interface OutputPort {
  /** The number of the last output placed. */
  readonly placedSeq: number;
  /** Everything up to this number is durable at the receiver. */
  readonly ackedSeq: number;
  readonly keptBytes: number;
  readonly resent: number;
  /** Nothing is owed: all acked, and the end too when `end` was called. */
  readonly settled: boolean;
  /** Resolves when outputs can leave for the first time, or the port has been closed. */
  readonly ready: Promise<void>;
  /** How many numbers an output of `count` tuples takes: a channel counts tuples, a file appends. */
  numbersFor(count: number): number;
  /** Numbers the next output of `count` tuples; returns its first number. */
  place(count: number): number;
  deliver(firstSeq: number, count: number, bytes: Uint8Array): void;
  /** No more outputs. */
  end(): void;
  /** Ends the port's work at once; what it keeps is dropped (it is in the log). */
  close(): void;
}

/** Called by a port when its receiver has acknowledged something, and when it cannot go on. */
export interface PortEvents {
  progressed(): void;
  broken(error: unknown): void;
}

/** A channel to a task; the hub moves what `sender` offers whenever `wake` is called. */
export class ChannelPort implements OutputPort {
  readonly sender: ChannelSender;
  readonly toStage: number;
  readonly toIndex: number;
  readonly #events: PortEvents;
  readonly #ready = Promise.withResolvers<void>();
  #placedSeq: number;
  /** Set by the hub that carries this channel. */
  wake: () => void = () => {};
  detach: () => void = () => {};

  /**
   * @param options.deliveredSeq everything up to this number is at the consumer
   * @param options.placedSeq the last number that earlier attempts placed
   * @param options.consumerRemembers false with at-least-once
   * @param options.makesAgain the producer is a source
   */
  constructor(options: {
    toStage: number;
    toIndex: number;
    deliveredSeq: number;
    placedSeq: number;
    consumerRemembers: boolean;
    makesAgain?: boolean;
    events: PortEvents;
  }) {
    this.toStage = options.toStage;
    this.toIndex = options.toIndex;
    const { deliveredSeq: lastSeq, consumerRemembers, makesAgain = false } = options;
    this.sender = new ChannelSender({ lastSeq, consumerRemembers, makesAgain });
    this.#placedSeq = options.placedSeq;
    this.#events = options.events;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get placedSeq(): number {
    return this.#placedSeq;
  }

  get ackedSeq(): number {
    return this.sender.ackedSeq;
  }

  /** Everything up to this number has arrived, durably or not, from whichever attempt. */
  get takenSeq(): number {
    return this.sender.takenSeq;
  }

  get keptBytes(): number {
    return this.sender.keptBytes;
  }

  get resent(): number {
    return this.sender.resent;
  }

  get settled(): boolean {
    return this.sender.settled && this.sender.nextSeq === this.#placedSeq + 1;
  }

  numbersFor(count: number): number {
    return count;
  }

  place(count: number): number {
    const firstSeq = this.#placedSeq + 1;
    this.#placedSeq += count;
    return firstSeq;
  }

  deliver(firstSeq: number, count: number, bytes: Uint8Array): void {
    const given = this.sender.push(bytes, count);
    assert(given === firstSeq, 'outputs are delivered in the order they were placed');
    this.wake();
  }

  end(): void {
    this.sender.end();
    this.wake();
  }

  /** The hub reports that the consumer takes blocks, or needs none any more. */
  opened(): void {
    this.#ready.resolve();
  }

  /** The hub reports that the consumer has acknowledged. */
  progressed(): void {
    this.#events.progressed();
  }

  /** The hub reports that this attempt must not go on. */
  broken(error: unknown): void {
    this.#events.broken(error);
  }

  close(): void {
    this.detach();
    this.sender.closed();
    this.#ready.resolve();
  }
}

/** Appends to a file as one writer; every delivery is one append. */
export class FilePort implements OutputPort {
  readonly #writer: FileWriter;
  readonly #events: PortEvents;
  readonly #perAppend: string | null;
  readonly ready: Promise<void> = Promise.resolve();
  #placedSeq: number;
  #ackedSeq: number;
  #keptBytes = 0;
  #resent = 0;
  #closed = false;

  /**
   * @param placedSeq the last number ever placed, which may be above what the file holds
   * @param failpointName passed before each append
   */
  constructor(options: {
    writer: FileWriter;
    placedSeq: number;
    events: PortEvents;
    failpointName: string | null;
  }) {
    this.#writer = options.writer;
    this.#events = options.events;
    this.#perAppend = options.failpointName;
    this.#placedSeq = options.placedSeq;
    this.#ackedSeq = options.writer.position.seq;
  }

  get placedSeq(): number {
    return this.#placedSeq;
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  get resent(): number {
    return this.#resent;
  }

  get settled(): boolean {
    return this.#closed || this.#ackedSeq >= this.#placedSeq;
  }

  numbersFor(_count: number): number {
    return 1;
  }

  place(_count: number): number {
    this.#placedSeq += 1;
    return this.#placedSeq;
  }

  deliver(seq: number, _count: number, bytes: Uint8Array): void {
    if (seq <= this.#ackedSeq) {
      this.#resent += 1;
      return;
    }
    this.#keptBytes += bytes.length;
    if (this.#perAppend !== null) failpoint(this.#perAppend);
    this.#writer.append({ seq, parts: [bytes] }).then(
      () => {
        this.#keptBytes -= bytes.length;
        this.#ackedSeq = seq;
        if (!this.#closed) this.#events.progressed();
      },
      (error: unknown) => {
        if (!this.#closed) this.#events.broken(error);
      },
    );
  }

  end(): void {}

  close(): void {
    this.#closed = true;
  }
}
