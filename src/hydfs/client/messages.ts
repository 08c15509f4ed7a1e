/**
 * What clients ask of the nodes that hold files.
 *
 *   files.create | stat | remove | trim | merge | open    one file, answered once
 *   files.append     appends of several writers to one file; their bytes travel beside the params,
 *                    per append its meta and then its data
 *   files.part       bytes for the append that names them, which is too large for one request
 *   files.read | tail | copy                              bytes, item by item, beside nothing
 *   files.entries    entries: rows, and beside them the bytes of one after the other
 *   files.listing    the points of a primary and then the names of their files, in pages
 */
import { z } from 'zod';
import { RING_POINTS } from '../../plan/index.ts';

export const FILES = {
  create: 'files.create',
  stat: 'files.stat',
  remove: 'files.remove',
  trim: 'files.trim',
  merge: 'files.merge',
  open: 'files.open',
  append: 'files.append',
  part: 'files.part',
  read: 'files.read',
  tail: 'files.tail',
  copy: 'files.copy',
  entries: 'files.entries',
  listing: 'files.listing',
} as const;

/** Bytes of one item of a stream, and of the names in one page. */
export const ITEM_BYTES = 256 * 1024;
/** Rows in one item: each is several values, of which a message has a limit. */
export const ITEM_ROWS = 2_048;
/** Appends of one request. */
export const APPENDS_MAX = 8_192;
/** Numbers per append: its writer's place in `writers`, epoch, number, bytes of meta and of data. */
export const APPEND_NUMBERS = 5;

const NAME_BYTES_MAX = 1024;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(NAME_BYTES_MAX);
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');
/** A file's name, and the writer, epoch and number of the append. */
const uploadName = z.string().max(3 * NAME_BYTES_MAX);
const asked = { name: text, version: count };

/** Checked in one pass: there are thousands. */
const counts = z.custom<readonly number[]>(
  (value) =>
    Array.isArray(value) &&
    value.length <= APPENDS_MAX * APPEND_NUMBERS &&
    value.every((each) => Number.isSafeInteger(each) && each >= 0),
  'expected counts',
);

export const askedSchema = z.strictObject(asked);
export const createSchema = z.strictObject({ ...asked, token: text });
export const trimSchema = z.strictObject({ ...asked, beforeOffset: count });
export const openSchema = z.strictObject({
  ...asked,
  writer: text.min(1),
  epoch: count,
  create: z.boolean(),
});
export const appendSchema = z.strictObject({
  ...asked,
  writers: z.array(text.min(1)).max(APPENDS_MAX),
  rows: counts,
  /** The parts that were sent before hold the bytes. */
  upload: uploadName.optional(),
});
export const partSchema = z.strictObject({ upload: uploadName, at: count });
export const rangeSchema = z.strictObject({ ...asked, from: count, to: count });
export const fromSchema = z.strictObject({ ...asked, from: count });
export const listingSchema = z.strictObject({ prefix: text });

const info = z.object({
  name: text,
  fileId: count,
  length: count,
  trimmedTo: count,
  createdAt: z.number(),
  writers: count,
  replicas: z.array(text).max(64),
  version: count,
});
export const infoSchema = info;
export const positionSchema = z.object({ epoch: count, seq: count, meta: bytes });
export const mergedSchema = z.object({
  replicas: count,
  blocks: count,
  repaired: z.array(text),
});

const wireFault = z.object({
  code: text,
  message: z.string(),
  parameters: z.record(z.string(), z.union([z.string(), z.number()])),
});
export const appendedSchema = z.object({
  length: count,
  version: count,
  refused: z.array(z.object({ at: count, fault: wireFault })),
});

/** kind, index, offset, writer, epoch, seq, bytes of meta, bytes of data */
const entryRow = z.tuple([
  z.enum(['append', 'open']),
  count,
  count,
  text,
  count,
  count,
  count,
  count,
]);
export const entriesSchema = z.object({ rows: z.array(entryRow).max(ITEM_ROWS), bytes });
export type EntryRow = z.infer<typeof entryRow>;
export type EntriesItem = z.infer<typeof entriesSchema>;

const point = z.tuple([
  z
    .number()
    .int()
    .min(0)
    .max(RING_POINTS - 1),
  count,
]);
export const listingItemSchema = z.object({
  points: z.array(point).max(RING_POINTS),
  names: z.array(text),
});
