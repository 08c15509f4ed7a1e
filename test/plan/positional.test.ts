import test from 'ava';
import fc from 'fast-check';
import { parse } from 'shell-quote';
import { type Fault, isFault } from '../../src/core/index.ts';
import {
  formatPositional,
  joinShellWords,
  looksPositional,
  parseJobFile,
  parsePositional,
  SUBCOMMANDS,
  splitShellWords,
} from '../../src/plan/index.ts';
import { anyPositional, anySpec } from './helpers/job-arbitraries.ts';

const GOOD = [
  ...['worker', '2', '3'],
  ...['ops/filter.py', "-p 'No Outlet'", 'filter'],
  ...['filter.py', 'none', 'Aggregate'],
  ...['2', 'a.csv', 'hydfs:b.csv'],
  ...['False', '100', '0', '0.5', 'out/counts.txt', 'TRUE'],
];

function linesOf(argv: readonly string[], code: Fault['code'] = 'ARGUMENTS_INVALID'): string[] {
  try {
    parsePositional(argv);
  } catch (error) {
    if (!isFault(error, code)) throw error;
    return error.message.split('\n');
  }
  throw new Error('the command line was accepted');
}

test('the positional form means what the equal job file means', (t) => {
  const { spec, workerBinPath } = parsePositional(GOOD, '/jobs');
  t.is(workerBinPath, 'worker');
  const file = `
name: counts
sources: [{ file: a.csv }, { file: 'hydfs:b.csv' }]
rate: 100
stages:
  - { name: filter, type: filter, run: ops/filter.py, args: ['-p', No Outlet], tasks: 3 }
  - { name: filter-2, type: aggregate, run: filter.py, tasks: 3 }
sink: { file: out/counts.txt }
`;
  t.deepEqual(spec, parseJobFile(file, '/jobs/x.yaml'));
});

test('any command line of the form is read as it was meant', (t) => {
  fc.assert(
    fc.property(anyPositional, ({ tasks, stages, files, rate, exactlyOnce }) => {
      const sources = files.slice(1);
      const argv = [
        ...['w', `${stages.length}`, `${tasks}`],
        ...stages.flatMap((s) => [s.run, s.args.map(quoted).join('  '), s.type]),
        ...[`${sources.length}`, ...sources],
        ...['0', `${rate}`, '0', '0', files[0], exactlyOnce],
      ];
      const { spec } = parsePositional(argv);
      t.deepEqual(
        spec.stages.map((s) => [s.run, s.args, s.type, s.tasks]),
        stages.map((s) => [s.run, s.args, s.type.toLowerCase() as typeof s.type, tasks]),
      );
      t.is(new Set(spec.stages.map((s) => s.name)).size, stages.length);
      t.deepEqual([spec.sources.map((s) => s.file), spec.sink.file], [sources, files[0]]);
      t.is(spec.exactlyOnce, /true|1/i.test(exactlyOnce));
      const again = formatPositional(spec);
      t.truthy(again);
      t.deepEqual(parsePositional(again ?? []).spec, spec);
    }),
    { seed: 12, numRuns: 150 },
  );
});

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

test('formatPositional either says exactly the spec or says that it cannot', (t) => {
  let said = 0;
  fc.assert(
    fc.property(anySpec, (spec) => {
      const argv = formatPositional(spec);
      if (argv === null) return;
      said += 1;
      t.deepEqual(parsePositional(argv, spec.baseDir).spec, spec);
    }),
    { seed: 12, numRuns: 60 },
  );
  const { spec } = parsePositional(GOOD);
  t.deepEqual(parsePositional(formatPositional(spec) ?? []).spec, spec);
  t.is(formatPositional({ ...spec, name: 'other' }), null);
  t.is(formatPositional({ ...spec, sink: { ...spec.sink, format: 'csv' } }), null);
  t.true(said < 60, 'most specs say more than the form can');
});

/** A mistake: the place (from 1), the text there, words of the line that must report it. */
const mistakes: readonly (readonly [at: number, text: string, says: string[]])[] = [
  [1, '', ['argument 1 (WorkerBinPath) must be a path', 'an empty text']],
  [2, 'two', ['argument 2 (NStages) must be a whole number from 1 to 16', "got 'two'"]],
  [2, '0', ['argument 2 (NStages)', '1 to 16', "got '0'"]],
  [2, '17', ['argument 2 (NStages)', '1 to 16']],
  [2, '2.0', ['argument 2 (NStages)']],
  [3, '-3', ['argument 3 (NTasks) must be a whole number from 1 to 64', "got '-3'"]],
  [4, '', ['argument 4 (Op_Exe of stage 1) must be a path']],
  [5, 'a | b', ['argument 5 (Op_Args of stage 1)', '| is a shell operator', 'quote it']],
  [5, 'a; rm b', ['; is a shell operator']],
  [5, '$(id)', ['argument 5 (Op_Args of stage 1)']],
  [5, '*.csv', ['the pattern *.csv is not expanded', 'quote it']],
  [5, '$HOME', ['$HOME would be a variable', 'single quotes']],
  [5, 'a # b', ['# begins a comment']],
  [5, "'open", ["the quote ' is never closed"]],
  [5, 'open\\', ['the quote \\ is never closed']],
  [6, 'filtr', ['argument 6 (Op_Type of stage 1)', 'filter, transform, aggregate', "'filter'?"]],
  [9, 'count', ['argument 9 (Op_Type of stage 2) must be one of']],
  [10, 'x', ["argument 10 (N_SRC) must be a whole number from 1 to 64, got 'x'"]],
  [11, '', ['argument 11 (src 1) must be a file name', 'it is empty']],
  [12, 'hydfs:a//b', ['argument 12 (src 2)', 'an empty part']],
  [12, './a.csv', ["argument 12 (src 2) repeats argument 11, './a.csv'", 'once']],
  [13, 'maybe', ['argument 13 (AutoScalable) must be true, false, 1 or 0']],
  [14, 'fast', ['argument 14 (InputRate) must be a number from 0']],
  [15, 'x', ['argument 15 (LW) must be a number']],
  [16, '', ['argument 16 (HW) must be a number']],
  [17, 'hydfs:', ['argument 17 (Dest) must be a file name', 'it is empty']],
  [17, 'a.csv', ['argument 17 (Dest) repeats argument 11', 'another destination']],
  [18, 'yes', ['argument 18 (ExactlyOnce) must be true, false, 1 or 0']],
];

