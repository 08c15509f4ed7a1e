/**
 * Messages to bytes and back.
 *
 * Invariants
 *   W1  A frame is a length of 4 bytes, big endian, and one CBOR map. Key 0 is the message number
 *       and comes first, in its shortest form, so that the first four payload bytes tell the limit.
 *   W2  Nothing is decoded before its size, depth and item count are within the limits.
 *   W3  What `decodeMessage` returns has every field of its grammar and no other.
 *   W4  What `encodeMessage` returns passes the receiver's checks: a message that would not is
 *       refused where it is sent.
 *   W5  Bulk data is not copied: sending hands on the given bytes, receiving gives views. Blocks are
 *       neither, unless they arrive in pieces. What is beside bulk data is within the limit of
 *       messages without.
 */
import { bytesIn, inOnePiece } from '../core/index.ts';
import { readValue, writeMap } from './cbor.ts';
import { pieces } from './fields.ts';
import { invalid } from './invalid.ts';
import {
  CONTROL_FRAME_BYTES_MAX,
  DATA_FRAME_BYTES_MAX,
  DATA_OVERHEAD_BYTES_MAX,
} from './limits.ts';
import { ACK, ACK_BYTES_MAX, checkAck, readAck, writeAck } from './messages/ack.ts';
import { checkData, DATA, type Data, readData, writeDataHead } from './messages/data.ts';
import { definitions, type Message } from './messages/index.ts';
import { NotPlain, plain } from './plain.ts';
import { CUT_OFF, lastBytes, scanCbor } from './scan.ts';
import { readEnd, readUint, writeUint } from './uint.ts';

/** Bytes of a frame before its payload. */
export const LENGTH_BYTES = 4;
/** Payload bytes that `limitOf` needs; no message is shorter. */
export const PEEK_BYTES = 4;
/** The head of a byte string at most: its type and its length. */
const BULK_HEAD_BYTES_MAX = 9;
/** Parts below this are copied into one: a write of two small pieces costs more than the copy. */
const COPY_BYTES = 2048;

type AnyDefinition = (typeof definitions)[number];

const byNumber = new Map<number, AnyDefinition>(definitions.map((each) => [each.number, each]));
const byKind = new Map<string, AnyDefinition>(definitions.map((each) => [each.kind, each]));
/** Messages that may be longer than `CONTROL_FRAME_BYTES_MAX`. */
const large = new Set<number>([
  DATA,
  ...definitions.filter(({ bulk }) => bulk).map(({ number }) => number),
]);
const NO_BYTES = 0x40;
const NO_DATA = Uint8Array.of(NO_BYTES);
/** The type of byte strings. */
const BYTES = 2;

/**
 * The frame of `message`, length first, in one or more parts that are to be sent in order.
 * @throws fault WIRE_INVALID when a field is wrong or a limit is exceeded
 */
export function encodeMessage(message: Message): Uint8Array[] {
  if (message.kind === 'data') return encodeData(message);
  if (message.kind === 'ack') {
    checkAck(message);
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + ACK_BYTES_MAX);
    const end = writeAck(message, frame, LENGTH_BYTES);
    frame.writeUInt32BE(end - LENGTH_BYTES, 0);
    return [frame.subarray(0, end)];
  }
  return encodeControl(message);
}

/**
 * Reads one payload (a frame without its length), which may be in several pieces. Byte strings in the
 * result are views of it; the data of a bulk message stays in the pieces in which it is.
 * @throws fault WIRE_INVALID and nothing else, whatever the bytes are
 */
export function decodeMessage(payload: Uint8Array | readonly Uint8Array[]): Message {
  if (payload instanceof Uint8Array) return decodeWhole(payload);
  if (payload.length === 1) return decodeWhole(payload[0]);
  return decodeBulk(payload) ?? decodeWhole(inOnePiece(payload));
}

