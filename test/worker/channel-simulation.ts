/**
 * A seeded world around one channel: the shipped sender and receiver, a producer with a log, a
 * consumer with a durable watermark, and a wire that delays and breaks. Either end may crash at any
 * step and come back from what was durable.
 *
 * The oracle is the list of numbers whose effect the consumer has made durable: it must be 1, 2, 3,
 * ... without repeats or gaps, and complete in the end.
 */
import { between, type Random, seededRandom } from '../../src/core/index.ts';
import { ChannelReceiver } from '../../src/worker/channel-receiver.ts';
import { ChannelSender } from '../../src/worker/channel-sender.ts';

const CREDIT = 40;
const STEPS_MAX = 20_000;

type Frame =
  | { kind: 'open'; fromEpoch: number }
  | { kind: 'ready'; toEpoch: number; watermark: number }
  | { kind: 'data'; fromEpoch: number; toEpoch: number; firstSeq: number; payload: Uint8Array }
  | { kind: 'end'; fromEpoch: number; toEpoch: number; lastSeq: number }
  | { kind: 'ack'; toEpoch: number; seq: number }
  | { kind: 'end-ack' };

/** Deliberate mistakes, to show that the oracle would notice them. */
export interface Plants {
  /** the consumer forgets its watermark when it restarts */
  readonly forgetWatermark?: boolean;
  /** the consumer acks what it has accepted, before it is durable */
  readonly ackBeforeDurable?: boolean;
  /** the consumer takes repeated tuples again */
  readonly noDedup?: boolean;
  /** the producer restarts its numbers */
  readonly renumber?: boolean;
  /** the producer does not send again what was unacked when it crashed */
  readonly noReplay?: boolean;
}

export interface Outcome {
  /** tuple values in the order in which they became durable */
  readonly effects: readonly number[];
  readonly total: number;
  readonly finished: boolean;
  readonly crashes: number;
  readonly breaks: number;
}

/**
 * Runs one seed to its end. Odd seeds have a producer with a log of its outputs, even ones a source,
 * which makes its tuples again from a position that everybody had acknowledged.
 */
export function simulateChannel(seed: number, plants: Plants = {}): Outcome {
  return new World(seededRandom(seed), plants, seed % 2 === 0).run();
}

/** One block is `count` tuples: the values from `first` on, one byte of payload each. */
function blockOf(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(4 + count);
  new DataView(bytes.buffer).setUint32(0, first);
  return bytes;
}

class World {
  readonly #random: Random;
  readonly #plants: Plants;
  readonly #isSource: boolean;
  readonly #total: number;
  #crashes = 0;
  #breaks = 0;
  // producer: the log holds every block ever placed
  readonly #log: { firstSeq: number; count: number; bytes: Uint8Array }[] = [];
  #produced = 0;
  #producerEpoch = 1;
  #sender = new ChannelSender();
  #acked = 0;
  // consumer
  #consumerEpoch = 1;
  #receiver = this.#newReceiver(0, false);
  #durableWatermark = 0;
  #durableEnd = false;
  #pending: { last: number; values: number[]; end: boolean }[] = [];
  readonly #effects: number[] = [];
  // wire
  #forward: Frame[] = [];
  #backward: Frame[] = [];

  constructor(random: Random, plants: Plants, isSource: boolean) {
    this.#isSource = isSource;
    this.#random = random;
    this.#plants = plants;
    this.#total = between(random, 1, 200);
  }

  run(): Outcome {
    this.#forward.push({ kind: 'open', fromEpoch: this.#producerEpoch });
    let steps = 0;
    while (!this.#done() && steps < STEPS_MAX) {
      steps += 1;
      this.#step(steps > STEPS_MAX / 2);
    }
    return {
      effects: this.#effects,
      total: this.#total,
      finished: this.#done(),
      crashes: this.#crashes,
      breaks: this.#breaks,
    };
  }

