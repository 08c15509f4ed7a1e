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
import { RING_POINTS } from '../plan/index.ts';
import { type JobState, jobStates } from './job-edges.ts';

/** Longest name, address or id in a command, in characters. */
const NAME_CHARS_MAX = 1024;
/** Longest reason, in characters: a sentence with a short traceback. */
export const REASON_CHARS_MAX = 8192;
/** Copies that may be wished for. */
export const COPIES_MAX = 8;
/** Stores in one list of a configuration: all copies may have to move to other stores at once. */
export const REPLICAS_MAX = 2 * COPIES_MAX;
/** Longest id of a store, in characters. */
const STORE_CHARS_MAX = 64;
/** A slot table: 1024 task indexes, two bytes each, low byte first. */
const TABLE_BYTES = 2048;

const uint = z.int().nonnegative();
const id = z.string().min(1).max(NAME_CHARS_MAX);
/** Milliseconds since 1970 by the leader's clock; for people. */
const at = z.number().nonnegative();
const term = uint;
const stage = uint;
const index = uint;

const store = z.string().min(1).max(STORE_CHARS_MAX);
const point = uint.max(RING_POINTS - 1);
/** Numbers of stores, by their place in the command's list: ids would make an entry six times as long. */
const storeNumbers = z.array(uint).max(REPLICAS_MAX);
/** Points and the versions that they must have. */
const pointVersions = z
  .array(z.tuple([point, uint]))
  .min(1)
  .max(RING_POINTS);
/** A point, the version that it must have, and its replicas and joining stores from then on. */
const pointChange = z.tuple([point, uint, storeNumbers.min(1), storeNumbers]);

const pointsSchema = z
  .strictObject({
    kind: z.literal('hydfs-points'),
    term,
    stores: z.array(store).max(RING_POINTS),
    changes: z.array(pointChange).min(1).max(RING_POINTS),
    /** Points that get their first holders are fresh: whoever makes a file there says `hydfs-used` first. */
    fresh: z.literal(true).optional(),
    at,
  })
  .refine(({ stores }) => new Set(stores).size === stores.length, 'a store is listed twice')
  .refine(
    ({ stores, changes }) =>
      changes.every(([, , replicas, joining]) => areStores([...replicas, ...joining], stores)),
    'a change names a store twice, or one that is not listed',
  );

function areStores(numbers: readonly number[], stores: readonly string[]): boolean {
  return new Set(numbers).size === numbers.length && numbers.every((n) => n < stores.length);
}

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
  z.strictObject({
    kind: z.literal('node-admit'),
    term,
    node: id,
    address: id,
    cores: uint,
    /** The id of its files' store, which it keeps over restarts; without one it holds no files. */
    store: store.optional(),
    at,
  }),
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
  z.strictObject({
    kind: z.literal('hydfs-copies'),
    term,
    copies: uint.min(1).max(COPIES_MAX),
    at,
  }),
  pointsSchema,
  z.strictObject({
    kind: z.literal('hydfs-caught-up'),
    term,
    store,
    points: pointVersions,
    /** The node that filled it: what it said has no effect once another has taken its place. */
    by: id.optional(),
    at,
  }),
  z.strictObject({ kind: z.literal('hydfs-used'), term, points: pointVersions, at }),
  z.strictObject({
    kind: z.literal('hydfs-unfit'),
    term,
    store,
    point,
    version: uint,
    /** For people. */
    reason: z.string().max(REASON_CHARS_MAX),
    at,
  }),
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
  | 'stale-version'
  | 'no-such-store'
  | 'last-replica';

/**
 * What applying a command came to. `epoch` is set by `assign`; `replaced` by a `node-admit` that
 * took the address of older nodes; `of` names what stood in the way.
 */
export type Outcome =
  | { readonly ok: true; readonly epoch?: number; readonly replaced?: readonly string[] }
  | { readonly ok: false; readonly why: Refusal; readonly of?: string };
