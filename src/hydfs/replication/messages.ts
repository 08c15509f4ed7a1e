/**
 * What replicas ask of each other.
 *
 *   hydfs.survey   begins a session on each of some points; answers with their inventories, in pages
 *   hydfs.copy     entries for the end of a file, as bulk bytes
 *   hydfs.piece    a part of an entry that is too large for one request
 *   hydfs.fetch    entries of a file, as a stream of bulk items
 *   hydfs.remove   removes a file
 *   hydfs.trim     a hint that the beginning of a file is not needed
 *   hydfs.sums     checksums of a file's blocks
 *   hydfs.damaged  tells the primary that the asker's copy of a file is to be made anew
 *
 * A request that comes too late or in the wrong place is answered with `refused`, not with a fault:
 * that is part of the game. Faults are for damage and disks.
 */
import { z } from 'zod';
import { RING_POINTS } from '../../plan/index.ts';
import { ENTRY_PAYLOAD_MAX } from '../../storage/index.ts';

export const METHODS = {
  survey: 'hydfs.survey',
  copy: 'hydfs.copy',
  piece: 'hydfs.piece',
  fetch: 'hydfs.fetch',
  remove: 'hydfs.remove',
  trim: 'hydfs.trim',
  sums: 'hydfs.sums',
  damaged: 'hydfs.damaged',
} as const;

/** Entries in one request or item. */
export const BATCH_ENTRIES_MAX = 4096;
/** Files in one item of a survey's answer: names of 255 bytes fit into a frame. */
export const PAGE_FILES_MAX = 1024;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const name = z.string().min(1).max(255);
const store = z.string().min(1).max(64);
const crc = z.number().int().min(0).max(0xffff_ffff);
const point = z
  .number()
  .int()
  .min(0)
  .max(RING_POINTS - 1);

/** Under which configuration and in which session something is asked. */
const stamp = { point, version: count, session: count };
const ofFile = { ...stamp, name };

export const stampSchema = z.object(stamp);

/**
 * Per point: version, session, and the number of a filling. Whoever holds anything of another
 * filling discards it first; null: it is a replica and keeps what it has.
 */
export const surveySchema = z.object({
  primary: store,
  points: z.array(z.tuple([point, count, count, count.nullable()])).max(RING_POINTS),
});

/** Beside bulk bytes: how they are divided, and the CRC-32 (zlib's) of their CRC-32s. */
const divided = { sizes: z.array(count).max(BATCH_ENTRIES_MAX), crc };

/**
 * With `install` the first of the entries in the data is not one but a snapshot: the file begins
 * there, at `index`. It takes the place of one that may be there when it has the entries before
 * `wholeAt`.
 */
export const copySchema = z.object({
  ...ofFile,
  index: count,
  install: z.boolean(),
  wholeAt: count,
  ...divided,
});

/** The bytes of entry `index` from `offset` on, of `total`; `install` as in `copy`, for a snapshot. */
const part = {
  index: count,
  offset: count,
  total: count.max(ENTRY_PAYLOAD_MAX),
  install: z.boolean(),
};
export const pieceSchema = z.object({ ...ofFile, ...part, wholeAt: count, crc });

/** `whole`: a snapshot comes before the entries, which begin with the first that is kept. */
export const fetchSchema = z.object({ ...ofFile, from: count, whole: z.boolean() });
export const removeSchema = z.object(ofFile);
export const trimSchema = z.object({ ...ofFile, beforeOffset: count });
export const sumsSchema = z.object({ ...ofFile, from: count, to: count });
export const damagedSchema = z.object({ point, version: count, name, store });

const whys = ['version', 'session', 'index', 'missing', 'unknown-point'] as const;
export type Why = (typeof whys)[number];

/** Why something is refused, and the newest version and session that the replica knows. */
export const refusalSchema = z.object({
  kind: z.literal('refused'),
  point,
  why: z.enum(whys),
  version: count,
  session: count,
});

/** `next`: the index that the file's next entry will have. */
export const doneSchema = z.object({ kind: z.literal('done'), next: count });
export const replySchema = z.discriminatedUnion('kind', [doneSchema, refusalSchema]);

/** Per file: name, time of creation, first index, next index. */
const extent = z.tuple([name, count, count, count]);
export const surveyItemSchema = z.discriminatedUnion('kind', [
  /** Per page: the point, some of its files, and whether these were the last of them. */
  z.object({
    kind: z.literal('pages'),
    pages: z.array(z.tuple([point, z.array(extent), z.boolean()])),
  }),
  refusalSchema,
]);

export const fetchItemSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('entries'), index: count, install: z.boolean(), ...divided }),
  z.object({ kind: z.literal('piece'), ...part, crc }),
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
export type DamagedParams = z.infer<typeof damagedSchema>;
export type Refusal = z.infer<typeof refusalSchema>;
export type Reply = z.infer<typeof replySchema>;
export type SurveyItem = z.infer<typeof surveyItemSchema>;
export type FetchItem = z.infer<typeof fetchItemSchema>;
