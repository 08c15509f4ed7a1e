/**
 * Reads which machines a cluster is made of: a YAML file, a plain file with one host per line, or a
 * list on the command line.
 *
 *   H1  Nothing is guessed: unknown keys, wrong values and two hosts with one name are mistakes.
 *   H2  All mistakes are reported together, each with its line and its key.
 *   H3  The three forms give the same entries to the same schema, so they allow the same things.
 */
import type { z } from 'zod';
import { fault } from '../core/index.ts';
import { describe, openYaml, suggest, type YamlText } from '../plan/index.ts';
import type { Host, HostList } from './host.ts';
import { type HostEntry, type HostsFile, hostSchema, hostsFileSchema } from './hosts-schema.ts';

/** Largest hosts file, in bytes of UTF-8. */
export const HOSTS_FILE_BYTES_MAX = 1024 * 1024;
const PROBLEMS_SHOWN = 30;

export const SSH_PORT = 22;
export const NODE_PORT = 7070;
export const REMOTE_DIR = '~/.rainstorm-node';

interface Mistake {
  readonly line: number;
  readonly says: string;
}

/** An entry as it was found, before it is checked. */
interface Found {
  readonly line: number;
  /** how its keys are called in sentences: `hosts[2]`, or nothing in the plain form */
  readonly at: string;
  readonly value: unknown;
  lineOf(key: string): number;
}

type Defaults = Partial<HostsFile>;

/**
 * Reads the hosts file `text`.
 * @param path where it was found, for the messages
 * @param localUser who is logged in where an entry names nobody
 * @throws HOSTS_INVALID with one line per mistake
 */
export function parseHostsFile(text: string, path: string, localUser: string): HostList {
  const bytes = Buffer.byteLength(text);
  if (bytes > HOSTS_FILE_BYTES_MAX) {
    const says = `the file has ${bytes} bytes, at most ${HOSTS_FILE_BYTES_MAX} are allowed`;
    throw invalid(path, [{ line: 1, says }]);
  }
  const mistakes: Mistake[] = [];
  const read = isYaml(text) ? readYaml(text, mistakes) : readPlain(text, mistakes);
  const hosts = checked(read.found, read.defaults, localUser, mistakes);
  if (hosts.length === 0 && mistakes.length === 0) {
    mistakes.push({ line: 1, says: 'there is no host in it; write one per line' });
  }
  if (mistakes.length > 0) throw invalid(path, mistakes);
  return { hosts, keyFile: read.defaults.keyFile ?? null };
}

/**
 * Reads `host,user@host:port,...` of a command line.
 * @throws HOSTS_INVALID
 */
export function parseHostWords(list: string, localUser: string): HostList {
  const lines = list.split(',').map((text) => text.trim());
  return parseHostsFile(lines.filter((text) => text !== '').join('\n'), '--hosts', localUser);
}

/** A YAML file begins with a key; a plain one with a host, after which no space may follow a colon. */
function isYaml(text: string): boolean {
  const first = text.split('\n').find((line) => !/^\s*(#.*)?$/.test(line)) ?? '';
  return /^\s*([\w-]+\s*:(\s|$)|[-?]\s|\{|---|%)/.test(first);
}

function readYaml(
  text: string,
  mistakes: Mistake[],
): { readonly found: readonly Found[]; readonly defaults: Defaults } {
  const yaml = openYaml(text);
  mistakes.push(...yaml.mistakes.map(({ line, says }) => ({ line, says })));
  if (yaml.broken) return { found: [], defaults: {} };
  const parsed = hostsFileSchema.safeParse(yaml.value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      mistakes.push(...mistakesOf(issue, hostsFileSchema, yaml.value, '', yamlLines(yaml, [])));
    }
    return { found: [], defaults: {} };
  }
  const found = parsed.data.hosts.map((entry, i): Found => {
    const lineOf = yamlLines(yaml, ['hosts', i]);
    const line = lineOf('');
    const value = typeof entry === 'string' ? plainEntry(entry, line, mistakes) : entry;
    return { line, at: `hosts[${i}]`, value, lineOf };
  });
  return { found, defaults: parsed.data };
}

function yamlLines(yaml: YamlText, path: readonly (string | number)[]): (key: string) => number {
  return (key) => yaml.placeOf(path, key === '' ? undefined : key).line;
}

function readPlain(
  text: string,
  mistakes: Mistake[],
): { readonly found: readonly Found[]; readonly defaults: Defaults } {
  const found = text.split('\n').flatMap((raw, i): Found[] => {
    const line = i + 1;
    const words = raw.replace(/(^|\s)#.*$/, '').trim();
    if (words === '') return [];
    return [{ line, at: '', value: plainEntry(words, line, mistakes), lineOf: () => line }];
  });
  return { found, defaults: {} };
}

/** `[user@]host[:port] key=value ...` as an entry; null when the mistake is told already. */
function plainEntry(text: string, line: number, mistakes: Mistake[]): unknown {
  const [place, ...pairs] = text.trim().split(/\s+/);
  const entry: Record<string, unknown> = { ...placeEntry(place) };
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, at)).replace(/-([a-z])/g, (_, c: string) => {
      return c.toUpperCase();
    });
    if (at <= 0) {
      mistakes.push({ line, says: `'${pair}' is not of the form key=value` });
      return null;
    }
    const value = pair.slice(at + 1);
    entry[key] = /^(port|nodePort)$/.test(key) && /^\d+$/.test(value) ? Number(value) : value;
  }
  return entry;
}

