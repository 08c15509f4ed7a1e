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
import { ByteSink, type Bytes, bytesOf, STORE_SLACK } from './growable.ts';
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

const NOTHING = new Uint8Array(0);
/** Writes into the memory of each result in turn. */
const text = new ByteSink(0);

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
  const taken = spareBytes.take(room + STORE_SLACK);
  text.use(taken);
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
    text.append(keyFrame, 0, KEY.length);
    text.append(keys, keyAt, keyEnd - keyAt);
    text.append(valueFrame, 0, VALUE.length);
    text.append(values, valueAt, valueEnd - valueAt);
    text.bytes[text.length++] = LF;
    count += 1;
  }
  return { text: written(taken), count, unspeakable };
}

/** The text, as the part of `memory` that was filled. */
function written(memory: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { length } = text;
  text.use(NOTHING);
  assert(length <= memory.length, 'the longest text of a block is known before it is written');
  return memory.subarray(0, length);
}

/** One fast look at all bytes: nearly every block is clean. */
function isSpeakable(block: Block): boolean {
  return !block.keys.includes(LF) && !block.values.includes(LF);
}

function hasNewline(from: Bytes, at: number, end: number): boolean {
  for (let i = at; i < end; i++) if (from.bytes[i] === LF) return true;
  return false;
}
