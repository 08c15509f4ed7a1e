/** Ways to damage the entries of a log; each gives new entries and leaves the given ones alone. */
import { present } from '../../../src/core/index.ts';
import type { FileEntry } from '../../../src/hydfs/index.ts';
import { decodeRecord, encodeRecord, type WalRecord } from '../../../src/kernels/index.ts';
import { decodeCbor, encodeCbor } from '../../../src/wire/index.ts';
import type { RecordState, SinkMeta } from '../../../src/worker/index.ts';
import type { Tamper } from './tampered-files.ts';

export function inFile(name: RegExp, tamper: (entries: FileEntry[]) => FileEntry[]): Tamper {
  return (file, entries) => (name.test(file) ? tamper(entries) : entries);
}

export function isAppend({ kind, data }: FileEntry): boolean {
  return kind === 'append' && data.length > 0;
}

/** An append somewhere in the middle, of a batch that consumed something. */
export function middle(entries: readonly FileEntry[]): number {
  const appends = entries.flatMap((entry, i) => (isAppend(entry) ? [i] : []));
  const usable = appends
    .slice(1, -2)
    .filter((i) => entries[i].data.length > 40 && !isPlainEnd(entries[i]));
  return present(usable.at(Math.floor(usable.length / 2)), 'an append in the middle');
}

/** A record of a task log that consumed no tuple. */
function isPlainEnd({ writer, data }: FileEntry): boolean {
  return writer === 'task' && decodeRecord(data).outputs.length === 0;
}

export function without(entries: readonly FileEntry[], at: number): FileEntry[] {
  return entries.filter((_, i) => i !== at);
}

export function repeated(entries: readonly FileEntry[], at: number): FileEntry[] {
  return entries.flatMap((entry, i) => (i === at ? [entry, entry] : [entry]));
}

export function change(
  entries: readonly FileEntry[],
  at: number,
  how: (entry: FileEntry) => FileEntry,
): FileEntry[] {
  return entries.map((entry, i) => (i === at ? how(entry) : entry));
}

export function flipped(entry: FileEntry): FileEntry {
  const data = Buffer.from(entry.data);
  data[data.length >> 1] ^= 1;
  return { ...entry, data };
}

export function changeRecord(
  entries: readonly FileEntry[],
  at: number,
  how: (record: WalRecord) => WalRecord,
): FileEntry[] {
  return change(entries, at, (entry) => {
    return { ...entry, data: Buffer.concat(encodeRecord(how(decodeRecord(entry.data)))) };
  });
}

export function restate(
  entries: readonly FileEntry[],
  at: number,
  how: (state: RecordState) => RecordState,
): FileEntry[] {
  return changeRecord(entries, at, (record) => ({
    ...record,
    state: how(record.state as RecordState),
  }));
}

export function recount(
  entries: readonly FileEntry[],
  at: number,
  how: (counts: RecordState['counts']) => RecordState['counts'],
): FileEntry[] {
  return restate(entries, at, (state) => ({ ...state, counts: how(state.counts) }));
}

export function lastOutputs(
  entries: readonly FileEntry[],
  how: (output: WalRecord['outputs'][number]) => WalRecord['outputs'][number],
): FileEntry[] {
  const last = entries.findLastIndex(
    (entry) => isAppend(entry) && decodeRecord(entry.data).outputs.length > 0,
  );
  return changeRecord(entries, last, (record) => ({ ...record, outputs: record.outputs.map(how) }));
}

export function remeta(
  entries: readonly FileEntry[],
  at: number,
  how: (meta: SinkMeta) => SinkMeta,
): FileEntry[] {
  return change(entries, at, (entry) => {
    return { ...entry, meta: encodeCbor(how(decodeCbor(entry.meta) as SinkMeta)) };
  });
}