function placeEntry(text: string): Record<string, unknown> {
  const at = text.lastIndexOf('@');
  const user = at < 0 ? {} : { user: text.slice(0, at) };
  const place = text.slice(at + 1);
  const [, inner, outer, port] = place.match(/^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/) ?? [];
  if (inner === undefined && outer === undefined) return { ...user, host: place };
  const numbered = port === undefined ? {} : { port: Number(port) };
  return { ...user, host: inner ?? outer, ...numbered };
}

function checked(
  found: readonly Found[],
  defaults: Defaults,
  localUser: string,
  mistakes: Mistake[],
): Host[] {
  const hosts: Host[] = [];
  const names = new Map<string, number>();
  for (const { line, at, value, lineOf } of found) {
    if (value === null) continue;
    const parsed = hostSchema.safeParse(value);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        mistakes.push(...mistakesOf(issue, hostSchema, value, at, lineOf));
      }
      continue;
    }
    const host = completed(parsed.data, defaults, localUser);
    const first = names.get(host.name);
    if (first !== undefined) {
      const says = `there are two hosts named ${host.name}, first in line ${first}; give one another name`;
      mistakes.push({ line, says });
    }
    names.set(host.name, first ?? line);
    hosts.push(host);
  }
  return hosts;
}

function completed(entry: HostEntry, defaults: Defaults, localUser: string): Host {
  const port = entry.port ?? defaults.port ?? SSH_PORT;
  return {
    name: entry.name ?? (port === SSH_PORT ? entry.host : `${entry.host}:${port}`),
    host: entry.host,
    port,
    user: entry.user ?? defaults.user ?? localUser,
    identity: entry.identity ?? defaults.identity ?? null,
    fingerprint: entry.fingerprint?.replace(/=$/, '') ?? null,
    bind: entry.bind ?? null,
    nodePort: entry.nodePort ?? defaults.nodePort ?? NODE_PORT,
    advertise: entry.advertise ?? null,
    dir: entry.dir ?? defaults.dir ?? REMOTE_DIR,
  };
}

function mistakesOf(
  issue: z.core.$ZodIssue,
  schema: typeof hostSchema | typeof hostsFileSchema,
  value: unknown,
  at: string,
  lineOf: (key: string) => number,
): Mistake[] {
  const named = (key: string): string => (at === '' ? key : `${at}.${key}`);
  const known = Object.keys(schema.shape);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const meant = suggest(key, known);
      const guess = meant === null ? '' : `; did you mean '${meant}'?`;
      const says = `${named(key)} is not a known key${guess} (known here: ${known.join(', ')})`;
      return { line: lineOf(key), says };
    });
  }
  const [key] = issue.path.map(String);
  if (key === undefined) {
    const what = at === '' ? 'the file' : at;
    return [{ line: lineOf(''), says: `${what} must be a map of keys, got ${describe(value)}` }];
  }
  const field = Object.entries(schema.shape).find(([name]) => name === key)?.[1];
  const given = Object.entries(value ?? {}).find(([name]) => name === key)?.[1];
  const allowed = field === undefined ? 'something else' : descriptionOf(field);
  if (given === undefined) {
    return [{ line: lineOf(''), says: `${named(key)} is missing; it must be ${allowed}` }];
  }
  return [{ line: lineOf(key), says: `${named(key)} must be ${allowed}, got ${describe(given)}` }];
}

function descriptionOf(field: z.ZodType): string {
  const own = field.description;
  if (own !== undefined) return own;
  const inner = 'unwrap' in field && typeof field.unwrap === 'function' ? field.unwrap() : null;
  return (inner as z.ZodType | null)?.description ?? 'something else';
}

function invalid(path: string, mistakes: readonly Mistake[]): Error {
  const sorted = mistakes.toSorted((a, b) => a.line - b.line);
  const lines = sorted.slice(0, PROBLEMS_SHOWN).map(({ line, says }) => `${path}:${line}: ${says}`);
  if (sorted.length > PROBLEMS_SHOWN) lines.push(`and ${sorted.length - PROBLEMS_SHOWN} more`);
  const problems = lines.length === 1 ? lines[0] : `\n${lines.join('\n')}`;
  return fault('HOSTS_INVALID', { path, problems });
}
