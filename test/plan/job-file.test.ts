import test from 'ava';
import fc from 'fast-check';
import { type Fault, isFault } from '../../src/core/index.ts';
import {
  decodeJobSpec,
  formatJobFile,
  JOB_FILE_BYTES_MAX,
  type JobSpec,
  nameFrom,
  parseJobFile,
  specFingerprint,
} from '../../src/plan/index.ts';
import { anySpec } from './helpers/job-arbitraries.ts';

const MINIMAL = `sources: [{ file: in.csv }]
stages:
  - { name: pick, type: filter, run: filter.py }
sink: { file: out.txt }
`;

function faultOf(text: string, path = 'job.yaml'): Fault {
  try {
    parseJobFile(text, path);
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
  throw new Error('the job file was accepted');
}

test('a minimal job gets every default', (t) => {
  t.deepEqual(parseJobFile(MINIMAL, 'jobs/signs.yaml'), {
    name: 'signs',
    baseDir: 'jobs',
    operatorDirs: [],
    files: [],
    names: 'local',
    sources: [{ file: 'in.csv', rate: 0, follow: false }],
    rate: 0,
    stages: [
      {
        name: 'pick',
        type: 'filter',
        run: 'filter.py',
        args: [],
        tasks: 1,
        processes: 1,
        deadlineMs: 30_000,
        protocol: 'lines',
        shim: true,
        env: {},
        files: [],
      },
    ],
    sink: { file: 'out.txt', format: 'kv' },
    exactlyOnce: true,
    requirements: '',
    logOutputs: 'sample',
    autoscale: false,
  } satisfies JobSpec);
});

test('any spec survives its job file, JSON and the stored form', (t) => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const again = parseJobFile(formatJobFile(spec), 'other.yaml', spec.baseDir);
      t.deepEqual(again, spec);
      t.is(specFingerprint(again), specFingerprint(spec));
      t.deepEqual(decodeJobSpec(JSON.parse(JSON.stringify(spec))), spec);
    }),
    { seed: 11, numRuns: 150 },
  );
});

