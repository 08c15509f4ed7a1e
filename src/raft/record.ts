/**
 * What a voter keeps, as bytes.
 *
 *   record = [1, term, vote / null, snapshot / null, from, [* [term, type, data]]]   ; a log entry
 *   header = [1, id, term, vote / null, snapshot, from, [* [term, type, data]]]      ; of a segment
 *   snapshot = [index, term, members, data]
 *
 * A record is a `Persist`: entries from `from` replace what was there and above, a snapshot replaces
 * all. A header is the sum of all records before it.
 */
import { z } from 'zod';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import { membersSchema } from './members.ts';
import { emptySnapshot } from './state.ts';
import type { Entry, HardState, Persist, Snapshot } from './types.ts';
import { entryType, wireType } from './wire-entry.ts';

const uint = z.int().nonnegative();
const data = z.instanceof(Uint8Array).transform((bytes) => Uint8Array.from(bytes));
const vote = z.string().nullable();
const snapshot = z.tuple([uint, uint, membersSchema, data]);
const entries = z.array(z.tuple([uint, z.int().min(0).max(2), data]));
const recordSchema = z.tuple([z.literal(1), uint, vote, snapshot.nullable(), uint, entries]);
const headerSchema = z.tuple([z.literal(1), z.string(), uint, vote, snapshot, uint, entries]);

/** The sum of all records: what a voter begins with after a restart. */
export interface Image {
  /** The voter whose log this is. */
  readonly id: string;
  hard: HardState;
  snapshot: Snapshot;
  entries: Entry[];
}

export function emptyImage(id: string): Image {
  return { id, hard: { term: 0, vote: null }, snapshot: emptySnapshot, entries: [] };
}

type Record = Omit<Persist, 'seq'>;

export function encodeRecord({ hard, snapshot, entries }: Record): Uint8Array {
  const whole = snapshot === null ? null : packedSnapshot(snapshot);
  return encodeCbor([1, hard.term, hard.vote, whole, entries.at(0)?.index ?? 0, packed(entries)]);
}

/** @throws what the codec or the schema says is wrong */
export function decodeRecord(bytes: Uint8Array): Record {
  const [, term, vote, whole, from, entries] = recordSchema.parse(decodeCbor(bytes));
  return {
    hard: { term, vote },
    snapshot: whole === null ? null : unpackedSnapshot(whole),
    entries: unpacked(from, entries),
  };
}

export function encodeHeader({ id, hard, snapshot, entries }: Image): Uint8Array {
  const { term, vote } = hard;
  return encodeCbor([
    1,
    id,
    term,
    vote,
    packedSnapshot(snapshot),
    entries.at(0)?.index ?? 0,
    packed(entries),
  ]);
}

/** @throws what the codec or the schema says is wrong */
export function decodeHeader(bytes: Uint8Array): Image {
  const [, id, term, vote, whole, from, entries] = headerSchema.parse(decodeCbor(bytes));
  return {
    id,
    hard: { term, vote },
    snapshot: unpackedSnapshot(whole),
    entries: unpacked(from, entries),
  };
}

/** Adds a record to the sum; false when it does not continue it. */
export function addRecord(image: Image, { hard, snapshot, entries }: Record): boolean {
  image.hard = hard;
  if (snapshot !== null) {
    image.snapshot = snapshot;
    image.entries = [];
  }
  const [first] = entries;
  if (first === undefined) return true;
  const keep = first.index - image.snapshot.index - 1;
  if (keep < 0 || keep > image.entries.length) return false;
  image.entries.length = keep;
  image.entries.push(...entries);
  return true;
}

/** The owner's state has come to `snapshot`: the entries up to it need not be kept. */
export function compactImage(image: Image, snapshot: Snapshot): void {
  if (snapshot.index <= image.snapshot.index) return;
  image.entries = image.entries.filter(({ index }) => index > snapshot.index);
  image.snapshot = snapshot;
}

function packed(entries: readonly Entry[]): unknown[] {
  return entries.map(({ term, type, data }) => [term, wireType(type), data]);
}

function unpacked(from: number, rows: z.output<typeof entries>): Entry[] {
  return rows.map(([term, type, data], i) => ({
    index: from + i,
    term,
    type: entryType(type),
    data,
  }));
}

function packedSnapshot({ index, term, members, data }: Snapshot): unknown[] {
  return [index, term, members, data];
}

function unpackedSnapshot([index, term, members, data]: z.output<typeof snapshot>): Snapshot {
  return { index, term, members, data };
}
