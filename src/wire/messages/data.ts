import { assert } from '../../core/index.ts';
import { invalid } from '../invalid.ts';
import { DATA_BLOCK_BYTES_MAX, DATA_OVERHEAD_BYTES_MAX } from '../limits.ts';
import { readEnd, readUint, writeUint } from '../uint.ts';

/**
 * A block of tuples, numbered from `firstSeq`. Read and written by hand: the block is neither
 * copied nor looked into.
 *
 * ```cddl
 * data = {
 *   0: 23,
 *   1: u32,          ; channel
 *   2: epoch,        ; fromEpoch
 *   3: epoch,        ; toEpoch
 *   4: 1..max-u53,   ; firstSeq; tuples are numbered from 1
 *   5: 1..max-u32,   ; count
 *   6: bstr,         ; block; bytes of `block`
 * }
 * ```
 */
export interface Data {
  readonly kind: 'data';
  readonly channel: number;
  readonly fromEpoch: number;
  readonly toEpoch: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly block: Uint8Array;
}

export const DATA = 23;
const MAP_OF_7 = 0xa7;
const FIELDS = ['', 'channel', 'fromEpoch', 'toEpoch', 'firstSeq', 'count'] as const;

/** Writes everything before the block's bytes from `at`; the position after it. */
export function writeDataHead(m: Data, into: Uint8Array, at: number): number {
  let p = at;
  into[p++] = MAP_OF_7;
  into[p++] = 0;
  p = writeUint(into, p, 0, DATA);
  for (let field = 1; field <= 5; field++) {
    into[p++] = field;
    p = writeUint(into, p, 0, numberOf(m, field));
  }
  into[p++] = 6;
  p = writeUint(into, p, 2, m.block.length);
  assert(p - at <= DATA_OVERHEAD_BYTES_MAX, 'the head of a data frame fits its bound');
  return p;
}

/** @throws fault WIRE_INVALID when `m` cannot be sent */
export function checkData(m: Data): void {
  for (let field = 1; field <= 5; field++) checkNumber(numberOf(m, field), field);
  if (m.block.length > DATA_BLOCK_BYTES_MAX)
    throw invalid(`data.block has ${m.block.length} bytes, more than ${DATA_BLOCK_BYTES_MAX}`);
}

/**
 * Reads a payload whose message number is `DATA`; the block is a view of `bytes`.
 * @throws fault WIRE_INVALID
 */
export function readData(bytes: Uint8Array): Data {
  if (bytes[0] !== MAP_OF_7) throw invalid('data has not 6 fields');
  readUint(bytes, 2, 0);
  const channel = field(bytes, readEnd, 1);
  const fromEpoch = field(bytes, readEnd, 2);
  const toEpoch = field(bytes, readEnd, 3);
  const firstSeq = field(bytes, readEnd, 4);
  const count = field(bytes, readEnd, 5);
  const length = bytes[readEnd] === 6 ? readUint(bytes, readEnd + 1, 2) : -1;
  if (length < 0 || length !== bytes.length - readEnd)
    throw invalid('data.block is not the rest of the message');
  const block = bytes.subarray(readEnd);
  return { kind: 'data', channel, fromEpoch, toEpoch, firstSeq, count, block };
}

function field(bytes: Uint8Array, at: number, number: number): number {
  const value = bytes[at] === number ? readUint(bytes, at + 1, 0) : -1;
  checkNumber(value, number);
  return value;
}

function checkNumber(value: number, field: number): void {
  const min = field > 3 ? 1 : 0;
  const max = field === 1 || field === 5 ? 0xffff_ffff : Number.MAX_SAFE_INTEGER;
  if (!Number.isInteger(value) || value < min || value > max)
    throw invalid(`data.${FIELDS[field]} is not a number from ${min} to ${max}`);
}

function numberOf(m: Data, field: number): number {
  switch (field) {
    case 1:
      return m.channel;
    case 2:
      return m.fromEpoch;
    case 3:
      return m.toEpoch;
    case 4:
      return m.firstSeq;
    default:
      return m.count;
  }
}
