/**
 * Small jobs to be killed, one for each way that a batch becomes durable, with the oracle's words
 * for what they do.
 *
 *   identity    one stage, commits by its append to the destination
 *   transform   filter and transform over channels, a log, then commit by append
 *   rekey       keys of columns; all tuples of a key take one way, so their order is kept
 *   count       filter, re-key, count: a log with kept inputs, rebuilt by replay
 *   words       fan-out before a count
 *   poison      a filter that dies of some lines, in the middle and at the end of the job
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { between, type Random, seededRandom } from '../../src/core/index.ts';

export const jobNames = ['identity', 'transform', 'rekey', 'count', 'words', 'poison'] as const;
export type JobName = (typeof jobNames)[number];

export interface CrashJob {
  readonly name: JobName;
  /** the name in the job file */
  readonly title: string;
  readonly dir: string;
  /** what the oracle is told, without files */
  readonly oracle: readonly string[];
  readonly sources: readonly string[];
  readonly destination: string;
}

export interface JobOptions {
  readonly seed: number;
  readonly lines?: number;
  /** width of a line, so that few lines fill many blocks */
  readonly padding?: number;
  /** tasks of every stage, when not those of the shape */
  readonly tasks?: number;
  /** more lines of the job file */
  readonly more?: string;
  /** more of the source: `follow: true` */
  readonly source?: string;
  /** more of every stage: `deadline: 1s` */
  readonly stage?: string;
}

const KEYS = 40;
const stages: Readonly<Record<JobName, readonly string[]>> = {
  identity: ['{ name: same, type: transform, run: identity.py, tasks: 2 }'],
  transform: [
    '{ name: pick, type: filter, run: filter.py, args: [keep], tasks: 2 }',
    '{ name: change, type: transform, run: replace.py, args: [keep, kept], tasks: 1 }',
  ],
  rekey: [
    "{ name: shape, type: transform, run: project.py, args: ['--key', '1', '0', '2'], tasks: 1 }",
    '{ name: pick, type: filter, run: filter.py, args: [keep], tasks: 2 }',
  ],
  count: [
    '{ name: pick, type: filter, run: filter.py, args: [keep], tasks: 1 }',
    "{ name: shape, type: transform, run: project.py, args: ['--key', '1', '0'], tasks: 1 }",
    '{ name: count, type: aggregate, run: count_by_key.py, tasks: 2 }',
  ],
  words: [
    '{ name: split, type: transform, run: split_words.py, tasks: 1 }',
    '{ name: count, type: aggregate, run: count_by_key.py, tasks: 2 }',
  ],
  poison: [
    '{ name: first, type: filter, run: fragile.py, args: [poison-a], tasks: 1 }',
    '{ name: last, type: filter, run: fragile.py, args: [poison-b], tasks: 1 }',
  ],
};
const oracles: Readonly<Record<JobName, readonly string[]>> = {
  identity: ['identity'],
  transform: ['transform', 'keep', 'keep', 'kept'],
  rekey: ['rekey', 'keep', '1', '0', '2', '--ordered'],
  count: ['count', 'keep', '1'],
  words: ['words'],
  poison: ['identity', '--poison', 'poison'],
};

/** A filter that lets everything pass and dies of one text. */
const fragile = `import sys
while True:
    key_line = sys.stdin.readline()
    if not key_line:
        break
    value_line = sys.stdin.readline()
    if sys.argv[1] in value_line:
        raise ValueError('poison')
    print('forward')
    sys.stdout.write(key_line)
    sys.stdout.write(value_line)
`;

/** Writes the source, the job file `job.yaml` and what else the job needs into `dir`. */
export function writeJob(dir: string, name: JobName, options: JobOptions): CrashJob {
  const { seed, more = '', source = '', stage = '', tasks } = options;
  const title = `${name}-${seed}`;
  const file = join(dir, 'in.csv');
  writeFileSync(file, sourceText(name, options));
  writeFileSync(join(dir, 'fragile.py'), fragile);
  const extended = (text: string): string =>
    stage === '' ? text : text.replace(/ \}$/, `, ${stage} }`);
  const widened = (line: string): string =>
    tasks === undefined ? line : line.replace(/tasks: \d+/, `tasks: ${tasks}`);
  const text = [
    `name: ${title}`,
    `sources: [{ file: in.csv${source === '' ? '' : `, ${source}`} }]`,
    'stages:',
    ...stages[name].map((line) => `  - ${extended(widened(line))}`),
    'sink: { file: out.txt, format: kv }',
    more,
  ];
  writeFileSync(join(dir, 'job.yaml'), `${text.join('\n')}\n`);
  const oracle = oracles[name];
  return { name, title, dir, oracle, sources: [file], destination: join(dir, 'out.txt') };
}

/** The lines that a job with `options` reads. */
export function sourceText(name: JobName, options: JobOptions): string {
  const { seed, lines = 3000, padding = 500 } = options;
  const random = seededRandom(seed);
  const line = name === 'words' ? wordsLine : csvLine;
  const pad = 'x'.repeat(padding);
  let text = '';
  for (let i = 0; i < lines; i++) text += `${line(random, i, name, pad)}\n`;
  return text;
}

/** Length of the destination of a finished `count` job. */
export function countedBytes(options: JobOptions): number {
  const counts = new Map<string, number>();
  let bytes = 0;
  for (const line of sourceText('count', options).split('\n')) {
    const [, key, flag] = line.split(',');
    if (flag !== 'keep') continue;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    bytes += `${key}: ${count}\n`.length;
  }
  return bytes;
}

function csvLine(random: Random, i: number, name: JobName, pad: string): string {
  const flag = between(random, 0, 10) < 7 ? 'keep' : 'drop';
  const poisonous = name === 'poison' && i % 701 === 13;
  const poison = poisonous ? `poison-${between(random, 0, 2) === 0 ? 'a' : 'b'}` : '';
  return `${i},k${between(random, 0, KEYS)},${flag},${poison}${pad}`;
}

function wordsLine(random: Random, i: number, _name: JobName, pad: string): string {
  const words = Array.from({ length: between(random, 0, 6) }, () => `w${between(random, 0, 90)}`);
  return i % 50 === 0 ? '' : [...words, pad.slice(0, pad.length / 2)].join(' ').trim();
}
