/**
 * A request with appends: numbers as params, and beside them the bytes of all appends one behind the
 * other, of each its meta and then its data.
 */
import { fault } from '../../core/index.ts';
import type { WriterAppend } from '../replication/index.ts';
import { APPEND_NUMBERS, FILES } from './messages.ts';

const NO_META = new Uint8Array(0);

export interface AppendFrame {
  readonly writers: string[];
  readonly rows: number[];
  readonly data: Uint8Array[];
}

export function packAppends(appends: readonly WriterAppend[]): AppendFrame {
  const places = new Map<string, number>();
  const rows: number[] = [];
  const data: Uint8Array[] = [];
  for (const { writer, epoch, seq, parts, meta = NO_META } of appends) {
    let place = places.get(writer);
    if (place === undefined) {
      place = places.size;
      places.set(writer, place);
    }
    let bytes = 0;
    if (meta.length > 0) data.push(meta);
    for (const part of parts) {
      bytes += part.length;
      if (part.length > 0) data.push(part);
    }
    rows.push(place, epoch, seq, meta.length, bytes);
  }
  return { writers: [...places.keys()], rows, data };
}

/** @throws REQUEST_INVALID when numbers and bytes do not belong together */
export function unpackAppends(
  { writers, rows }: { readonly writers: readonly string[]; readonly rows: readonly number[] },
  data: Uint8Array,
): WriterAppend[] {
  if (rows.length % APPEND_NUMBERS !== 0) throw invalid('the last append is cut off');
  const appends: WriterAppend[] = [];
  let at = 0;
  for (let row = 0; row < rows.length; row += APPEND_NUMBERS) {
    const writer = writers.at(rows[row]);
    if (writer === undefined) throw invalid('an append has a writer that is not in the list');
    const middle = at + rows[row + 3];
    const end = middle + rows[row + 4];
    if (end > data.length) throw invalid('its bytes are fewer than its appends have');
    const [epoch, seq] = [rows[row + 1], rows[row + 2]];
    const meta = data.subarray(at, middle);
    appends.push({ writer, epoch, seq, meta, parts: [data.subarray(middle, end)] });
    at = end;
  }
  if (at !== data.length) throw invalid('its bytes are more than its appends have');
  return appends;
}

function invalid(problem: string): Error {
  return fault('REQUEST_INVALID', { method: FILES.append, problem });
}
