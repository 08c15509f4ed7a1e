/**
 * One batch on its way through an operator process.
 *
 * 1. `answered <= sent <= count`, counted in inputs, the dead included.
 * 2. A dead input is never sent; when its turn comes it is answered with `filter` here.
 * 3. `sentOffset` is the text offset of input `sent`, so full batches are sent without scanning.
 */
import { assert } from '../core/index.ts';
import type { BatchAnswer, DeadInput, InputBatch } from './types.ts';

const FILTER = Buffer.from('filter\n');
const LF = 10;
/** `key: ...` and `value: ...`. */
const LINES_PER_INPUT = 2;

export class Job {
  readonly text: Buffer;
  readonly count: number;
  /** Place of the first input among all inputs of its lane. */
  base = 0;
  answered = 0;
  sent = 0;
  /** Bytes of the text handed to the present process and not yet answered. */
  inFlightBytes = 0;
  #sentOffset = 0;
  #parts: Uint8Array[] = [];
  #dead: DeadInput[] = [];

  constructor(batch: InputBatch) {
    this.text = Buffer.from(batch.text.buffer, batch.text.byteOffset, batch.text.byteLength);
    this.count = batch.count;
  }

  get isAnswered(): boolean {
    return this.answered === this.count;
  }

  get isSent(): boolean {
    return this.sent === this.count;
  }

  /** How many inputs in a row, from `from` on, are alive. */
  aliveFrom(from: number): number {
    for (const { index } of this.#dead) if (index >= from) return index - from;
    return this.count - from;
  }

  /** The text of the next `n` inputs, which count as sent from now on. */
  send(n: number): Buffer {
    const start = this.#sentOffset;
    this.sent += n;
    this.#sentOffset = this.isSent ? this.text.length : this.#skip(start, n);
    this.inFlightBytes += this.#sentOffset - start;
    return this.text.subarray(start, this.#sentOffset);
  }

  /** Passes over dead inputs that are next to be sent. */
  skipDeadToSend(): void {
    while (!this.isSent && this.aliveFrom(this.sent) === 0) {
      this.#sentOffset = this.#skip(this.#sentOffset, 1);
      this.sent += 1;
    }
  }

  /** Takes the answers of the next `n` inputs. */
  accept(answers: Uint8Array, n: number): void {
    this.#parts.push(answers);
    this.answered += n;
    assert(this.answered <= this.sent, 'only what was sent is answered');
    if (this.answered === this.sent) this.inFlightBytes = 0;
  }

  /** Answers dead inputs whose turn has come. */
  passDead(): void {
    while (!this.isAnswered && this.aliveFrom(this.answered) === 0) {
      if (this.sent === this.answered) this.skipDeadToSend();
      this.accept(FILTER, 1);
    }
  }

  bury(dead: DeadInput): void {
    this.#dead = [...this.#dead, dead].sort((a, b) => a.index - b.index);
  }

  /** The process is gone: what is not answered is to be sent again. */
  rewind(): void {
    this.inFlightBytes = 0;
    this.sent = this.answered;
    this.#sentOffset = this.#skip(0, this.answered);
  }

  /** The process is gone with its state: everything is to be sent again. */
  restart(): void {
    this.answered = 0;
    this.#parts = [];
    this.rewind();
  }

  /** The key line of input `index`, for sentences. */
  keyOf(index: number): string {
    const start = this.#skip(0, index);
    const end = this.text.indexOf(LF, start);
    return this.text.toString('utf8', start, Math.min(end, start + 200)).replace(/^key: /, '');
  }

  result(): BatchAnswer {
    const [first, ...more] = this.#parts;
    const answers = more.length === 0 ? (first ?? new Uint8Array(0)) : Buffer.concat(this.#parts);
    return { answers, dead: this.#dead };
  }

  #skip(from: number, inputs: number): number {
    let at = from;
    for (let line = 0; line < inputs * LINES_PER_INPUT; line++) {
      at = this.text.indexOf(LF, at) + 1;
      assert(at > 0, 'the text of a batch has two lines per input');
    }
    return at;
  }
}
