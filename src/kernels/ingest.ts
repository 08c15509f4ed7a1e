/**
 * Ingest kernel: an encoded block -> the text a `lines` operator reads.
 *
 *   text = *( "key: " key LF "value: " value LF )
 *
 * A newline in a key or value cannot be said in this protocol. Such a tuple is left out of the text
 * and reported in `unspeakable`, so that the caller can dead-letter it: it belongs into `dead` of the
 * commit that follows.
 */
import { assert, spareBytes } from '../core/index.ts';
import { type Block, decodeBlock } from '../plan/index.ts';
import { type Bytes, bytesOf, copyBytes } from './growable.ts';
import { SelectionCursor, type TupleSelection } from './tuple-selection.ts';

export interface IngestArgs extends TupleSelection {
  readonly block: Uint8Array;
  /** tuples from this index on are left out; the block's count when absent */
  readonly until?: number;
}

export interface IngestResult {
  /** may be given to `spareBytes` when nobody reads it any more */
  readonly text: Uint8Array<ArrayBuffer>;
  /** tuples in the text: how many answers to expect */
  readonly count: number;
  /** indices of tuples with a newline inside, rising; they are not in the text */
  readonly unspeakable: readonly number[];
}

const LF = 10;
/** `key: `, LF, `value: `, LF. */
const FRAME_BYTES = 5 + 1 + 7 + 1;
const KEY = Buffer.from('key: ');
const VALUE = Buffer.from('\nvalue: ');
const keyFrame = bytesOf(KEY);
const valueFrame = bytesOf(VALUE);

/**
 * The operator text of the selected tuples of `block`.
 * @throws fault BLOCK_INVALID
 */
export function ingest(args: IngestArgs): IngestResult {
  const block = decodeBlock(args.block);
  const until = Math.min(args.until ?? block.count, block.count);
  const unspeakable: number[] = [];
  const cursor = new SelectionCursor(args);
  const keys = bytesOf(block.keys);
  const values = bytesOf(block.values);
  const clean = isSpeakable(block);
  const room = block.count * FRAME_BYTES + block.keys.length + block.values.length;
  const taken = spareBytes.take(room);
  const text = bytesOf(taken);
  let at = 0;
  let count = 0;
  for (let i = cursor.next(); i < until; i = cursor.next()) {
    const keyAt = i === 0 ? 0 : block.keyEnds[i - 1];
    const valueAt = i === 0 ? 0 : block.valueEnds[i - 1];
    const keyEnd = block.keyEnds[i];
    const valueEnd = block.valueEnds[i];
    if (!clean && (hasNewline(keys, keyAt, keyEnd) || hasNewline(values, valueAt, valueEnd))) {
      unspeakable.push(i);
      continue;
    }
    at = put(text, at, keyFrame, 0, KEY.length);
    at = put(text, at, keys, keyAt, keyEnd);
    at = put(text, at, valueFrame, 0, VALUE.length);
    at = put(text, at, values, valueAt, valueEnd);
    text.bytes[at++] = LF;
    count += 1;
  }
  assert(at <= room, 'the longest text of a block is known before it is written');
  return { text: taken.subarray(0, at), count, unspeakable };
}

/** Copies `from[start, end)` to `to` at `at`; where it ends there. */
function put(to: Bytes, at: number, from: Bytes, start: number, end: number): number {
  copyBytes(from, start, to, at, end - start);
  return at + end - start;
}

/** One fast look at all bytes: nearly every block is clean. */
function isSpeakable(block: Block): boolean {
  return !block.keys.includes(LF) && !block.values.includes(LF);
}

function hasNewline(from: Bytes, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (from.bytes[i] === LF) return true;
  return false;
}
