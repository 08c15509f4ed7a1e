import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { projectRoot } from '../helpers/processes.ts';
import { testUnless } from '../helpers/skip.ts';
import { findProgram } from './helpers/machine.ts';
import { copiedLines, sortedLines, valuesOf } from './helpers/oracle.ts';
import { operator, Place, range, same } from './helpers/place.ts';

const fixtures = join(projectRoot, 'test', 'fixtures', 'operators');
const text = range(0, 3000)
  .map((i) => `line ${i}: \\n %s "quoted" $HOME * Straße\t${'x'.repeat(i % 50)}\n`)
  .join('');

/** How an operator of another language is made in `place`. */
const builders: Readonly<Record<string, (place: Place) => string>> = {
  'a shell script': (place) => copied(place, 'passthrough.sh'),
  'an awk script': (place) => copied(place, 'passthrough.awk'),
  'a compiled program': (place) => {
    const source = join(fixtures, 'passthrough.c');
    execFileSync('gcc', ['-O1', '-o', place.path('passthrough'), source]);
    return './passthrough';
  },
};

const needs: Readonly<Record<string, string>> = {
  'a shell script': 'sh',
  'an awk script': 'awk',
  'a compiled program': 'gcc',
};

for (const [what, build] of Object.entries(builders)) {
  const program = needs[what];
  const missing = findProgram(program) === null ? `${program} is not installed` : null;
  testUnless(missing, `${what} is an operator as it is, alone and three to a task`, async (t) => {
    const place = new Place(t);
    const bytes = Buffer.from(text);
    place.write('in.txt', bytes);
    const run = build(place);
    const stages = [
      { name: 'one', type: 'transform', run },
      { name: 'three', type: 'filter', run, processes: 3, tasks: 2 },
      { name: 'kept', type: 'aggregate', run },
    ];
    await place.done(t, place.job({ sources: ['in.txt'], stages }));
    t.deepEqual(sortedLines(place.bytes()), copiedLines([{ name: 'in.txt', bytes }]));
  });
}

function copied(place: Place, file: string): string {
  copyFileSync(join(fixtures, file), place.path(file));
  chmodSync(place.path(file), 0o755);
  return file;
}

const nasty = 'key: a,"b" c\t\\.csv';
const nastyLines = Buffer.concat([
  Buffer.from(['plain', '', ' ', 'tab\there', 'a,b', '"', '""q""', '\\', '\\n\\t'].join('\n')),
  Buffer.from('\ncr\rinside\nlast cr\r\r\n\u2028 \u{1f6a6} ü\nforward\nkey: k\nvalue: v\nfilter\n'),
  Buffer.from([0x00, 0x01, 0x1f, 0x7f, 0x0a, 0xff, 0xfe, 0xc3, 0x0a, 0xed, 0xa0, 0x80, 0x0a]),
]);

const asTsv = (bytes: string): string =>
  bytes.replace(/[\\\t\r]/g, (c) => ({ '\\': '\\\\', '\t': '\\t', '\r': '\\r' })[c] ?? c);
const asCsv = (bytes: string): string =>
  /[,"\r]/.test(bytes) ? `"${bytes.replaceAll('"', '""')}"` : bytes;
const decoded = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** Each format, from a key and a value of one character per byte. */
const formats: Readonly<Record<string, (key: string, value: string) => string>> = {
  kv: (key, value) => `${key}: ${value}`,
  value: (_key, value) => value,
  tsv: (key, value) => `${asTsv(key)}\t${asTsv(value)}`,
  csv: (key, value) => `${asCsv(key)},${asCsv(value)}`,
  json: (key, value) => {
    const json = JSON.stringify({ key: decoded(key), value: decoded(value) });
    return Buffer.from(json).toString('latin1');
  },
};

for (const [format, line] of Object.entries(formats)) {
  test.serial(`bytes of every kind reach the destination in the format ${format}`, async (t) => {
    const place = new Place(t);
    place.write(nasty, nastyLines);
    const sink = { file: 'out', format };
    await place.done(t, place.job({ sources: [nasty], stages: [same], sink }));
    const expected = valuesOf(nastyLines).map((value, i) => {
      return line(`${nasty}:${i}`, value.toString('latin1'));
    });
    t.deepEqual(sortedLines(place.bytes('out')), expected.sort());
  });
}

interface Letter {
  readonly id: string;
  readonly stage: string;
  readonly key: string;
  readonly value: string;
  readonly trace: string;
}

for (const exactlyOnce of [true, false]) {
  const mode = exactlyOnce ? 'exactly once' : 'at least once';
  test.serial(
    `a dead letter names its tuple by line and by each fan-out before it (${mode})`,
    async (t) => {
      const place = new Place(t);
      place.write('in.txt', 'good\nbad\np bad-q r\nx bad\nbad \ny-bad-\n');
      const stages = [
        { name: 'words', type: 'transform', run: operator('fan.py'), args: [' '] },
        { name: 'parts', type: 'transform', run: operator('fan.py'), args: ['-'], tasks: 2 },
        { name: 'fragile', type: 'filter', run: operator('dies_of.py'), args: ['bad'] },
      ];
      const sink = { file: 'out.txt', format: 'value' };
      const said = await place.done(
        t,
        place.job({ sources: ['in.txt'], stages, sink, exactlyOnce }),
      );
      t.deepEqual(place.lines().sort(), ['good', 'p', 'q', 'r', 'x', 'y']);
      const file = /dead letters are in +hydfs:(\S+)/.exec(said)?.[1] ?? '';
      t.regex(said, /dead letters +5\n/);
      const { stdout } = await place.run(['fs', 'cat', file]);
      const letters = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Letter);
      t.deepEqual(letters.map(({ id }) => id).sort(), [
        'in.txt:1',
        'in.txt:2-1-0',
        'in.txt:3-1',
        'in.txt:4-0',
        'in.txt:5-1',
      ]);
      for (const { stage, key, value, trace, id } of letters) {
        t.deepEqual([stage, value], ['fragile', 'bad']);
        t.is(key, id.replace(/-.*/, ''));
        t.regex(trace, /ValueError: cannot bear bad/);
      }
    },
  );
}
