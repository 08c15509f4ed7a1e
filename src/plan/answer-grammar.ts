/**
 * The grammar of what a `lines` operator answers, on bytes.
 *
 *   answer = *( "emit" LF pair ) ( "filter" LF / "forward" LF pair )
 *   pair   = "key: " *(any byte but LF) LF  "value: " *(any byte but LF) LF
 *
 * One answer per input, in the order of the inputs. `emit` is RainStorm's addition for operators
 * with several outputs for one input. Nothing is trimmed and nothing is forgiven (no CR, no missing
 * blank after the colon): a looser reader would guess where an answer ends.
 */

/** Longest line of an answer, in bytes: a value of 16 MiB and its `value: `. */
export const ANSWER_LINE_BYTES_MAX = 16 * 1024 * 1024 + 7;

/** How much of a wrong line is quoted, in bytes: enough to recognise it in a log line. */
const QUOTE_BYTES_MAX = 200;
/** A newline is searched this far word by word; beyond, the built-in search wins. */
const NEAR_BYTES = 128;
const LF = 10;

/** What the next line must be; a state of the reader, a plain number because readers are hot. */
export const EXPECT_VERB = 0;
export const EXPECT_FORWARD_KEY = 1;
export const EXPECT_FORWARD_VALUE = 2;
export const EXPECT_EMIT_KEY = 3;
export const EXPECT_EMIT_VALUE = 4;

/** The text of a wrong line for people, cut to a length that fits a log line. */
export function quoteLine(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('utf8', at, at + Math.min(length, QUOTE_BYTES_MAX));
}

/**
 * The offset of the first newline in [from, end), or -1. `view` covers the same bytes.
 *
 * Four bytes a step with the zero-byte test of Mycroft (1987): some 12 ns for lines of 20 to 60
 * bytes, where a byte loop takes 20 to 40 and the call of `indexOf` alone 35.
 */
export function newlineFrom(bytes: Buffer, view: DataView, from: number, end: number): number {
  const near = Math.min(end, from + NEAR_BYTES) - 3;
  let word = from;
  for (; word < near; word += 4) {
    const zeroAtLf = view.getInt32(word, true) ^ 0x0a0a0a0a;
    if (((zeroAtLf - 0x01010101) & ~zeroAtLf & 0x80808080) !== 0) break;
  }
  const stop = Math.min(end, word + 4);
  for (let i = word; i < stop; i++) if (bytes[i] === LF) return i;
  if (stop === end) return -1;
  const far = bytes.indexOf(LF, stop);
  return far < end ? far : -1;
}

/** What to expect after this line, or -1 when it is not what was expected. */
export function answerStep(expect: number, b: Buffer, at: number, length: number): number {
  if (expect === EXPECT_VERB) return verb(b, at, length);
  const key = expect === EXPECT_FORWARD_KEY || expect === EXPECT_EMIT_KEY;
  if (!(key ? isKey(b, at, length) : isValue(b, at, length))) return -1;
  if (key) return expect + 1;
  return EXPECT_VERB;
}

function verb(b: Buffer, at: number, length: number): number {
  // 'filter', 'forward', 'emit'
  if (length === 6) {
    const filter =
      b[at] === 102 &&
      b[at + 1] === 105 &&
      b[at + 2] === 108 &&
      b[at + 3] === 116 &&
      b[at + 4] === 101 &&
      b[at + 5] === 114;
    return filter ? EXPECT_VERB : -1;
  }
  if (length === 7) {
    const forward =
      b[at] === 102 &&
      b[at + 1] === 111 &&
      b[at + 2] === 114 &&
      b[at + 3] === 119 &&
      b[at + 4] === 97 &&
      b[at + 5] === 114 &&
      b[at + 6] === 100;
    return forward ? EXPECT_FORWARD_KEY : -1;
  }
  const emit =
    length === 4 && b[at] === 101 && b[at + 1] === 109 && b[at + 2] === 105 && b[at + 3] === 116;
  return emit ? EXPECT_EMIT_KEY : -1;
}

/** `key: ` */
function isKey(b: Buffer, at: number, length: number): boolean {
  return (
    length >= 5 &&
    b[at] === 107 &&
    b[at + 1] === 101 &&
    b[at + 2] === 121 &&
    b[at + 3] === 58 &&
    b[at + 4] === 32
  );
}

/** `value: ` */
function isValue(b: Buffer, at: number, length: number): boolean {
  return (
    length >= 7 &&
    b[at] === 118 &&
    b[at + 1] === 97 &&
    b[at + 2] === 108 &&
    b[at + 3] === 117 &&
    b[at + 4] === 101 &&
    b[at + 5] === 58 &&
    b[at + 6] === 32
  );
}