function decodeWhole(bytes: Uint8Array): Message {
  const number = numberOf(bytes, 0, bytes.length);
  checkSize(number, bytes.length);
  if (number === DATA) return readData(bytes);
  if (number === ACK) return readAck(bytes);
  const definition = byNumber.get(number);
  if (definition === undefined) throw invalid(`there is no message ${number}`);
  const problem = scanCbor(bytes);
  if (problem !== null) throw invalid(`${definition.kind} has ${problem}`);
  return checkFields(definition, bytes);
}

/**
 * A bulk message of which all but the data is in the first piece; null for any other. It is read as a
 * message without data would be.
 */
function decodeBulk(payload: readonly Uint8Array[]): Message | null {
  const [first, ...others] = payload;
  const number = numberOf(first, 0, first.length);
  const definition = byNumber.get(number);
  if (definition === undefined || !definition.bulk) return null;
  const size = bytesIn(payload);
  checkSize(number, size);
  const problem = scanCbor(first);
  const at = lastBytes;
  // the data goes on in the next piece
  if (problem !== CUT_OFF || at < 0) return null;
  const length = readUint(first, at, BYTES);
  const start = readEnd;
  if (length < 0) return null;
  if (length !== size - start) throw invalid(`${definition.kind} has bytes after its data`);
  checkBeside(definition.kind, at);
  const message = checkFields(definition, inOnePiece([first.subarray(0, at), NO_DATA]));
  return { ...message, data: [first.subarray(start), ...others] } as Message;
}

/**
 * The most payload bytes that a frame may have whose payload starts, at `at`, with `PEEK_BYTES` of
 * `bytes`.
 * @throws fault WIRE_INVALID when no message starts so
 */
export function limitOf(bytes: Uint8Array, at: number): number {
  return mostOf(numberOf(bytes, at, at + PEEK_BYTES));
}

function mostOf(number: number): number {
  return large.has(number) ? DATA_FRAME_BYTES_MAX : CONTROL_FRAME_BYTES_MAX;
}

function encodeData(message: Data): Uint8Array[] {
  checkData(message);
  const head = Buffer.allocUnsafe(LENGTH_BYTES + DATA_OVERHEAD_BYTES_MAX);
  const end = writeDataHead(message, head, LENGTH_BYTES);
  head.writeUInt32BE(end - LENGTH_BYTES + message.block.length, 0);
  return join(head.subarray(0, end), message.block);
}

function encodeControl(message: Exclude<Message, { kind: 'data' | 'ack' }>): Uint8Array[] {
  const definition = byKind.get(message.kind);
  if (definition === undefined) throw invalid(`there is no message ${String(message.kind)}`);
  const { kind, ...fields } = message;
  const checked = definition.schema.safeParse(fields);
  if (!checked.success) throw invalid(`${kind}: ${firstIssue(checked.error)}`);
  const values: Record<string, unknown> = checked.data;
  if (definition.bulk) return encodeBulk(definition, values);
  const payload = writeMap(definition.number, definition.fields.map(fieldOf(kind, values)));
  checkSize(definition.number, payload.length);
  checkScanned(kind, payload);
  return join(lengthOf(payload.length), payload);
}

/** Everything but the data is written and checked as a message without any would be (W4, W5). */
function encodeBulk(definition: AnyDefinition, values: Record<string, unknown>): Uint8Array[] {
  const { kind, number, fields } = definition;
  const parts = pieces.parse(values.data);
  const length = bytesIn(parts);
  const map = writeMap(number, fields.slice(0, -1).map(fieldOf(kind, values)));
  const head = Buffer.allocUnsafe(LENGTH_BYTES + map.length + 1 + BULK_HEAD_BYTES_MAX);
  head.set(map, LENGTH_BYTES);
  head[LENGTH_BYTES] += 1;
  const key = LENGTH_BYTES + map.length;
  head[key] = fields.length;
  head[key + 1] = NO_BYTES;
  checkBeside(kind, map.length);
  checkScanned(kind, head.subarray(LENGTH_BYTES, key + 2));
  const end = writeUint(head, key + 1, 2, length);
  checkSize(number, end - LENGTH_BYTES + length);
  head.writeUInt32BE(end - LENGTH_BYTES + length, 0);
  return joinAll(head.subarray(0, end), parts, length);
}

