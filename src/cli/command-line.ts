/**
 * The words of a command line: which command, with which flags.
 *
 * The positional form of the original system carries texts that look like flags (`"-i Street"`), so
 * its arguments are never read as flags: flags of the program stand before it.
 */
import { availableParallelism } from 'node:os';
import meow from 'meow';
import { fault } from '../core/index.ts';
import { looksPositional, suggest } from '../plan/index.ts';

/**
 * Threads for batch work when nobody says: what is left beside the main thread and an operator, at
 * most four. On two cores there is none, and moving work between threads only costs.
 */
function kernelThreads(cores: number): number {
  return Math.max(0, Math.min(4, cores - 2));
}

/** Where nodes listen when nobody says. */
const DEFAULT_PORT = 7070;

/** Every flag of the program; each command says which it takes. */
const flagTypes = {
  data: { type: 'string', default: '.rainstorm' },
  json: { type: 'boolean', default: false },
  overwrite: { type: 'boolean', default: false },
  restart: { type: 'boolean', default: false },
  now: { type: 'boolean', default: false },
  detach: { type: 'boolean', default: false },
  print: { type: 'boolean', default: false },
  threads: { type: 'number', default: kernelThreads(availableParallelism()) },
  transport: { type: 'string', default: 'in-process' },
  sync: { type: 'string', default: 'group' },
  from: { type: 'string' },
  to: { type: 'number' },
  lines: { type: 'number' },
  grep: { type: 'string' },
  bind: { type: 'string', default: '127.0.0.1' },
  port: { type: 'number', default: DEFAULT_PORT },
  join: { type: 'string', default: '' },
  advertise: { type: 'string' },
  keyFile: { type: 'string' },
  cluster: { type: 'string' },
  voters: { type: 'number', default: 5 },
  copies: { type: 'number' },
  replaceAfter: { type: 'string', default: '60s' },
  repairRate: { type: 'number' },
  dropRate: { type: 'string', default: '0' },
  remove: { type: 'string' },
  self: { type: 'boolean', default: false },
  ids: { type: 'boolean', default: false },
  suspects: { type: 'boolean', default: false },
  protocol: { type: 'boolean', default: false },
  hosts: { type: 'string' },
  bin: { type: 'string' },
  knownHosts: { type: 'string' },
  passphraseFile: { type: 'string' },
  passwordFile: { type: 'string' },
  clean: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
} as const;

export type FlagName = keyof typeof flagTypes;

export interface Flags {
  readonly data: string;
  readonly json: boolean;
  readonly overwrite: boolean;
  readonly restart: boolean;
  readonly now: boolean;
  readonly detach: boolean;
  readonly print: boolean;
  readonly threads: number;
  readonly transport: string;
  readonly sync: string;
  readonly from: string | undefined;
  readonly to: number | undefined;
  readonly lines: number | undefined;
  readonly grep: string | undefined;
  readonly bind: string;
  readonly port: number;
  readonly join: string;
  readonly advertise: string | undefined;
  readonly keyFile: string | undefined;
  readonly cluster: string | undefined;
  readonly voters: number;
  readonly copies: number | undefined;
  readonly replaceAfter: string;
  readonly repairRate: number | undefined;
  readonly dropRate: string;
  readonly remove: string | undefined;
  readonly self: boolean;
  readonly ids: boolean;
  readonly suspects: boolean;
  readonly protocol: boolean;
  readonly hosts: string | undefined;
  readonly bin: string | undefined;
  readonly knownHosts: string | undefined;
  readonly passphraseFile: string | undefined;
  readonly passwordFile: string | undefined;
  readonly clean: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export interface CommandLine {
  /** positional form: the words are its arguments */
  readonly positional: boolean;
  readonly words: readonly string[];
  readonly flags: Flags;
  /** the flags that were given, in the order of the line */
  readonly given: readonly FlagName[];
}

/**
 * Reads `argv` (without the program's name).
 * @throws USAGE for an unknown flag or a value of the wrong kind
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const start = argv.findIndex((_, i) => !followsFlag(argv, i) && looksPositional(argv.slice(i)));
  if (
    start >= 0 &&
    argv.slice(0, start).every((text, i) => text.startsWith('-') || followsFlag(argv, i))
  ) {
    const { flags, given } = readFlags(argv.slice(0, start));
    return { positional: true, words: argv.slice(start), flags, given };
  }
  const own = operatorWords(argv);
  const { words, flags, given } = readFlags(argv.slice(0, own));
  const rest = argv[own] === '--' ? argv.slice(own + 1) : argv.slice(own);
  return { positional: false, words: [...words, ...rest], flags, given };
}

/** In `op check SCRIPT args...` the arguments are the script's, whatever they look like. */
function operatorWords(argv: readonly string[]): number {
  const words = argv
    .map((text, at) => ({ text, at }))
    .filter(({ text, at }) => !text.startsWith('-') && !followsFlag(argv, at));
  const [first, second, script] = words;
  const isCheck = first?.text === 'op' && second?.text === 'check' && script !== undefined;
  return isCheck && !argv.slice(0, script.at).includes('--') ? script.at + 1 : argv.length;
}

/** True when `argv[i]` is the value of the flag before it. */
function followsFlag(argv: readonly string[], i: number): boolean {
  const before = argv[i - 1];
  if (before === undefined || !before.startsWith('--') || before.includes('=')) return false;
  const name = camelCase(before.slice(2));
  return isFlag(name) && flagTypes[name].type !== 'boolean';
}

function readFlags(argv: readonly string[]): Omit<CommandLine, 'positional'> {
  refuseUnknown(argv);
  const cli = meow('', {
    importMeta: { url: 'file:///rainstorm' } as ImportMeta,
    argv: [...argv],
    pkg: { name: 'rainstorm' },
    autoHelp: false,
    autoVersion: false,
    inferType: false,
    flags: flagTypes,
  });
  const given = argv
    .filter((text) => text.startsWith('--') && text !== '--')
    .map((text) => flagName(text))
    .filter(isFlag);
  refuseBadNumbers(cli.flags, given);
  return { words: cli.input, flags: cli.flags as Flags, given };
}

function refuseUnknown(argv: readonly string[]): void {
  const end = argv.indexOf('--');
  for (const text of end < 0 ? argv : argv.slice(0, end)) {
    if (!text.startsWith('-') || text === '-') continue;
    const name = flagName(text);
    if (text.startsWith('--') && isFlag(name)) continue;
    const near = suggest(name, Object.keys(flagTypes));
    const hint = near === null ? '' : `, did you mean --${near}?`;
    throw fault('USAGE', { problem: `there is no option ${text.split('=')[0]}${hint}` });
  }
}

function refuseBadNumbers(
  flags: Readonly<Record<string, unknown>>,
  given: readonly FlagName[],
): void {
  for (const name of given) {
    const value = flags[name];
    const bad =
      flagTypes[name].type === 'number' && !(Number.isInteger(value) && Number(value) >= 0);
    if (bad) throw fault('USAGE', { problem: `--${name} takes a whole number` });
    if (flagTypes[name].type === 'string' && value === '') {
      throw fault('USAGE', { problem: `--${name} takes a value` });
    }
  }
}

function flagName(text: string): string {
  return camelCase(text.replace(/^--?(no-)?/, '').split('=')[0]);
}

function camelCase(text: string): string {
  return text.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(flagTypes, name);
}
