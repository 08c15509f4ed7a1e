/**
 * Entries as items of a stream: rows say how many bytes of meta and data each entry has, and the
 * bytes of all of them follow one behind the other, in this item and, where there are many, in the
 * next ones. An entry of any size passes, and small ones share an item.
 */
import { fault } from '../../core/index.ts';
import type { FileEntry } from '../file-system.ts';
import { promptly } from './gather.ts';
import { type EntriesItem, type EntryRow, FILES, ITEM_BYTES, ITEM_ROWS } from './messages.ts';

export async function* packEntries(entries: AsyncIterable<FileEntry>): AsyncGenerator<EntriesItem> {
  let rows: EntryRow[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let named = 0;
  const item = (): EntriesItem => {
    const made = { rows, bytes: Buffer.concat(parts, bytes) };
    rows = [];
    parts = [];
    bytes = 0;
    named = 0;
    return made;
  };
  for await (const entry of promptly(entries, true)) {
    if (entry === null) {
      if (rows.length > 0 || bytes > 0) yield item();
      continue;
    }
    rows.push(rowOf(entry));
    named += Buffer.byteLength(entry.writer);
    for (const whole of [entry.meta, entry.data]) {
      for (let at = 0; at < whole.length; ) {
        const part = whole.subarray(at, at + ITEM_BYTES - bytes);
        parts.push(part);
        bytes += part.length;
        at += part.length;
        if (bytes === ITEM_BYTES) yield item();
      }
    }
    if (rows.length === ITEM_ROWS || named > ITEM_BYTES) yield item();
  }
  if (rows.length > 0 || bytes > 0) yield item();
}

/** @throws WIRE_INVALID when rows and bytes do not belong together */
export async function* unpackEntries(items: AsyncIterable<EntriesItem>): AsyncGenerator<FileEntry> {
  const rows: EntryRow[] = [];
  const held: Uint8Array[] = [];
  let bytes = 0;
  for await (const item of items) {
    rows.push(...item.rows);
    if (item.bytes.length > 0) held.push(item.bytes);
    bytes += item.bytes.length;
    if (rows.length === 0 || sizeOf(rows[0]) > bytes) continue;
    const whole = held.length === 1 ? held[0] : Buffer.concat(held, bytes);
    let at = 0;
    let done = 0;
    for (const row of rows) {
      if (at + sizeOf(row) > whole.length) break;
      yield entryOf(row, whole.subarray(at, at + sizeOf(row)));
      at += sizeOf(row);
      done += 1;
    }
    rows.splice(0, done);
    held.length = 0;
    bytes = whole.length - at;
    if (bytes > 0) held.push(whole.subarray(at));
  }
  if (rows.length === 0 && bytes === 0) return;
  throw fault('WIRE_INVALID', { problem: `${FILES.entries} ended within an entry` });
}

function rowOf(entry: FileEntry): EntryRow {
  const { kind, index, offset, writer, epoch, seq, meta, data } = entry;
  return [kind, index, offset, writer, epoch, seq, meta.length, data.length];
}

function entryOf(row: EntryRow, bytes: Uint8Array): FileEntry {
  const [kind, index, offset, writer, epoch, seq, meta] = row;
  const data = bytes.subarray(meta);
  return { kind, index, offset, writer, epoch, seq, meta: bytes.subarray(0, meta), data };
}

function sizeOf(row: EntryRow): number {
  return row[6] + row[7];
}