for (const [at, text, says] of mistakes) {
  test(`argument ${at} is named when it is '${text}'`, (t) => {
    const lines = linesOf(GOOD.with(at - 1, text));
    const line = lines.find((l) => says.every((word) => l.includes(word)));
    t.truthy(line, lines.join('\n'));
    t.true(lines.at(-1)?.startsWith('the form is: rainstorm <WorkerBinPath>'));
  });
}

test('several mistakes are listed in their order', (t) => {
  const lines = linesOf(GOOD.with(5, 'x').with(12, 'maybe').with(17, 'y'));
  t.deepEqual(
    lines.slice(0, -1).map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['argument 6', 'argument 13', 'argument 18'],
  );
});

test('a wrong number of arguments says how many were expected and where it goes off', (t) => {
  t.is(
    linesOf(GOOD.slice(0, -1))[0],
    'expected 18 arguments for NStages 2 and N_SRC 2, got 17; argument 18 (ExactlyOnce) is missing',
  );
  t.is(
    linesOf([...GOOD, 'x'])[0],
    "expected 18 arguments for NStages 2 and N_SRC 2, got 19; argument 19, 'x', is one too many",
  );
  t.regex(linesOf([...GOOD, '--print'])[0], /'--print', is one too many, options stand before/);
  t.is(
    linesOf(GOOD.with(9, '1'))[0],
    "expected 17 arguments for NStages 2 and N_SRC 1, got 18; argument 12 (AutoScalable) must be true, false, 1 or 0, got 'hydfs:b.csv'",
  );
  t.is(
    linesOf(GOOD.slice(0, 5))[0],
    'expected at least 17 arguments for NStages 2, got 5; argument 6 (Op_Type of stage 1) is missing',
  );
  t.is(
    linesOf([])[0],
    'expected at least 10 arguments, got 0; argument 1 (WorkerBinPath) is missing',
  );
  const shifted = linesOf(GOOD.toSpliced(4, 1));
  t.regex(shifted[0], /^argument 6 \(Op_Type of stage 1\) must be one of .* got 'filter.py'/);
  t.true(shifted.some((line) => line.includes('cannot be placed')));
});

test('every prefix and every single removal is refused, never misread', (t) => {
  for (let i = 0; i < GOOD.length; i++) {
    t.true(linesOf(GOOD.slice(0, i)).length > 1);
    t.true(linesOf(GOOD.toSpliced(i, 1)).length > 1, `without ${GOOD[i]}`);
  }
});

test('AutoScalable true is refused by name, never ignored', (t) => {
  for (const yes of ['true', '1', 'True']) {
    t.regex(linesOf(GOOD.with(12, yes), 'AUTOSCALE_NOT_YET')[0], /^argument 13 \(AutoScalable\)/);
  }
});

test('the positional form is told from subcommands', (t) => {
  t.true(looksPositional(GOOD));
  t.true(looksPositional(['./worker', '2']));
  t.true(looksPositional(['./worker', 'two', '3', 'f', 'none', 'filter']));
  for (const command of SUBCOMMANDS) t.false(looksPositional([command, '3', '4']), command);
  t.false(looksPositional([]));
  t.false(looksPositional(['job.yaml']));
  t.false(looksPositional(['job.yaml', '--data', 'x']));
  t.false(looksPositional(['--json', '2', '3']));
});

test('shell words survive being joined and split', (t) => {
  const word = fc.string({ unit: 'binary', maxLength: 20 }).filter((w) => !w.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      t.deepEqual(splitShellWords(joinShellWords(words)), { kind: 'words', words });
    }),
    { seed: 12 },
  );
});

test('shell words are split as a shell splits them', (t) => {
  const cases: readonly (readonly [string, string[]])[] = [
    ['', []],
    ['  a  b\tc ', ['a', 'b', 'c']],
    ["'a b' c", ['a b', 'c']],
    ['"a \\" b"', ['a " b']],
    ["it\\'s", ["it's"]],
    ["pre'fix 'x", ['prefix x']],
    ['\'\' ""', ['', '']],
    ["'$HOME * | #'", ['$HOME * | #']],
    ['100$', ['100$']],
  ];
  for (const [text, words] of cases)
    t.deepEqual(splitShellWords(text), { kind: 'words', words }, text);
});

test('without our checks the library would lose a quote and a variable, and say nothing', (t) => {
  t.deepEqual(parse("'open"), ['open']);
  t.deepEqual(parse('$HOME'), ['']);
  for (const text of ["'open", '$HOME', '"$A"', 'a\\', '*', 'a>b', 'a\0']) {
    t.is(splitShellWords(text).kind, 'refused', text);
  }
});