/** A mistake: what is replaced in MINIMAL, then where it is found and words of the message. */
const mistakes: readonly (readonly [title: string, from: string, to: string, says: string[]])[] = [
  ['an unknown type', 'type: filter', 'type: filtre', [':3:25: stages[0].type', "'filter'?"]],
  ['a missing type', 'type: filter, ', '', [':3:5: stages[0].type is missing', 'aggregate']],
  ['a missing script', ', run: filter.py', '', [':3:5: stages[0].run is missing', 'script']],
  ['an empty script', 'run: filter.py', 'run:', [':3:', 'stages[0].run', 'got nothing']],
  ['an unknown key', 'run:', 'rum:', [':3:33: stages[0].rum is not a known key', "'run'?"]],
  ['an unknown top key', 'sink:', 'sinks: 1\nsink:', [':4:1: sinks is not', "'sink'?"]],
  ['a number as a text', 'name: pick', 'name: 7', [':3:13: stages[0].name', "in quotes: '7'"]],
  ['a text as a number', ' }]', ", rate: '5' }]", [':1:33: sources[0].rate', 'without quotes']],
  ['a negative rate', ' }]', ', rate: -1 }]', [':1:33: sources[0].rate', 'from 0']],
  ['no tasks', ' }\nsink', ', tasks: 0 }\nsink', ['stages[0].tasks', '1 to 64', 'number 0']],
  ['half a task', ' }\nsink', ', tasks: 1.5 }\nsink', ['stages[0].tasks', 'whole number']],
  ['too many tasks', ' }\nsink', ', tasks: 65 }\nsink', ['stages[0].tasks', '1 to 64']],
  ['a bare deadline', ' }\nsink', ', deadline: 5 }\nsink', ['stages[0].deadline', 'unit']],
  ['an odd deadline', ' }\nsink', ', deadline: 5y }\nsink', ["got '5y'", '10s']],
  ['a zero deadline', ' }\nsink', ', deadline: 0s }\nsink', ['from 1ms to 24h']],
  ['a number in args', ' }\nsink', ', args: [3] }\nsink', [':3:56: stages[0].args[0]', "'3'"]],
  ['args as a text', ' }\nsink', ', args: -v }\nsink', ['stages[0].args', 'list', "got '-v'"]],
  ['a later protocol', ' }\nsink', ', protocol: storm }\nsink', ['storm protocol is not in']],
  ['an unknown protocol', ' }\nsink', ', protocol: x }\nsink', ["must be 'lines'"]],
  ['a bad variable', ' }\nsink', ', env: {2B: x} }\nsink', ['stages[0].env.2B', 'variable name']],
  ['__proto__ in env', ' }\nsink', ', env: {__proto__: x} }\nsink', ['cannot set __proto__']],
  ['a NUL in args', ' }\nsink', ', args: ["a\\0"] }\nsink', ['stages[0].args[0]', 'NUL']],
  ['a reserved name', 'name: pick', 'name: sink', [':3:13: stages[0].name', 'reserved']],
  ['an odd name', 'name: pick', 'name: a b', [':3:13: stages[0].name', 'letters', "'a b'"]],
  ['a job name with a slash', 'sources', 'name: a/b\nsources', [':1:7: name', "got 'a/b'"]],
  ['no sources', '[{ file: in.csv }]', '[]', [':1:10: sources', '1 to 64', 'an empty list']],
  ['missing sources', 'sources: [{ file: in.csv }]\n', '', [':1:1: sources is missing']],
  ['a source as text', '{ file: in.csv }', 'in.csv', [':1:11: sources[0]', '{ file: data.csv }']],
  ['a bad HyDFS name', 'in.csv', 'hydfs:../x', [':1:19: sources[0].file', "part '..'"]],
  ['an empty file', 'in.csv', "''", [':1:19: sources[0].file', 'it is empty']],
  ['a destination that is read', 'out.txt', './in.csv', [':4:15: sink.file', 'another dest']],
  ['an unknown format', 'out.txt', 'out.txt, format: jsn', ['sink.format', "'json'?"]],
  ['a repeated key', 'sink:', 'rate: 1\nrate: 2\nsink:', [':5:1: rate is set twice', 'line 4']],
  ['a tab', '  - {', '\t- {', [':3:1: a tab cannot indent', 'spaces']],
  ['an unknown anchor', 'out.txt', '*nowhere', [':4:15:', '&nowhere is not set']],
  ['a tag', 'out.txt', '!file out.txt', [':4:15:', 'remove the tag']],
  ['a merge key', 'sink:', '<<: {}\nsink:', [':4:1: merge keys', 'write the keys out']],
  ['a second document', 'sink:', '---\nsink:', [':4:1: a second document', "'---'"]],
  ['an open bracket', ' }]', ' }', [':', 'not valid YAML']],
  ['a key that is a list', 'sink:', '? [a]\n: 1\nsink:', [':4:3: a key must be plain text']],
  ['exactlyOnce as a number', 'sink:', 'exactlyOnce: 1\nsink:', [':4:14:', 'true or false']],
  ['autoscale as nothing', 'sink:', 'autoscale:\nsink:', ['autoscale must be false']],
];

for (const [title, from, to, says] of mistakes) {
  test(`the line, the key and the remedy are named: ${title}`, (t) => {
    t.true(MINIMAL.includes(from), 'the mistake is planted');
    const found = faultOf(MINIMAL.replace(from, to));
    t.is(found.code, 'JOB_FILE_INVALID');
    t.is(found.exit, 2);
    const line = found.message
      .split('\n')
      .find((text) => says.every((word) => text.includes(word)));
    t.truthy(line, found.message);
    t.regex(line ?? '', /^(correct the job file job\.yaml and run it again: )?job\.yaml:/);
  });
}

test('two stages of one name, a source read twice and processes of an aggregate are refused', (t) => {
  const { message } = faultOf(`sources: [{ file: a }, { file: ./a }]
stages:
  - { name: x, type: filter, run: f }
  - { name: x, type: aggregate, run: f, processes: 2 }
sink: { file: out }
`);
  t.deepEqual(message.split('\n').slice(1), [
    "job.yaml:1:32: sources[1].file repeats './a' of sources[0].file; the same file twice would give two tuples one id",
    "job.yaml:4:13: stages[1].name repeats 'x' of stages[0].name; give each stage its own name",
    'job.yaml:4:52: stages[1].processes must be 1 for an aggregate, got the number 2; raise tasks instead',
  ]);
});

