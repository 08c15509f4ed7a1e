import { invalid } from '../invalid.ts';
import { readEnd, readUint, writeUint } from '../uint.ts';

/**
 * Everything up to `seq` is durable at the consumer. Read and written by hand.
 *
 * ```cddl
 * ack = {
 *   0: 24,
 *   1: u32,    ; channel
 *   2: epoch,  ; toEpoch
 *   3: u53,    ; seq; highest tuple durably consumed, 0 none
 *   4: u53,    ; credit; bytes of blocks that may be under way
 * }
 * ```
 */
export interface Ack {
  readonly kind: 'ack';
  readonly channel: number;
  readonly toEpoch: number;
  readonly seq: number;
  readonly credit: number;
}

export const ACK = 24;
/** Payload bytes at most. */
export const ACK_BYTES_MAX = 3 + 4 * 10;
const MAP_OF_5 = 0xa5;
const FIELDS = ['', 'channel', 'toEpoch', 'seq', 'credit'] as const;

/** Writes the payload from `at`; the position after it. */
export function writeAck(m: Ack, into: Uint8Array, at: number): number {
  into[at] = MAP_OF_5;
  into[at + 1] = 0;
  let p = writeUint(into, at + 2, 0, ACK);
  p = writeField(into, p, 1, m.channel);
  p = writeField(into, p, 2, m.toEpoch);
  p = writeField(into, p, 3, m.seq);
  return writeField(into, p, 4, m.credit);
}

/** @throws fault WIRE_INVALID when `m` cannot be sent */
export function checkAck(m: Ack): void {
  checkNumber(m.channel, 1);
  checkNumber(m.toEpoch, 2);
  checkNumber(m.seq, 3);
  checkNumber(m.credit, 4);
}

/**
 * Reads a payload whose message number is `ACK`.
 * @throws fault WIRE_INVALID
 */
export function readAck(bytes: Uint8Array): Ack {
  if (bytes[0] !== MAP_OF_5) throw invalid('ack has not 4 fields');
  readUint(bytes, 2, 0);
  const channel = readField(bytes, readEnd, 1);
  const toEpoch = readField(bytes, readEnd, 2);
  const seq = readField(bytes, readEnd, 3);
  const credit = readField(bytes, readEnd, 4);
  if (readEnd !== bytes.length) throw invalid('ack has bytes after its end');
  return { kind: 'ack', channel, toEpoch, seq, credit };
}

function writeField(into: Uint8Array, at: number, field: number, value: number): number {
  into[at] = field;
  return writeUint(into, at + 1, 0, value);
}

function readField(bytes: Uint8Array, at: number, field: number): number {
  const value = bytes[at] === field ? readUint(bytes, at + 1, 0) : -1;
  checkNumber(value, field);
  return value;
}

function checkNumber(value: number, field: number): void {
  const max = field === 1 ? 0xffff_ffff : Number.MAX_SAFE_INTEGER;
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw invalid(`ack.${FIELDS[field]} is not a number from 0 to ${max}`);
}
