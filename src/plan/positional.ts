/**
 * The command line of the original system:
 *
 *   <WorkerBinPath> <NStages> <NTasks> (<Op_Exe> <Op_Args> <Op_Type>)xNStages
 *   <N_SRC> <src>... <AutoScalable> <InputRate> <LW> <HW> <Dest> <ExactlyOnce>
 *
 * P1. Arguments are counted from 1, and every mistake names its number and its name in the form.
 * P2. Two counts decide where everything after them is. While they agree with the number of
 *     arguments, all mistakes are listed; when they do not, what is said is how many were expected
 *     and the first argument that does not fit its place, since the rest is shifted.
 * P3. Every argument is checked, also one that has no effect (LW and HW without AutoScalable).
 * P4. The result is the same `JobSpec` that a job file would give; nothing later knows the form.
 */
import { fault, present } from '../core/index.ts';
import { nameFrom } from './job-file.ts';
import { DEADLINE_MS_DEFAULT, RESERVED_STAGE_NAMES, STAGE_TYPES } from './job-schema.ts';
import { canonicalJson, type JobSpec, type StageSpec, type StageType } from './job-spec.ts';
import {
  checkArguments,
  isTrue,
  layOut,
  NO_ARGUMENTS,
  type Place,
  type PlaceName,
  POSITIONAL_FORM,
} from './positional-form.ts';
import { joinShellWords, splitShellWords } from './shell-words.ts';

/** First words that are subcommands, so never a worker's path in the positional form. */
export const SUBCOMMANDS: readonly string[] = (
  'run attach node up down jobs tasks kill-task stop logs scale fs members switch leave verify op keygen ' +
  'version help'
).split(' ');

/** A job given in the positional form. */
export interface PositionalJob {
  /** The original system started its workers from here; kept for display. */
  readonly workerBinPath: string;
  readonly spec: JobSpec;
}

/**
 * True when `argv` (without the program's name) is meant as the positional form: its first word is
 * neither an option nor a subcommand, and what follows has a mark of the form.
 */
export function looksPositional(argv: readonly string[]): boolean {
  const [first, second] = argv;
  if (first === undefined || second === undefined) return false;
  if (first.startsWith('-') || SUBCOMMANDS.includes(first)) return false;
  const hasType = argv.some((text) => (STAGE_TYPES as readonly string[]).includes(text));
  return /^\d+$/.test(second) || hasType || argv.length >= 10;
}

/**
 * Reads the positional form.
 * @param baseDir the folder that relative paths are relative to; absolute for a job that is kept
 * @throws fault ARGUMENTS_INVALID with one line per mistake, AUTOSCALE_NOT_YET
 */
export function parsePositional(argv: readonly string[], baseDir = '.'): PositionalJob {
  const layout = layOut(argv);
  const problems = checkArguments(argv, layout);
  if (problems.length > 0) {
    throw fault('ARGUMENTS_INVALID', { problems: problems.join('\n'), form: POSITIONAL_FORM });
  }
  const values = new ArgumentValues(argv, layout.places);
  if (isTrue(values.one('AutoScalable'))) {
    const at = layout.places.findIndex((place) => place.name === 'AutoScalable') + 1;
    throw fault('AUTOSCALE_NOT_YET', { where: `argument ${at} (AutoScalable)` });
  }
  return { workerBinPath: values.one('WorkerBinPath'), spec: specOf(values, baseDir) };
}

function specOf(values: ArgumentValues, baseDir: string): JobSpec {
  const dest = values.one('Dest');
  return {
    name: nameFrom(dest.replace(/^hydfs:/, '')),
    baseDir,
    operatorDirs: [],
    files: [],
    requirements: '',
    names: 'local',
    sources: values.all('src').map((file) => ({ file, rate: 0, follow: false })),
    rate: Number(values.one('InputRate')),
    stages: stagesOf(values),
    sink: { file: dest, format: 'kv' },
    exactlyOnce: isTrue(values.one('ExactlyOnce')),
    logOutputs: 'sample',
    autoscale: false,
  };
}

function stagesOf(values: ArgumentValues): StageSpec[] {
  const tasks = Number(values.one('NTasks'));
  const args = values.all('Op_Args').map(wordsOf);
  const types = values.all('Op_Type').map((text) => text.toLowerCase() as StageType);
  const runs = values.all('Op_Exe');
  return uniqueNames(runs.map(nameFrom)).map((name, i) => ({
    name,
    type: types[i],
    run: runs[i],
    args: args[i],
    tasks,
    processes: 1,
    deadlineMs: DEADLINE_MS_DEFAULT,
    protocol: 'lines',
    shim: true,
    env: {},
    files: [],
  }));
}

function wordsOf(text: string): readonly string[] {
  const result = text === NO_ARGUMENTS ? null : splitShellWords(text);
  return result?.kind === 'words' ? result.words : [];
}

/** Gives each stage a name of its own: `filter`, `filter-2`, ... */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(RESERVED_STAGE_NAMES);
  return names.map((full) => {
    const base = full.slice(0, 60);
    let name = base;
    for (let k = 2; taken.has(name); k++) name = `${base}-${k}`;
    taken.add(name);
    return name;
  });
}

/** The arguments by their names in the form, after all were found valid. */
class ArgumentValues {
  readonly #argv: readonly string[];
  readonly #places: readonly Place[];

  constructor(argv: readonly string[], places: readonly Place[]) {
    this.#argv = argv;
    this.#places = places;
  }

  all(name: PlaceName): string[] {
    return this.#argv.filter((_, i) => this.#places[i].name === name);
  }

  one(name: PlaceName): string {
    return present(this.all(name)[0], `a valid command line has ${name}`);
  }
}

/**
 * The command line that `parsePositional` reads as `spec`, or null when the form cannot say all of
 * it (its own stage names, per-source rates, different task counts, a format other than kv, ...).
 */
export function formatPositional(spec: JobSpec, workerBinPath = 'rainstorm'): string[] | null {
  const tasks = spec.stages[0]?.tasks ?? 1;
  const argv = [
    workerBinPath,
    String(spec.stages.length),
    String(tasks),
    ...spec.stages.flatMap(({ run, args, type }) => [run, formatWords(args), type]),
    String(spec.sources.length),
    ...spec.sources.map((source) => source.file),
    ...['false', String(spec.rate), '0', '0', spec.sink.file, String(spec.exactlyOnce)],
  ];
  if (checkArguments(argv, layOut(argv)).length > 0) return null;
  const again = parsePositional(argv, spec.baseDir).spec;
  return canonicalJson(again) === canonicalJson(spec) ? argv : null;
}

function formatWords(args: readonly string[]): string {
  const text = joinShellWords(args);
  if (text === '') return NO_ARGUMENTS;
  return text === NO_ARGUMENTS ? `'${text}'` : text;
}
