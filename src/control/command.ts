/**
 * The commands of the control log. Every decision of the cluster is one of them.
 *
 *   entry   = { index: uint, term: uint, command }
 *   command = { kind, term, ... }            ; term: of the leader that decided
 *
 * Kinds and fields are append-only: an old log is read by a new program. Whatever is read from a
 * disk or a peer goes through `entrySchema` first, so `apply` sees well-formed commands only.
 */
import { z } from 'zod';
import { type JobState, jobStates } from './job-edges.ts';

/** Longest name, address or id in a command, in characters. */
const NAME_CHARS_MAX = 1024;
/** Longest reason, in characters: a sentence with a short traceback. */
export const REASON_CHARS_MAX = 8192;
/** A slot table: 1024 task indexes, two bytes each, low byte first. */
const TABLE_BYTES = 2048;

const uint = z.int().nonnegative();
const id = z.string().min(1).max(NAME_CHARS_MAX);
/** Milliseconds since 1970 by the leader's clock; for people. */
const at = z.number().nonnegative();
const term = uint;
const stage = uint;
const index = uint;

export const stateSchema = z.enum(jobStates as [JobState, ...JobState[]]);

/** Named totals of a task: tuples in, out, filtered, ... */
export const countsSchema = z.record(z.string().max(64), z.number());

const isTable = (value: unknown): boolean =>
  value instanceof Uint8Array && value.length === TABLE_BYTES;
/** Copied, so that a table does not keep the buffer it was read from. */
export const tableSchema = z
  .custom<Uint8Array>(isTable, `expected ${TABLE_BYTES} bytes`)
  .transform((bytes) => new Uint8Array(bytes));

export const commandSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('term-begin'), term, at }),
  z.strictObject({ kind: z.literal('node-admit'), term, node: id, address: id, cores: uint, at }),
  z.strictObject({ kind: z.literal('node-remove'), term, node: id, at }),
  z.strictObject({
    kind: z.literal('job-submit'),
    term,
    job: id,
    name: id,
    spec: z.record(z.string(), z.unknown()),
    fingerprint: id,
    at,
  }),
  z.strictObject({
    kind: z.literal('job-state'),
    term,
    job: id,
    /** When given, the command is refused unless the job is in this state. */
    from: stateSchema.optional(),
    to: stateSchema,
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    at,
  }),
  z.strictObject({ kind: z.literal('assign'), term, job: id, stage, index, node: id, at }),
  z.strictObject({
    kind: z.literal('task-done'),
    term,
    job: id,
    stage,
    index,
    epoch: uint,
    counts: countsSchema,
    at,
  }),
  z.strictObject({
    kind: z.literal('slots'),
    term,
    job: id,
    stage,
    version: uint,
    table: tableSchema,
    at,
  }),
  z.strictObject({ kind: z.literal('job-forget'), term, job: id, at }),
]);

export const entrySchema = z.strictObject({ index: uint, term, command: commandSchema });

export type Command = z.infer<typeof commandSchema>;
export type Entry = z.infer<typeof entrySchema>;
export type Counts = Readonly<Record<string, number>>;

/** Why a command had no effect. */
export type Refusal =
  | 'stale-term'
  | 'no-such-node'
  | 'no-such-job'
  | 'job-exists'
  | 'name-taken'
  | 'illegal-transition'
  | 'state-changed'
  | 'tasks-unfinished'
  | 'job-not-live'
  | 'job-live'
  | 'stale-epoch'
  | 'already-done'
  | 'stale-version';

/**
 * What applying a command came to. `epoch` is set by `assign`; `replaced` by a `node-admit` that
 * took the address of older nodes; `of` names what stood in the way.
 */
export type Outcome =
  | { readonly ok: true; readonly epoch?: number; readonly replaced?: readonly string[] }
  | { readonly ok: false; readonly why: Refusal; readonly of?: string };