test('all mistakes are listed, in the order of the text', (t) => {
  const { message } = faultOf('sink: 5\nstages: none\nsources: [{ fil: a }]\nrate: fast\n');
  const places = message
    .split('\n')
    .slice(1)
    .map((line) => line.split(': ')[0]);
  t.deepEqual(places, [
    'job.yaml:1:7',
    'job.yaml:2:9',
    'job.yaml:3:11',
    'job.yaml:3:13',
    'job.yaml:4:7',
  ]);
});

test('a long list of mistakes is cut', (t) => {
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}: 1\n`).join('');
  const lines = faultOf(keys + MINIMAL).message.split('\n');
  t.is(lines.length, 32);
  t.is(lines.at(-1), 'and 20 more');
});

test('a file that is empty, a list, or no YAML at all is refused', (t) => {
  for (const text of ['', '\n', '# only a comment\n', '---\n']) {
    t.regex(faultOf(text).message, /job\.yaml:1:1: the file is empty/, JSON.stringify(text));
  }
  t.regex(faultOf('- a\n').message, /1:1: the job must be a map .* got a list of 1/);
  t.regex(faultOf('just words').message, /1:1: the job must be a map .* got 'just words'/);
});

test('a file that is too large, too deep or full of aliases is refused without being unfolded', (t) => {
  t.regex(faultOf('#'.repeat(JOB_FILE_BYTES_MAX + 1)).message, /at most 1048576 are allowed/);
  t.notThrows(() => parseJobFile(`${MINIMAL}#${'x'.repeat(1000)}`, 'job.yaml'));
  t.regex(faultOf('- '.repeat(50_000)).message, /nested too deeply/);
  const bomb = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]\n`);
  t.regex(faultOf(`a: &a-1 [x]\n${bomb.join('')}`).message, /more than 100 aliases/);
});

test('a few anchors are allowed, and a mistake behind one is found at its use', (t) => {
  const text = (tasks: string): string => `sources: [{ file: in }]
stages:
  - { name: a, type: filter, run: f, tasks: &n ${tasks} }
  - { name: b, type: filter, run: f, tasks: *n }
sink: { file: out }
`;
  t.is(parseJobFile(text('3'), 'job.yaml').stages[1].tasks, 3);
  t.regex(faultOf(text('300')).message, /job\.yaml:4:45: stages\[1\]\.tasks/);
});

test('keys that JavaScript objects treat specially are unknown keys like any other', (t) => {
  const { message } = faultOf(`__proto__: { name: x }\nconstructor: 1\n${MINIMAL}`);
  t.regex(message, /job\.yaml:1:1: __proto__ is not a known key/);
  t.regex(message, /job\.yaml:2:1: constructor is not a known key/);
});

for (const value of ['auto', 'true', '{ low: 90, high: 110 }', '1']) {
  test(`elastic stages are refused by name, never ignored: autoscale ${value}`, (t) => {
    const found = faultOf(`${MINIMAL}autoscale: ${value}\n`);
    t.is(found.code, 'AUTOSCALE_NOT_YET');
    t.regex(found.message, /^job\.yaml:5:12: autoscale .* remove autoscale/);
  });
}

test('a byte order mark and CRLF line ends are no mistake', (t) => {
  const text = `\uFEFF${MINIMAL.replaceAll('\n', '\r\n')}`;
  t.deepEqual(parseJobFile(text, 'job.yaml'), parseJobFile(MINIMAL, 'job.yaml'));
});

test('a job is named after its file', (t) => {
  const names = [
    'a/signs.yaml',
    'my job.yml',
    '.hidden',
    'a.b.yaml',
    '..',
    'x'.repeat(80),
    'ä.txt',
  ];
  t.deepEqual(names.map(nameFrom), [
    'signs',
    'my-job',
    'hidden',
    'a.b',
    'job',
    'x'.repeat(64),
    'job',
  ]);
});

test('a stored job that is not one is refused', (t) => {
  const spec = parseJobFile(MINIMAL, 'job.yaml');
  for (const bad of [null, 5, {}, { ...spec, extra: 1 }, { ...spec, stages: [] }]) {
    t.throws(() => decodeJobSpec(bad), { message: /stored job description/ });
  }
});
