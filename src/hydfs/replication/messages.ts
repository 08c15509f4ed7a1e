/**
 * What replicas ask of each other.
 *
 *   hydfs.survey   begins a session; answers with the inventory, page by page
 *   hydfs.copy     entries for the end of a file (bulk bytes, see `entry-frames.ts`)
 *   hydfs.piece    a part of an entry that is too large for one request
 *   hydfs.fetch    entries of a file, as chunks of one stream of entry frames
 *   hydfs.remove   removes a file
 *   hydfs.trim     a hint that the beginning of a file is not needed
 *   hydfs.sums     checksums of a file's blocks
 *
 * A request that comes too late or in the wrong place is answered with `refused`, not with a fault:
 * that is part of the game. Faults are for damage and disks.
 */
import { z } from 'zod';
import { RING_POINTS } from '../../plan/index.ts';

export const METHODS = {
  survey: 'hydfs.survey',
  copy: 'hydfs.copy',
  piece: 'hydfs.piece',
  fetch: 'hydfs.fetch',
  remove: 'hydfs.remove',
  trim: 'hydfs.trim',
  sums: 'hydfs.sums',
} as const;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const name = z.string().min(1).max(255);
const store = z.string().min(1).max(64);
const point = z
  .number()
  .int()
  .min(0)
  .max(RING_POINTS - 1);

/** Under which configuration and in which session something is asked. */
const stamp = { point, version: count, session: count };
const ofFile = { ...stamp, name };

export const stampSchema = z.object(stamp);

/** `fill`: the number of a filling; whoever holds anything of another one discards it first. */
export const surveySchema = z.object({ ...stamp, primary: store, fill: count.nullable() });

/**
 * With `install` the first of the entries in the data is not one but a snapshot: the file begins
 * there, at `index`, in place of one that may be there.
 */
export const copySchema = z.object({ ...ofFile, index: count, install: z.boolean() });

/** The bytes of entry `index` from `offset` on, of `total`; `install` as in `copy`, for a snapshot. */
export const pieceSchema = z.object({
  ...ofFile,
  index: count,
  offset: count,
  total: count,
  install: z.boolean(),
});

/** `whole`: a snapshot comes before the entries, which begin with the first that is kept. */
export const fetchSchema = z.object({ ...ofFile, from: count, whole: z.boolean() });
export const removeSchema = z.object(ofFile);
export const trimSchema = z.object({ ...ofFile, beforeOffset: count });
export const sumsSchema = z.object({ ...ofFile, from: count, to: count });

/** Why something is refused, and the newest version and session that the replica knows. */
export const refusalSchema = z.object({
  kind: z.literal('refused'),
  why: z.enum(['version', 'session', 'index', 'missing', 'unknown-point']),
  version: count,
  session: count,
});

/** `next`: the index that the file's next entry will have. */
export const doneSchema = z.object({ kind: z.literal('done'), next: count });
export const replySchema = z.discriminatedUnion('kind', [doneSchema, refusalSchema]);

/** Per file: name, time of creation, first index, next index. */
const extent = z.tuple([name, count, count, count]);
export const surveyItemSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('files'), files: z.array(extent) }),
  refusalSchema,
]);

export const fetchItemSchema = z.discriminatedUnion('kind', [
  /** Comes first: the index of the first entry. */
  z.object({ kind: z.literal('begin'), first: count }),
  z.object({ kind: z.literal('bytes'), bytes: z.instanceof(Uint8Array) }),
  refusalSchema,
]);

/** Per block: the index after its last entry, and its checksum. */
export const sumsItemSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sums'), sums: z.array(z.tuple([count, count])) }),
  refusalSchema,
]);

export type Stamp = z.infer<typeof stampSchema>;
export type SurveyParams = z.infer<typeof surveySchema>;
export type CopyParams = z.infer<typeof copySchema>;
export type PieceParams = z.infer<typeof pieceSchema>;
export type FetchParams = z.infer<typeof fetchSchema>;
export type RemoveParams = z.infer<typeof removeSchema>;
export type TrimParams = z.infer<typeof trimSchema>;
export type SumsParams = z.infer<typeof sumsSchema>;
export type Refusal = z.infer<typeof refusalSchema>;
export type Reply = z.infer<typeof replySchema>;
export type SurveyItem = z.infer<typeof surveyItemSchema>;
