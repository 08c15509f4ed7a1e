/**
 * Finds where the answers of a `lines` operator end, in a stream that arrives in any pieces.
 *
 * The grammar is in `answer-grammar.ts`.
 *
 * 1. The n-th answer belongs to the n-th input; nothing in the text says so, so one wrong line makes
 *    everything after it meaningless. Scanning stops for good at the first line that does not fit.
 * 2. Answers complete before that line can still be taken.
 * 3. Each byte is looked at once, however the stream is cut: the search for a newline goes on where
 *    the bytes ended the last time.
 * 4. Nothing is allocated per line or per answer. Bytes are copied twice: in by `push` (the caller
 *    may use its chunk again), out by `takeUpTo` (the result can be transferred).
 * 5. A line longer than `ANSWER_LINE_BYTES_MAX` is a mismatch, so a program that never ends its line
 *    cannot exhaust memory.
 */
import { assert, spareBytes } from '../core/index.ts';
import {
  ANSWER_LINE_BYTES_MAX,
  answerStep,
  EXPECT_EMIT_VALUE,
  EXPECT_VERB,
  newlineFrom,
  quoteLine,
} from './answer-grammar.ts';

const BUFFER_BYTES_MIN = 64 * 1024;
/** An empty buffer larger than this is given back: one huge value is not paid for ever. */
const BUFFER_BYTES_KEPT = 4 * 1024 * 1024;

/** The line that broke the protocol, and which answer (from 0) it was found in. */
export interface AnswerMismatch {
  readonly answer: number;
  readonly line: string;
}

/** Counts and cuts answers; one per operator process. */
export class AnswerScanner {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES_MIN);
  #view = new DataView(this.#buffer.buffer);
  /** Stream offset of `#buffer[0]`. */
  #base = 0;
  /** Buffer offsets: first byte not taken, start of the current line, where to search on, end. */
  #start = 0;
  #line = 0;
  #search = 0;
  #end = 0;
  #expect: number = EXPECT_VERB;
  /** Stream offsets of the ends of the answers `#taken`, `#taken + 1`, ... */
  #ends = new Float64Array(1024);
  #endsHead = 0;
  #endsTail = 0;
  #taken = 0;
  #mismatch: AnswerMismatch | null = null;

  /** Complete answers seen since the beginning, taken or not. */
  get answered(): number {
    return this.#taken + (this.#endsTail - this.#endsHead);
  }

  /** The first line that is not an answer, once seen; the stream is of no use after it. */
  get mismatch(): AnswerMismatch | null {
    return this.#mismatch;
  }

  /** Bytes held: answers not taken yet, and the beginning of the next one. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Adds the next piece of the stream (copied). Ignored after a mismatch. */
  push(chunk: Uint8Array): void {
    if (this.#mismatch !== null || chunk.length === 0) return;
    this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
    this.#scan();
  }

  /**
   * The bytes of the answers from the last one taken up to `n` (cumulative, exclusive), in a buffer
   * of their own that may be given to `spareBytes`; null when they have not all arrived.
   */
  takeUpTo(n: number): Uint8Array<ArrayBuffer> | null {
    const count = n - this.#taken;
    assert(count >= 0, 'answers are taken once, in order');
    if (count > this.#endsTail - this.#endsHead) return null;
    if (count === 0) return new Uint8Array(0);
    this.#endsHead += count;
    this.#taken = n;
    const end = this.#ends[this.#endsHead - 1] - this.#base;
    const bytes = spareBytes.take(end - this.#start);
    bytes.set(this.#buffer.subarray(this.#start, end));
    this.#start = end;
    if (this.#endsHead === this.#endsTail) this.#endsHead = this.#endsTail = 0;
    if (this.#start === this.#end) this.#rewind();
    return bytes;
  }

  #scan(): void {
    const bytes = this.#buffer;
    const view = this.#view;
    const end = this.#end;
    let line = this.#line;
    let search = this.#search;
    let expect = this.#expect;
    for (;;) {
      const newline = newlineFrom(bytes, view, search, end);
      const length = (newline < 0 ? end : newline) - line;
      if (length > ANSWER_LINE_BYTES_MAX) {
        this.#refuse(line, length);
        return;
      }
      if (newline < 0) break;
      const next = answerStep(expect, bytes, line, length);
      if (next < 0) {
        this.#refuse(line, length);
        return;
      }
      search = line = newline + 1;
      if (next === EXPECT_VERB && expect !== EXPECT_EMIT_VALUE) this.#complete(line);
      expect = next;
    }
    this.#line = line;
    this.#search = end;
    this.#expect = expect;
  }

  #complete(end: number): void {
    if (this.#endsTail === this.#ends.length) this.#makeRoomForEnds();
    this.#ends[this.#endsTail++] = this.#base + end;
  }

  #refuse(at: number, length: number): void {
    this.#mismatch = { answer: this.answered, line: quoteLine(this.#buffer, at, length) };
  }

  #makeRoomForEnds(): void {
    const live = this.#ends.subarray(this.#endsHead, this.#endsTail);
    const roomy = live.length * 2 <= this.#ends.length;
    const target = roomy ? this.#ends : new Float64Array(this.#ends.length * 2);
    target.set(live);
    this.#ends = target;
    this.#endsTail -= this.#endsHead;
    this.#endsHead = 0;
  }

  #makeRoom(extra: number): void {
    if (this.#end + extra <= this.#buffer.length) return;
    const live = this.#end - this.#start;
    const roomy = (live + extra) * 2 <= this.#buffer.length;
    const target = roomy
      ? this.#buffer
      : Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2((live + extra) * 2)));
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#use(target);
    this.#shift(this.#start);
  }

  #rewind(): void {
    this.#shift(this.#start);
    if (this.#buffer.length > BUFFER_BYTES_KEPT) {
      this.#use(Buffer.allocUnsafeSlow(BUFFER_BYTES_MIN));
    }
  }

  #use(buffer: Buffer<ArrayBuffer>): void {
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }

  /** The byte at `by` is now at the front of the buffer. */
  #shift(by: number): void {
    this.#base += by;
    this.#start -= by;
    this.#line -= by;
    this.#search -= by;
    this.#end -= by;
  }
}