  #done(): boolean {
    return this.#produced === this.#total && this.#durableEnd && this.#sender.settled;
  }

  #step(calm: boolean): void {
    const dice = between(this.#random, 0, 100);
    if (!calm && dice < 2) return this.#crashConsumer();
    if (!calm && dice < 4) return this.#crashProducer();
    if (!calm && dice < 7) return this.#breakWire();
    if (dice < 30) return this.#produce();
    if (dice < 55) return this.#deliver(this.#forward, (frame) => this.#consume(frame));
    if (dice < 80) return this.#deliver(this.#backward, (frame) => this.#hear(frame));
    this.#makeDurable();
  }

  #deliver(queue: Frame[], take: (frame: Frame) => void): void {
    const frame = queue.shift();
    if (frame !== undefined) take(frame);
  }

  #produce(): void {
    if (this.#produced < this.#total) {
      const count = Math.min(between(this.#random, 1, 9), this.#total - this.#produced);
      const bytes = blockOf(this.#produced, count);
      const firstSeq = this.#sender.push(bytes, count);
      this.#log.push({ firstSeq, count, bytes });
      this.#produced += count;
      if (this.#produced === this.#total) this.#sender.end();
    }
    this.#pump();
  }

  #pump(): void {
    for (let step = this.#sender.take(); step !== null; step = this.#sender.take()) {
      const epochs = { fromEpoch: this.#producerEpoch, toEpoch: this.#heardEpoch };
      if (step.kind === 'end')
        this.#forward.push({ kind: 'end', ...epochs, lastSeq: step.lastSeq });
      else {
        const { firstSeq, bytes } = step.block;
        this.#forward.push({ kind: 'data', ...epochs, firstSeq, payload: bytes });
      }
    }
  }

  #heardEpoch = 0;

  #consume(frame: Frame): void {
    if (frame.kind === 'open') {
      if (this.#receiver.open(frame.fromEpoch) === 'fenced') return;
      const { watermark } = this.#receiver;
      this.#backward.push({ kind: 'ready', toEpoch: this.#consumerEpoch, watermark });
    } else if (frame.kind === 'data' && frame.toEpoch === this.#consumerEpoch) {
      this.#take(frame.fromEpoch, frame.firstSeq, frame.payload);
    } else if (frame.kind === 'end' && frame.toEpoch === this.#consumerEpoch) {
      if (this.#receiver.endRecorded) this.#backward.push({ kind: 'end-ack' });
      else if (this.#receiver.end(frame.fromEpoch, frame.lastSeq) === 'noted') {
        this.#pending.push({ last: frame.lastSeq, values: [], end: true });
      }
    }
  }

  #take(fromEpoch: number, firstSeq: number, payload: Uint8Array): void {
    const count = payload.length - 4;
    const first = new DataView(payload.buffer).getUint32(0);
    const admission = this.#receiver.admit(fromEpoch, firstSeq, count);
    const again = this.#plants.noDedup === true && admission.kind === 'repeat';
    if (admission.kind === 'gap') return this.#breakWire();
    if (admission.kind !== 'accept' && !again) return;
    const skip = admission.kind === 'accept' && this.#plants.noDedup !== true ? admission.skip : 0;
    const values = Array.from({ length: count - skip }, (_, i) => first + skip + i);
    const last = Math.max(firstSeq + count - 1, this.#pending.at(-1)?.last ?? 0);
    this.#pending.push({ last, values, end: false });
    if (this.#plants.ackBeforeDurable) {
      this.#backward.push({
        kind: 'ack',
        toEpoch: this.#consumerEpoch,
        seq: this.#receiver.accepted,
      });
    }
  }

  /** One write makes some of what waits durable: effects and watermark together. */
  #makeDurable(): void {
    const batch = this.#pending.splice(0, between(this.#random, 1, 4));
    for (const { last, values, end } of batch) {
      this.#effects.push(...values);
      this.#durableWatermark = Math.max(this.#durableWatermark, last);
      this.#receiver.committed(this.#receiver.fromEpoch, last);
      if (end && !this.#durableEnd) {
        this.#durableEnd = true;
        this.#receiver.endCommitted(this.#receiver.fromEpoch);
        this.#backward.push({ kind: 'end-ack' });
      }
    }
    if (batch.length === 0) return;
    const seq = this.#receiver.watermark;
    this.#backward.push({ kind: 'ack', toEpoch: this.#consumerEpoch, seq });
  }

  #hear(frame: Frame): void {
    if (frame.kind === 'ready') {
      if (this.#sender.opened(frame.toEpoch, frame.watermark, CREDIT))
        this.#heardEpoch = frame.toEpoch;
    } else if (frame.kind === 'ack') {
      this.#sender.acked(frame.toEpoch, frame.seq, CREDIT);
      this.#acked = Math.max(this.#acked, this.#sender.ackedSeq);
    } else if (frame.kind === 'end-ack') this.#sender.endAcked();
    this.#pump();
  }

  #breakWire(): void {
    this.#breaks += 1;
    this.#forward = [];
    this.#backward = [];
    this.#sender.closed();
    this.#forward.push({ kind: 'open', fromEpoch: this.#producerEpoch });
  }

  #crashConsumer(): void {
    this.#crashes += 1;
    this.#consumerEpoch += 1;
    this.#pending = [];
    const watermark = this.#plants.forgetWatermark ? 0 : this.#durableWatermark;
    this.#receiver = this.#newReceiver(watermark, this.#durableEnd);
    this.#breakWire();
  }

  #crashProducer(): void {
    this.#crashes += 1;
    this.#producerEpoch += 1;
    if (this.#isSource && !this.#plants.noReplay) {
      const position = between(this.#random, 0, this.#acked + 1);
      const lastSeq = this.#plants.renumber ? 0 : position;
      this.#sender = new ChannelSender({ lastSeq, makesAgain: true });
      this.#produced = position;
      if (position === this.#total) this.#sender.end();
      return this.#breakWire();
    }
    const unacked = this.#log.filter(({ firstSeq, count }) => firstSeq + count - 1 > this.#acked);
    const before = (unacked.at(0)?.firstSeq ?? this.#produced + 1) - 1;
    if (this.#plants.noReplay) this.#sender = new ChannelSender({ lastSeq: this.#produced });
    else {
      this.#sender = new ChannelSender({ lastSeq: this.#plants.renumber ? 0 : before });
      for (const { bytes, count } of unacked) this.#sender.push(bytes, count);
    }
    if (this.#produced === this.#total) this.#sender.end();
    this.#breakWire();
  }

  #newReceiver(watermark: number, ended: boolean): ChannelReceiver {
    return new ChannelReceiver({ watermark, ended, restartOnNewEpoch: false });
  }
}
