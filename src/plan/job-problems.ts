/**
 * Turns what the schema refused into sentences: which key, what is allowed, what was found and,
 * where it can be guessed, what was meant. Knows values and key paths, not texts and lines.
 */
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { jobFileSchema, RESERVED_STAGE_NAMES } from './job-schema.ts';
import { locationProblem } from './location.ts';
import { suggest } from './suggest.ts';

export type KeyPath = readonly PropertyKey[];

/** One mistake in a job. `unknownKey` is set when the mistake is the key, not its value. */
export interface Problem {
  readonly path: KeyPath;
  readonly says: string;
  readonly unknownKey?: string;
}

const PROTOCOLS_LATER = ['native', 'storm'];

/** `stages[1].type`, as people point at a key. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w.-]+$/.test(String(part)))
      text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text === '' ? 'the job' : text;
}

/** The mistakes that `jobFileSchema` finds in `value`, in the order of their keys. */
export function schemaProblems(value: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const seen = new Set<string>();
  return issues
    .flatMap((issue) => problemsOf(value, issue))
    .filter((problem) => {
      const key = formatKeyPath([...problem.path, problem.unknownKey ?? '']);
      return seen.size < seen.add(key).size;
    });
}

function problemsOf(value: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path, says: unknownKeySays(path, key), unknownKey: key }));
  }
  if (issue.code === 'invalid_key') return [invalidKey(path)];
  return [{ path, says: valueSays(path, valueAt(value, path)) }];
}

function invalidKey(path: KeyPath): Problem {
  const key = String(path.at(-1));
  const says = `${formatKeyPath(path)} is not a variable name; use letters, digits and underscores, not beginning with a digit`;
  return { path: path.slice(0, -1), says, unknownKey: key };
}

function unknownKeySays(path: KeyPath, key: string): string {
  if (key === '<<') return 'merge keys (<<) are not supported; write the keys out';
  const schema = schemaAt(path);
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const meant = suggest(key, known);
  const guess = meant === null ? '' : `; did you mean '${meant}'?`;
  return `${formatKeyPath([...path, key])} is not a known key${guess} (known here: ${known.join(', ')})`;
}

function valueSays(path: KeyPath, value: unknown): string {
  const key = formatKeyPath(path);
  const allowed = allowedAt(path);
  if (value === undefined) return `${key} is missing; it must be ${allowed}`;
  return `${key} must be ${allowed}, got ${describe(value)}${hint(path, value)}`;
}

/** What may help a person who wrote `value` at `path`. */
function hint(path: KeyPath, value: unknown): string {
  const schema = schemaAt(path);
  const last = path.at(-1);
  if (last === 'protocol' && PROTOCOLS_LATER.includes(String(value))) {
    return `; the ${value} protocol is not in this version, use lines or leave the key out`;
  }
  if (last === 'deadline' && typeof value === 'number') return '; add a unit, such as 30s';
  if (schema instanceof z.ZodString && (typeof value === 'number' || typeof value === 'boolean')) {
    return `; put it in quotes: '${value}'`;
  }
  if (typeof value !== 'string') return '';
  const unquotable = schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean;
  if (unquotable && /^(true|false|[\d.]+)$/.test(value)) return '; write it without quotes';
  if (schema instanceof z.ZodEnum) {
    const meant = suggest(value, schema.options.map(String));
    return meant === null ? '' : `; did you mean '${meant}'?`;
  }
  return reasonHint(last, value);
}

function reasonHint(key: PropertyKey | undefined, value: string): string {
  if (key === 'file') return `: ${locationProblem(value)}`;
  if (key === 'name' && RESERVED_STAGE_NAMES.includes(value)) return ', which is reserved';
  if (key === 'deadline' && parseDuration(value) === null) return '; write it like 10s';
  return '';
}

/** `value` in a few words. */
export function describe(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`;
  if (value === '') return 'an empty text';
  const visible = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"');
  return `'${visible.length > 60 ? `${visible.slice(0, 57)}...` : visible}'`;
}

/** What is allowed at `path`: the description of the innermost described field there. */
function allowedAt(path: KeyPath): string {
  for (let length = path.length; length >= 0; length--) {
    const description = describedAt(path.slice(0, length));
    if (description === undefined) continue;
    return length === path.length ? description : `an entry of ${description}`;
  }
  return 'a job';
}

function describedAt(path: KeyPath): string | undefined {
  let schema: unknown = jobFileSchema;
  for (const part of path) schema = inner(bare(schema), part);
  return schema instanceof z.ZodType ? schema.meta()?.description : undefined;
}

/** The schema at `path` without defaults and optional marks, or null. */
function schemaAt(path: KeyPath): unknown {
  let schema: unknown = jobFileSchema;
  for (const part of path) schema = inner(bare(schema), part);
  return bare(schema);
}

function bare(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return bare(schema.unwrap());
  return schema;
}

function inner(schema: unknown, part: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[String(part)];
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return null;
}

/** The value at `path` inside `value`, or undefined. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  let at = value;
  for (const part of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, part)) return undefined;
    at = Reflect.get(at, part);
  }
  return at;
}
