import test from 'ava';
import fc from 'fast-check';
import { ANSWER_LINE_BYTES_MAX, AnswerScanner } from '../../src/plan/index.ts';
import { answerText, reply } from '../kernels/replies.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Pieces of `whole` cut at the given places. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [
    0,
    ...places.map((p) => p % (whole.length + 1)).sort((a, b) => a - b),
    whole.length,
  ];
  return cuts.slice(1).map((end, i) => whole.subarray(cuts[i], end));
}

test('answers are found however the stream is cut', (t) => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 12 }), fc.array(fc.nat()), (replies, places) => {
      const texts = replies.map(answerText);
      const scanner = new AnswerScanner();
      const ends = texts.map((_, i) => Buffer.concat(texts.slice(0, i + 1)).length);
      let pushed = 0;
      for (const piece of cut(Buffer.concat(texts), places)) {
        scanner.push(piece);
        pushed += piece.length;
        t.is(scanner.answered, ends.filter((end) => end <= pushed).length);
        t.is(scanner.pendingBytes, pushed);
      }
      t.is(scanner.mismatch, null);
      t.is(scanner.takeUpTo(replies.length + 1), null);
      texts.forEach((text, i) => {
        t.deepEqual(Buffer.from(scanner.takeUpTo(i + 1) ?? 'none'), text);
      });
      t.is(scanner.pendingBytes, 0);
    }),
  );
});

test('taking in between changes nothing about what follows', (t) => {
  const scanner = new AnswerScanner();
  let taken = '';
  let sent = '';
  for (let i = 0; i < 9000; i++) {
    const text = i % 3 === 0 ? 'filter\n' : `forward\nkey: ${i}\nvalue: ${'v'.repeat(i % 97)}\n`;
    sent += text;
    scanner.push(bytes(text.slice(0, 5)));
    scanner.push(bytes(text.slice(5)));
    if (i % 7 === 0)
      taken += Buffer.from(scanner.takeUpTo(Math.max(0, i - 3)) ?? 'none').toString();
    if (i % 7 === 0) scanner.takeUpTo(Math.max(0, i - 3));
  }
  taken += Buffer.from(scanner.takeUpTo(9000) ?? 'none').toString();
  t.is(taken, sent);
});

test('the first wrong line is quoted with the number of its answer', (t) => {
  const wrong = [
    'Filter',
    'filter ',
    'filter\r',
    'forwards',
    'emit:',
    '',
    'x',
    'key: a',
    'Traceback',
  ];
  for (const line of wrong) {
    const scanner = new AnswerScanner();
    scanner.push(bytes(`filter\nemit\nkey: a\nvalue: b\n${line}\nfilter\n`));
    t.deepEqual(scanner.mismatch, { answer: 1, line }, line);
    t.is(scanner.answered, 1);
    t.deepEqual(Buffer.from(scanner.takeUpTo(1) ?? 'none'), bytes('filter\n'));
  }
});

test('a key or value line must be marked as such', (t) => {
  for (const [before, line] of [
    ['forward\n', 'key:a'],
    ['forward\n', 'value: a'],
    ['emit\n', 'keys: a'],
    ['forward\nkey: a\n', 'value:'],
    ['emit\nkey: a\n', 'key: b'],
  ]) {
    const scanner = new AnswerScanner();
    scanner.push(bytes(`${before}${line}\n`));
    t.deepEqual(scanner.mismatch, { answer: 0, line });
  }
});

test('a line that never ends is a mismatch before it fills the memory', (t) => {
  const scanner = new AnswerScanner();
  scanner.push(bytes('forward\nkey: a\nvalue: '));
  const piece = Buffer.alloc(1024 * 1024, 120);
  let pushes = 0;
  while (scanner.mismatch === null && pushes < 40) {
    scanner.push(piece);
    pushes += 1;
  }
  t.is(pushes, Math.floor(ANSWER_LINE_BYTES_MAX / piece.length) + 1);
  t.is(scanner.mismatch?.line.length, 200);
});

test('the longest line is allowed', (t) => {
  const scanner = new AnswerScanner();
  const value = Buffer.alloc(ANSWER_LINE_BYTES_MAX - 7, 120);
  const text = Buffer.concat([bytes('forward\nkey: a\nvalue: '), value, bytes('\n')]);
  scanner.push(text.subarray(0, 9_999_999));
  scanner.push(text.subarray(9_999_999));
  t.is(scanner.answered, 1);
  t.is(Buffer.compare(scanner.takeUpTo(1) ?? Buffer.alloc(0), text), 0);
});

test("what was taken is the taker's own, and the pushed chunk is free again", (t) => {
  const scanner = new AnswerScanner();
  const chunk = bytes('filter\nfil');
  scanner.push(chunk);
  chunk.fill(0);
  scanner.push(bytes('ter\n'));
  const taken = scanner.takeUpTo(2) ?? new Uint8Array(0);
  scanner.push(bytes('forward\n'));
  t.is(Buffer.from(taken).toString(), 'filter\nfilter\n');
  t.is(taken.byteLength, taken.buffer.byteLength);
});
