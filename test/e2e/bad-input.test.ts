import { chmodSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { rainstorm } from '../helpers/processes.ts';
import { type JobText, Place, same } from './helpers/place.ts';

interface Mistake {
  readonly what: string;
  readonly code: number;
  readonly says: RegExp;
  /** words of the command line; made of `job` when left out */
  readonly words?: readonly string[];
  readonly job?: Partial<JobText>;
  /** the job file as it stands, when no object says it */
  readonly text?: string;
}

const stage = (more: Readonly<Record<string, unknown>>): Partial<JobText> => ({
  stages: [{ ...same, ...more }],
});
const form = ['rainstorm', '1', '1', 'identity', 'none', 'filter', '1', 'in.txt', 'false', '0'];
const FORM = /the form is: rainstorm <WorkerBinPath> <NStages> /;

const mistakes: readonly Mistake[] = [
  {
    what: 'an unknown type of a stage',
    job: stage({ type: 'fliter' }),
    code: 2,
    says: /job\.yaml.*stages\[0\]\.type must be one of filter, transform, aggregate, .*fliter/,
  },
  {
    what: 'an unknown type in the positional form',
    words: [...form.with(5, 'fliter'), '0', '0', 'out.txt', 'true'],
    code: 2,
    says: /argument 6 \(Op_Type of stage 1\) .*fliter/,
  },
  { what: 'too few arguments', words: form, code: 2, says: FORM },
  {
    what: 'too many arguments',
    words: [...form, '0', '0', 'out.txt', 'true', 'more'],
    code: 2,
    says: FORM,
  },
  {
    what: 'a missing script',
    job: stage({ run: 'missing.py' }),
    code: 1,
    says: /the operator missing\.py was not found \(.*\); correct the path or use a bundled operator/,
  },
  {
    what: 'a script of another folder that is missing',
    job: stage({ run: './sub/missing.py' }),
    code: 1,
    says: /the operator \.\/sub\/missing\.py was not found/,
  },
  {
    what: 'a file that is not executable',
    job: stage({ run: './plain.sh' }),
    code: 1,
    says: /the operator \S*plain\.sh cannot be run \(.*\); make it executable with `chmod \+x`/,
  },
  {
    what: 'a missing source',
    job: { sources: ['in.txt', 'missing.csv'] },
    code: 2,
    says: /the source \S+\/missing\.csv does not exist; check the path/,
  },
  {
    what: 'invalid YAML',
    text: 'name: x\nsources: [{ file: in.txt }\nstages: []\n',
    code: 2,
    says: /job\.yaml:3:1: this is not valid YAML/,
  },
  {
    what: 'a misspelt key',
    job: { exactlyonce: true },
    code: 2,
    says: /exactlyonce.*exactlyOnce/,
  },
  {
    what: 'an invalid name of a job',
    job: { name: '../x' },
    code: 2,
    says: /name must be 1 to 64 letters, digits, dots, underscores or hyphens/,
  },
  {
    what: 'an invalid name of a file in HyDFS',
    job: { sink: { file: 'hydfs:a/../b' } },
    code: 2,
    says: /sink\.file.*hydfs:a\/\.\.\/b/,
  },
  {
    what: 'two stages of one name',
    job: { stages: [same, same] },
    code: 2,
    says: /stages\[1\]\.name repeats 'same'/,
  },
  {
    what: 'a job file that is not there',
    words: ['run', 'missing.yaml'],
    code: 2,
    says: /the job file missing\.yaml cannot be read \(ENOENT/,
  },
  {
    what: 'a folder for a job file',
    words: ['run', 'folder'],
    code: 2,
    says: /the job file folder cannot be read \(EISDIR/,
  },
  {
    what: 'an unknown transport',
    words: ['run', 'job.yaml', '--transport', 'pigeon'],
    code: 2,
    says: /--transport is in-process or tcp, not pigeon/,
  },
  {
    what: 'a number of threads that is none',
    words: ['run', 'job.yaml', '--threads', 'two'],
    code: 2,
    says: /--threads takes a whole number/,
  },
];

const valid: JobText = { sources: ['in.txt'], stages: [same] };

/** A place with a source, a script that cannot be run and a folder. */
function prepared(t: ExecutionContext): Place {
  const place = new Place(t);
  place.write('in.txt', 'one\n');
  chmodSync(place.write('plain.sh', '#!/bin/sh\ncat\n'), 0o644);
  place.write('folder/file', '');
  return place;
}

async function leftNothing(t: ExecutionContext, place: Place, before: string[]): Promise<void> {
  t.deepEqual(place.files(), before, 'no file is left');
  const jobs = await place.run(['jobs', '--json']);
  if (jobs.code === 0) t.is(jobs.stdout, '[]\n');
  else t.regex(jobs.stderr, /there is no data directory/);
}

for (const { what, words, job, text, code, says } of mistakes) {
  test.serial(`${what} is one sentence, and no job is begun`, async (t) => {
    const place = prepared(t);
    place.job({ ...valid, ...job });
    if (text !== undefined) place.write('job.yaml', text);
    const before = place.files();
    const ended = await place.run(words ?? ['run', 'job.yaml']);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, says);
    t.regex(ended.stderr, /^rainstorm: [^\n]+\n(the form is: [^\n]+\n)?$/);
    t.is(ended.stdout, '');
    await leftNothing(t, place, before);
  });
}

const pythons: readonly (readonly [string, (place: Place) => string, RegExp])[] = [
  [
    'missing',
    (place) => place.path('no-python'),
    /^rainstorm: the operator identity needs Python but \S+\/no-python could not be run \(.*\); install python3 3\.8 or newer or set PYTHON to its path\n$/,
  ],
  [
    'too old',
    (place) => {
      const path = place.write('old-python', '#!/bin/sh\necho 3.6.9\n');
      chmodSync(path, 0o755);
      return path;
    },
    /^rainstorm: the operator identity needs Python 3\.8 or newer but \S+\/old-python is 3\.6\.9; install .*\n$/,
  ],
];

for (const [what, make, says] of pythons) {
  test.serial(`a Python that is ${what} is one sentence, and no job is begun`, async (t) => {
    const place = prepared(t);
    const env = { PYTHON: make(place) };
    const words = place.job(valid);
    const before = place.files();
    const ended = await rainstorm(t, words, { cwd: place.dir, env });
    t.is(ended.code, 1);
    t.regex(ended.stderr, says);
    await leftNothing(t, place, before);
  });
}

const faults: readonly (readonly [string, string, RegExp])[] = [
  [
    'writes something else',
    "print('hello')\nimport sys\nsys.stdin.read()\n",
    /Protocol Mismatch: .*hello/,
  ],
  [
    'dies before it reads',
    "raise SystemExit('no way')\n",
    /before it read any input; .*\n.*no way/,
  ],
  [
    'leaves before its input ends',
    'import sys\nsys.stdin.readline()\n',
    /exited with 0 before its input ended/,
  ],
];

for (const [what, script, says] of faults) {
  test.serial(
    `an operator that ${what} fails the job, which goes on once it is corrected`,
    async (t) => {
      const place = prepared(t);
      place.write('op.py', script);
      const words = place.job({ ...valid, ...stage({ run: 'op.py' }) });
      const failed = await place.run(words);
      t.is(failed.code, 1, failed.stderr);
      t.regex(failed.stderr, /\nrainstorm: the job job failed: /);
      t.regex(failed.stderr, says);
      const correct =
        "import sys\nfor line in sys.stdin:\n    print(('forward\\n' if line[0] == 'k' else '') + line, end='')\n";
      place.write('op.py', correct);
      t.regex(await place.done(t, words), /is resumed/);
      t.is(place.text(), 'in.txt:0: one\n');
    },
  );
}
