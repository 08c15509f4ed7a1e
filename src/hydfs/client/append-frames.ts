/**
 * A request with appends: numbers as params, and beside them the bytes of all appends one behind the
 * other, of each its meta and then its data.
 */
import { fault, inOnePiece, PieceReader } from '../../core/index.ts';
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
  data: readonly Uint8Array[],
): WriterAppend[] {
  if (rows.length % APPEND_NUMBERS !== 0) throw invalid('the last append is cut off');
  const appends: WriterAppend[] = [];
  const reader = new PieceReader(data);
  for (let row = 0; row < rows.length; row += APPEND_NUMBERS) {
    const writer = writers.at(rows[row]);
    if (writer === undefined) throw invalid('an append has a writer that is not in the list');
    const [epoch, seq, metaBytes, bytes] = rows.slice(row + 1, row + APPEND_NUMBERS);
    if (metaBytes + bytes > reader.left) throw invalid('its bytes are fewer than its appends have');
    const meta = inOnePiece(reader.take(metaBytes));
    appends.push({ writer, epoch, seq, meta, parts: reader.take(bytes) });
  }
  if (reader.left > 0) throw invalid('its bytes are more than its appends have');
  return appends;
}

function invalid(problem: string): Error {
  return fault('REQUEST_INVALID', { method: FILES.append, problem });
}