function checkScanned(kind: string, payload: Uint8Array): void {
  const problem = scanCbor(payload);
  if (problem !== null) throw invalid(`${kind} has ${problem}`);
}

function checkBeside(kind: string, length: number): void {
  if (length <= CONTROL_FRAME_BYTES_MAX) return;
  throw invalid(
    `${kind} has ${length} bytes beside its data, more than ${CONTROL_FRAME_BYTES_MAX}`,
  );
}

function fieldOf(kind: string, values: Record<string, unknown>): (name: string) => unknown {
  return (name) => {
    try {
      return plain(values[name], 1, `${kind}.${name}`);
    } catch (error) {
      if (error instanceof NotPlain) throw invalid(error.message);
      throw error;
    }
  };
}

/** The message number in `bytes` from `at`, by W1. */
function numberOf(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < PEEK_BYTES) throw invalid('it is too short');
  const map = bytes[at] >= 0xa2 && bytes[at] <= 0xb7;
  const head = bytes[at + 2];
  const wide = head === 24 && bytes[at + 3] >= 24;
  if (!map || bytes[at + 1] !== 0 || !(head < 24 || wide))
    throw invalid('it does not start with a message number');
  return wide ? bytes[at + 3] : head;
}

function checkSize(number: number, length: number): void {
  const max = mostOf(number);
  if (length > max) throw invalid(`it has ${length} bytes, more than ${max}`);
}

function checkFields(definition: AnyDefinition, bytes: Uint8Array): Message {
  const { kind, fields, bulk } = definition;
  if (bytes[0] !== 0xa1 + fields.length) throw invalid(`${kind} has not ${fields.length} fields`);
  const raw = readMap(bytes, kind);
  const named: Record<string, unknown> = {};
  for (let i = 0; i < fields.length; i++) {
    if (!Object.hasOwn(raw, i + 1)) throw invalid(`${kind} has no ${fields[i]}`);
    named[fields[i]] = raw[i + 1];
  }
  if (bulk && named.data instanceof Uint8Array) {
    checkBeside(kind, bytes.length - named.data.length - 1 - BULK_HEAD_BYTES_MAX);
    named.data = [named.data];
  }
  const checked = definition.schema.safeParse(named);
  if (!checked.success) throw invalid(`${kind}: ${firstIssue(checked.error)}`);
  // the schema belongs to the kind, which the compiler cannot follow through the table
  return { kind, ...checked.data } as Message;
}

function readMap(bytes: Uint8Array, kind: string): Record<number, unknown> {
  try {
    return readValue(bytes) as Record<number, unknown>;
  } catch (error) {
    throw invalid(`${kind} cannot be decoded`, error);
  }
}

interface Issues {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

function firstIssue({ issues: [issue] }: Issues): string {
  return `${issue.path.map(String).join('.')}: ${issue.message}`;
}

function lengthOf(payload: number): Uint8Array {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32BE(payload, 0);
  return length;
}

function joinAll(head: Uint8Array, parts: readonly Uint8Array[], length: number): Uint8Array[] {
  if (length < COPY_BYTES) return [Buffer.concat([head, ...parts])];
  const joined: Uint8Array[] = [];
  let small = [head];
  for (const part of parts) {
    if (part.length < COPY_BYTES) {
      small.push(part);
      continue;
    }
    joined.push(...together(small), part);
    small = [];
  }
  return [...joined, ...together(small)];
}

function together(small: readonly Uint8Array[]): readonly Uint8Array[] {
  return small.length < 2 ? small : [Buffer.concat(small)];
}

function join(head: Uint8Array, rest: Uint8Array): Uint8Array[] {
  return rest.length < COPY_BYTES ? [Buffer.concat([head, rest])] : [head, rest];
}
