import test from 'ava';
import fc from 'fast-check';
import {
  displayWidth,
  fitText,
  humanBytes,
  humanCount,
  humanDuration,
  humanPercent,
  humanRate,
  type JobSummary,
  plainTerminal,
  renderSummary,
  renderTable,
  terminalOf,
  visible,
} from '../../../src/cli/format/index.ts';

const tty = (columns: number, env: Record<string, string> = { NO_COLOR: '1' }) => {
  return terminalOf({ isTTY: true, columns, write: () => true }, env);
};

test('quantities read well at every size', (t) => {
  t.deepEqual([0, 999, 12_345, 1e9].map(humanCount), ['0', '999', '12,345', '1,000,000,000']);
  t.deepEqual(
    [0, 0.25, 9.96, 950, 9_999.4, 9_999.6, 84_200, 999_949, 999_951, 1_234_567].map(humanRate),
    '0/s,0.3/s,10/s,950/s,9999/s,10.0 k/s,84.2 k/s,999.9 k/s,1.00 M/s,1.23 M/s'
      .replace('9999', '9#999')
      .split(',')
      .map((text) => text.replace('#', ',')),
  );
  t.deepEqual([0, 1023, 1024, 65_536, 1024 ** 2 - 1, 1.5 * 1024 ** 3, 1024 ** 6].map(humanBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '64.0 KiB',
    '1.0 MiB',
    '1.5 GiB',
    '1024.0 PiB',
  ]);
  t.deepEqual(
    [0, 350, 999.7, 4_200, 59_960, 65_000, 3_599_600, 7_380_000, 273_600_000].map(humanDuration),
    [
      '0 ms',
      '350 ms',
      '1.0 s',
      '4.2 s',
      '1 min 00 s',
      '1 min 05 s',
      '1 h 00 min',
      '2 h 03 min',
      '3 d 04 h',
    ],
  );
  t.deepEqual(
    [humanPercent(0, 9), humanPercent(8.99, 9), humanPercent(9, 9), humanPercent(0, 0)],
    ['0%', '99%', '100%', '100%'],
  );
  for (const odd of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    t.deepEqual(
      [humanCount, humanRate, humanBytes, humanDuration].map((f) => f(odd)),
      ['-', '-', '-', '-'],
    );
  }
});

const COLUMNS = [
  { title: 'vm' },
  { title: 'pid', align: 'right' },
  { title: 'stage' },
  { title: 'log file', keep: 'end' },
] as const;

test('a listing puts a row on a line, in columns', (t) => {
  const text = renderTable(COLUMNS, [
    ['local', 7, 'signs/pick[0]', '/data/a.log'],
    ['local', 1234, null, ''],
  ]);
  t.is(
    text,
    [
      'vm      pid  stage          log file',
      'local     7  signs/pick[0]  /data/a.log',
      'local  1234  -              -',
    ].join('\n'),
  );
  t.is(renderTable(COLUMNS, []), 'vm  pid  stage  log file');
});

test('a listing fits any terminal from 80 to 200 columns, and nothing is cut in a pipe', (t) => {
  const cell = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 150 }), fc.integer());
  fc.assert(
    fc.property(
      fc.integer({ min: 80, max: 200 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.array(cell, { minLength: 12, maxLength: 12 }), { maxLength: 4 }),
      (width, count, rows) => {
        const columns = Array.from({ length: count }, (_, i) => ({ title: `column ${i}` }));
        const lines = renderTable(columns, rows, tty(width)).split('\n');
        t.is(lines.length, rows.length + 1);
        for (const line of lines) t.true(displayWidth(line) <= width, line);
        const piped = renderTable(columns, rows, plainTerminal);
        t.false(piped.includes('\x1b'));
        for (const row of rows) {
          const texts = row.slice(0, count).map((value) => visible(String(value)).trim());
          for (const whole of texts) t.true(piped.includes(whole), whole);
        }
      },
    ),
    { seed: 21, numRuns: 60 },
  );
});

test('what is cut is marked, and paths keep their end', (t) => {
  const row = ['v', 1, 's'.repeat(60), `/long/${'x/'.repeat(40)}task.log`];
  const [, line] = renderTable(COLUMNS, [row], tty(80)).split('\n');
  t.is(displayWidth(line), 80);
  t.regex(line, /s… {2}….*task\.log$/);
});

test('colours appear on a terminal only, and never with NO_COLOR or a dumb one', (t) => {
  const coloured = renderTable([{ title: 'a' }], [], tty(80, {}));
  t.is(coloured, '\x1b[1ma\x1b[22m');
  const plain = [
    tty(80, { NO_COLOR: '1' }),
    tty(80, { TERM: 'dumb' }),
    terminalOf({ write: () => true }, {}),
  ];
  for (const terminal of plain) t.is(renderTable([{ title: 'a' }], [], terminal), 'a');
  t.is(renderTable([{ title: 'a' }], [], tty(80, { NO_COLOR: '' })), coloured);
});

test('data cannot control the terminal', (t) => {
  const evil = 'a\x1b]0;title\x07\r\n\tb\u009b31m\u202e';
  const text = renderTable([{ title: 'a' }], [[evil]], tty(80));
  t.is(text.split('\n').length, 2);
  t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  t.is(visible('a\tb\x07é'), 'a\\tb\\u0007é');
});

test('texts are cut to columns, not to characters', (t) => {
  t.is(fitText('abcdef', 4), 'abc…');
  t.is(fitText('abcdef', 4, 'end'), '…def');
  t.is(fitText('abcd', 4), 'abcd');
  t.is(fitText('abcd', 0), '');
  t.is(displayWidth('日本'), 4);
  t.is(displayWidth('e\u0301'), 1);
  t.is(fitText('日本語', 4), '日…');
  t.is(fitText('👍👍👍', 3), '👍…');
});

const SUMMARY: JobSummary = {
  name: 'signs',
  outcome: 'done',
  tuplesIn: 100_000,
  filtered: 61_234,
  tuplesOut: 38_766,
  duplicatesDropped: 0,
  retries: 2,
  deadLetters: 0,
  deadLettersFile: 'hydfs:jobs/1/dead-letters',
  elapsedMs: 3400,
  rate: 29_411,
  output: 'counts.txt',
  firstLines: ['Street: 12', `Avenue: ${'9'.repeat(200)}`, 'a', 'b', 'c', 'left out'],
};

test('the summary says what went in, what came out and where it is', (t) => {
  t.is(
    renderSummary(SUMMARY, tty(60)),
    `signs is done
  tuples in           100,000
  filtered out         61,234
  tuples out           38,766
  duplicates dropped        0
  retries                   2
  dead letters              0
  elapsed             3.4 s
  rate                29.4 k/s
  output              counts.txt
  first lines of the output
    Street: 12
    Avenue: ${'9'.repeat(46)}…
    a
    b
    c`,
  );
});

test('the summary points at dead letters when there are some', (t) => {
  const text = renderSummary({ ...SUMMARY, outcome: 'failed', deadLetters: 3, firstLines: [] });
  t.regex(text, /^signs failed\n/);
  t.regex(text, /dead letters are in {2}hydfs:jobs\/1\/dead-letters/);
  t.false(text.includes('first lines'));
});
