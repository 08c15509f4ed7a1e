/**
 * Where each argument of the positional form stands, and what it may be. See `positional.ts` for
 * the form and the rules P1 to P3.
 */
import { describe } from './job-problems.ts';
import { JOB_SOURCES_MAX, RATE_MAX, STAGE_TYPES, STAGES_MAX, TASKS_MAX } from './job-schema.ts';
import { locationKey, locationProblem } from './location.ts';
import { splitShellWords } from './shell-words.ts';
import { suggest } from './suggest.ts';

/** The form, for usage texts. */
export const POSITIONAL_FORM =
  '<WorkerBinPath> <NStages> <NTasks> (<Op_Exe> <Op_Args> <Op_Type>)xNStages <N_SRC> <src>... ' +
  '<AutoScalable> <InputRate> <LW> <HW> <Dest> <ExactlyOnce>';

/** What stands for "no arguments" in Op_Args. */
export const NO_ARGUMENTS = 'none';

/** What is wrong with a text as the rest of a sentence, or null. */
type Check = (text: string) => string | null;

const checks = {
  WorkerBinPath: path,
  NStages: whole(1, STAGES_MAX),
  NTasks: whole(1, TASKS_MAX),
  Op_Exe: path,
  Op_Args: words,
  Op_Type: stageType,
  N_SRC: whole(1, JOB_SOURCES_MAX),
  src: location,
  AutoScalable: boolean,
  InputRate: rate,
  LW: rate,
  HW: rate,
  Dest: location,
  ExactlyOnce: boolean,
} as const satisfies Record<string, Check>;

/** A name of the form. */
export type PlaceName = keyof typeof checks;

/** One place of the form; argument i + 1 stands at `places[i]`. */
export interface Place {
  readonly name: PlaceName;
  /** Which stage or source, from 1; 0 where there is only one. */
  readonly ordinal: number;
}

/** The places of a command line, as far as its counts tell. */
export interface Layout {
  readonly places: readonly Place[];
  /** True when both counts could be read, so that `places` is the whole form. */
  readonly complete: boolean;
}

/** Lays the form over `argv`, following its NStages and N_SRC. */
export function layOut(argv: readonly string[]): Layout {
  const places: Place[] = [single('WorkerBinPath'), single('NStages'), single('NTasks')];
  const nStages = countAt(argv, 'NStages', 1);
  if (nStages === null) return { places, complete: false };
  for (let ordinal = 1; ordinal <= nStages; ordinal++) {
    for (const name of ['Op_Exe', 'Op_Args', 'Op_Type'] as const) places.push({ name, ordinal });
  }
  places.push(single('N_SRC'));
  const nSources = countAt(argv, 'N_SRC', places.length - 1);
  if (nSources === null) return { places, complete: false };
  for (let ordinal = 1; ordinal <= nSources; ordinal++) places.push({ name: 'src', ordinal });
  const rest = ['AutoScalable', 'InputRate', 'LW', 'HW', 'Dest', 'ExactlyOnce'] as const;
  return { places: [...places, ...rest.map(single)], complete: true };
}

function single(name: PlaceName): Place {
  return { name, ordinal: 0 };
}

function countAt(argv: readonly string[], name: 'NStages' | 'N_SRC', at: number): number | null {
  const text = argv[at];
  return text === undefined || checks[name](text) !== null ? null : Number(text);
}

/** Every mistake in `argv`, one sentence each (P1, P2); empty when it is valid. */
export function checkArguments(argv: readonly string[], layout: Layout): string[] {
  const { places, complete } = layout;
  const wrong = places.flatMap((place, i) => (i < argv.length ? mistake(argv, place, i) : []));
  if (complete && argv.length === places.length) return [...wrong, ...repeatedFiles(argv, places)];
  if (!complete && argv.length >= places.length) {
    return [...wrong, 'the arguments after that cannot be placed until it is corrected'];
  }
  const least = complete ? '' : 'at least ';
  const expected = complete ? places.length : places.length + MORE_AFTER_LAST_COUNT;
  return [`expected ${least}${expected} arguments${because(argv, layout)}, got ${argv.length}`].map(
    (says) => `${says}; ${wrong[0] ?? firstOff(argv, places)}`,
  );
}

/** At least one source and the six arguments after the sources. */
const MORE_AFTER_LAST_COUNT = 7;

function because(argv: readonly string[], { places, complete }: Layout): string {
  const at = places.findIndex((place) => place.name === 'N_SRC');
  if (at < 0) return '';
  return complete ? ` for NStages ${argv[1]} and N_SRC ${argv[at]}` : ` for NStages ${argv[1]}`;
}

function firstOff(argv: readonly string[], places: readonly Place[]): string {
  const at = Math.min(argv.length, places.length);
  if (argv.length < places.length) return `argument ${at + 1} (${label(places[at])}) is missing`;
  const hint = argv[at].startsWith('--') ? ', options stand before WorkerBinPath' : '';
  return `argument ${at + 1}, ${describe(argv[at])}, is one too many${hint}`;
}

function mistake(argv: readonly string[], place: Place, i: number): string[] {
  const wrong = checks[place.name](argv[i]);
  return wrong === null ? [] : [`argument ${i + 1} (${label(place)}) ${wrong}`];
}

function label({ name, ordinal }: Place): string {
  if (ordinal === 0) return name;
  return name === 'src' ? `src ${ordinal}` : `${name} of stage ${ordinal}`;
}

function repeatedFiles(argv: readonly string[], places: readonly Place[]): string[] {
  const problems: string[] = [];
  places.forEach((place, i) => {
    if (place.name !== 'src' && place.name !== 'Dest') return;
    const key = locationKey(argv[i]);
    const first = places.findIndex((p, j) => p.name === 'src' && locationKey(argv[j]) === key);
    if (first < 0 || first >= i) return;
    const remedy = place.name === 'src' ? 'name each source once' : 'give another destination';
    const here = `argument ${i + 1} (${label(place)})`;
    problems.push(`${here} repeats argument ${first + 1}, ${describe(argv[i])}; ${remedy}`);
  });
  return problems;
}

function path(text: string): string | null {
  const good = text !== '' && text.length <= 4096 && !text.includes('\0');
  return good ? null : `must be a path, got ${describe(text)}`;
}

function location(text: string): string | null {
  const reason = locationProblem(text);
  return reason === null ? null : `must be a file name, got ${describe(text)}: ${reason}`;
}

function whole(low: number, high: number): Check {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high) return null;
    return `must be a whole number from ${low} to ${high}, got ${describe(text)}`;
  };
}

function rate(text: string): string | null {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value <= RATE_MAX ? null : `must be a number from 0 to ${RATE_MAX}, got ${describe(text)}`;
}

function boolean(text: string): string | null {
  if (/^(true|false|1|0)$/i.test(text)) return null;
  return `must be true, false, 1 or 0, got ${describe(text)}`;
}

/** What a valid boolean argument says. */
export function isTrue(text: string): boolean {
  return /^(true|1)$/i.test(text);
}

function words(text: string): string | null {
  if (text === NO_ARGUMENTS) return null;
  const result = splitShellWords(text);
  if (result.kind === 'words') return null;
  return `must be one text of shell words, got ${describe(text)}: ${result.reason}`;
}

function stageType(text: string): string | null {
  if (STAGE_TYPES.some((known) => known === text.toLowerCase())) return null;
  const meant = suggest(text, STAGE_TYPES);
  const guess = meant === null ? '' : `; did you mean '${meant}'?`;
  return `must be one of ${STAGE_TYPES.join(', ')}, got ${describe(text)}${guess}`;
}
