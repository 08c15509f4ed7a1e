import test from 'ava';
import fc from 'fast-check';
import { formatSink } from '../../src/kernels/index.ts';
import type { SinkFormat } from '../../src/plan/index.ts';
import { answerText, type Output, outputsOf, type Reply, reply } from './replies.ts';
import { lineBytes } from './tuples.ts';

const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

function csv(bytes: Buffer): string {
  const text = latin1(bytes);
  return /[",\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tsv(bytes: Buffer): string {
  return latin1(bytes).replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\r', '\\r');
}

function json({ key, value }: Output): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const line = JSON.stringify({ key: decoder.decode(key), value: decoder.decode(value) });
  return latin1(Buffer.from(line));
}

/** Each format with strings, a byte a character. */
const slowly: Readonly<Record<SinkFormat, (output: Output) => string>> = {
  kv: ({ key, value }) => `${latin1(key)}: ${latin1(value)}`,
  value: ({ value }) => latin1(value),
  tsv: ({ key, value }) => `${tsv(key)}\t${tsv(value)}`,
  csv: ({ key, value }) => `${csv(key)},${csv(value)}`,
  json,
};

function linesOf(replies: readonly Reply[], format: SinkFormat): string {
  const answers = Buffer.concat(replies.map(answerText));
  const result = formatSink({ answers, count: replies.length, skip: 0, format });
  if (result.kind !== 'ok') throw new Error(result.line);
  return latin1(Buffer.from(result.bytes));
}

/** Bytes that formats care about, more often than chance would have it. */
const tricky = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        ',',
        '\t',
        '\r',
        '\\',
        '\0',
        '\x1f',
        '\x7f',
        '\u2028',
        '\ufeff',
        'é',
        '𝄞',
      ),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.from(parts.join('').replaceAll('\n', '')));

/** Fragments of UTF-8 sequences, legal and not. */
const fragments = fc
  .array(
    fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xe0,
      0xa0,
      0x9f,
      0xed,
      0xef,
      0xf0,
      0x90,
      0x8f,
      0xf4,
      0xf5,
    ),
    {
      maxLength: 8,
    },
  )
  .map((bytes) => Buffer.from(bytes));

const field = fc.oneof(tricky, fragments, lineBytes(10));
const forward = fc.record({ key: field, value: field }).map((last): Reply => ({ emits: [], last }));

for (const format of ['kv', 'value', 'tsv', 'csv', 'json'] as const) {
  test(`${format} lines are what the format says`, (t) => {
    fc.assert(
      fc.property(fc.array(fc.oneof(forward, reply), { maxLength: 8 }), (replies) => {
        const lines = replies.flatMap(outputsOf).map((output) => `${slowly[format](output)}\n`);
        t.is(linesOf(replies, format), lines.join(''));
      }),
      { numRuns: 500 },
    );
  });
}

test('every pair of bytes survives json like a text decoder', (t) => {
  const replies: Reply[] = [];
  for (let first = 0x80; first < 0x100; first++) {
    for (const second of [0x22, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xff]) {
      const value = Buffer.from([first, second, 0x80, 0x80]);
      replies.push({ emits: [], last: { key: Buffer.alloc(0), value } });
    }
  }
  const lines = replies.flatMap(outputsOf).map((output) => `${json(output)}\n`);
  t.is(linesOf(replies, 'json'), lines.join(''));
});

test('lines and filtered inputs are counted', (t) => {
  const answers = Buffer.from(
    'filter\nemit\nkey: a\nvalue: 1\nforward\nkey: a\nvalue: 2\nemit\nkey: b\nvalue: 3\nfilter\nfilter\n',
  );
  t.like(formatSink({ answers, count: 4, skip: 0, format: 'kv' }), { lines: 3, filtered: 2 });
});
