/**
 * The answers of a `lines` operator as columns: where each output's key and value lie.
 *
 * The columns are scratch: they hold until the next `parseAnswers` of this thread.
 */
import { assert } from '../core/index.ts';
import {
  ANSWER_LINE_BYTES_MAX,
  answerStep,
  EXPECT_EMIT_KEY,
  EXPECT_EMIT_VALUE,
  EXPECT_FORWARD_KEY,
  EXPECT_VERB,
  newlineFrom,
  quoteLine,
} from '../plan/index.ts';
import type { Bytes } from './growable.ts';

/** A line that is not what the protocol wants, in the answer number `answer` (from 0). */
export interface BadAnswer {
  readonly answer: number;
  readonly line: string;
}

/** In `step`: the only output of its input, so no fan-out. */
export const NO_STEP = 0xffffffff;
/** `key: ` and `value: ` in front of what they name. */
const KEY_BYTES = 5;
const VALUE_BYTES = 7;

/** Outputs found by `parseAnswers`, in order. */
export class AnswerColumns {
  count = 0;
  /** inputs without any output */
  filtered = 0;
  /** which answer (from 0) the output belongs to, and which of its outputs it is */
  answer = new Uint32Array(4096);
  step = new Uint32Array(4096);
  keyAt = new Uint32Array(4096);
  keyEnd = new Uint32Array(4096);
  valueAt = new Uint32Array(4096);
  valueEnd = new Uint32Array(4096);

  reserveOne(): void {
    if (this.count < this.answer.length) return;
    for (const column of ['answer', 'step', 'keyAt', 'keyEnd', 'valueAt', 'valueEnd'] as const) {
      const larger = new Uint32Array(this[column].length * 2);
      larger.set(this[column]);
      this[column] = larger;
    }
  }
}

/** The columns of this thread. */
export const columns = new AnswerColumns();

/** Where `readLines` stopped. */
const end = { answer: 0, step: 0, expect: EXPECT_VERB as number };

/**
 * Fills `columns` from the answers of exactly `count` inputs; null when all is well.
 * Answers are cut by an `AnswerScanner` before they come here, so too few or too many is a bug.
 */
export function parseAnswers(from: Bytes, count: number): BadAnswer | null {
  const bad = readLines(from);
  if (bad !== null) return bad;
  const { answer, step, expect } = end;
  assert(answer === count && expect === EXPECT_VERB && step === 0, 'every input has its answer');
  return null;
}

/**
 * Nothing is compared behind the loop: V8 enters it in the middle with code that was compiled before
 * the loop had ever ended, and would leave that code there each time.
 */
function readLines({ bytes, view }: Bytes): BadAnswer | null {
  const size = bytes.length;
  const c = columns;
  c.count = c.filtered = 0;
  let expect: number = EXPECT_VERB;
  let answer = 0;
  let step = 0;
  for (let line = 0; line < size; ) {
    const newline = newlineFrom(bytes, view, line, size);
    const length = (newline < 0 ? size : newline) - line;
    const next = newline < 0 ? -1 : answerStep(expect, bytes, line, length);
    if (next < 0 || length > ANSWER_LINE_BYTES_MAX) {
      return { answer, line: quoteLine(bytes, line, length) };
    }
    if (expect === EXPECT_VERB) {
      if (next === EXPECT_VERB) {
        c.filtered += step === 0 ? 1 : 0;
        answer += 1;
        step = 0;
      }
    } else if (expect === EXPECT_FORWARD_KEY || expect === EXPECT_EMIT_KEY) {
      c.reserveOne();
      c.keyAt[c.count] = line + KEY_BYTES;
      c.keyEnd[c.count] = newline;
    } else {
      const isFinal = expect !== EXPECT_EMIT_VALUE;
      c.valueAt[c.count] = line + VALUE_BYTES;
      c.valueEnd[c.count] = newline;
      c.answer[c.count] = answer;
      c.step[c.count++] = isFinal && step === 0 ? NO_STEP : step;
      step = isFinal ? 0 : step + 1;
      if (isFinal) answer += 1;
    }
    expect = next;
    line = newline + 1;
  }
  end.answer = answer;
  end.step = step;
  end.expect = expect;
  return null;
}
