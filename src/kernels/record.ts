/**
 * A record of a task's write-ahead log.
 *
 *   record  = magic length header-crc header blocks
 *   magic   = "RSR1"                        ; 4 bytes
 *   length  = u32 little endian             ; of the header
 *   header-crc = u32 little endian          ; CRC-32 of header
 *   header  = << {                          ; CBOR
 *     "v": 1,
 *     "kind": "batch" / "checkpoint" / "end" / "source",
 *     "inputs":  [* [producer: tstr / uint, seq: uint]],
 *     "outputs": [* [consumer: uint, first-seq: uint, count: uint, bytes: uint]],
 *     "keep":    [* [bytes: uint, skip: uint, dead: [* uint]]],
 *     "dead":    [* { "id": tstr, "key": bstr, "value": bstr, "reason": tstr, "trace": tstr }],
 *     ? "state": any,
 *     "crc": uint                           ; CRC-32 of blocks
 *   } >>
 *   blocks  = *OCTET                        ; of outputs, then of keep, in order
 *
 * 1. Nothing is believed before the CRC that covers it; the header's comes first, because it says
 *    how long the rest is and what the rest's CRC must be.
 * 2. A record is exactly as long as its header says: cut or extended by any number of bytes, it is
 *    refused.
 * 3. Blocks are neither copied when written nor decoded here when read: they are handed on as views
 *    of the record's bytes, and `decodeBlock` checks them where they are used.
 */
import { Decoder, Encoder } from 'cbor-x';
import { assert, crc32, crc32Of, fault, reasonOf } from '../core/index.ts';
import { type RecordHeader, recordHeader } from './record-header.ts';

export type WalRecordKind = RecordHeader['kind'];

/** A tuple that could not be processed, with why. */
export type DeadLetter = RecordHeader['dead'][number];

/** What a task makes durable at once. */
export interface WalRecord {
  readonly kind: WalRecordKind;
  /** per producer, the highest sequence number consumed */
  readonly inputs: readonly { readonly producer: string | number; readonly seq: number }[];
  readonly outputs: readonly WalOutput[];
  readonly dead: readonly DeadLetter[];
  /** input blocks kept for replay into a fresh aggregate process */
  readonly keep: readonly WalKeep[];
  /** anything CBOR can carry */
  readonly state?: unknown;
}

export interface WalOutput {
  readonly consumer: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly block: Uint8Array;
}

export interface WalKeep {
  readonly block: Uint8Array;
  /** leading tuples that were repeats */
  readonly skip: number;
  /** indices in the block of tuples that were not given to the operator */
  readonly dead: readonly number[];
}

const MAGIC = 0x31525352;
const PREFIX_BYTES = 12;
/** Longest header: dead letters carry keys and values, each up to a 16 MiB line. */
const HEADER_BYTES_MAX = 64 * 1024 * 1024;

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, structuredClone: false });
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });

/** The record's bytes as parts to be written one after the other; blocks are the given buffers. */
export function encodeRecord(record: WalRecord): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (const output of record.outputs) blocks.push(output.block);
  for (const kept of record.keep) blocks.push(kept.block);
  const header = encoder.encode(headerOf(record, crc32Of(blocks)));
  assert(header.length <= HEADER_BYTES_MAX, 'a record header stays below its limit');
  const head = new Uint8Array(PREFIX_BYTES + header.length);
  head.set(header, PREFIX_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, header.length, true);
  view.setUint32(8, crc32(header), true);
  return [head, ...blocks];
}

/**
 * The record in `bytes`; its blocks are views of them.
 * @throws fault RECORD_INVALID when a single byte is missing, added or changed
 */
export function decodeRecord(bytes: Uint8Array): WalRecord {
  if (bytes.length < PREFIX_BYTES) throw invalid('it is shorter than its prefix');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw invalid('it does not begin like a record');
  const length = view.getUint32(4, true);
  const end = PREFIX_BYTES + length;
  if (length > HEADER_BYTES_MAX || end > bytes.length) throw invalid('its header is cut off');
  const headerBytes = bytes.subarray(PREFIX_BYTES, end);
  if (view.getUint32(8, true) !== crc32(headerBytes)) throw invalid('its header fails its CRC');
  const header = parseHeader(headerBytes);
  const blocks = bytes.subarray(end);
  if (blocks.length !== blockBytes(header)) {
    throw invalid(`it has ${blocks.length} of ${blockBytes(header)} block bytes`);
  }
  if (crc32(blocks) !== header.crc) throw invalid('its blocks fail their CRC');
  return recordOf(header, blocks);
}

function headerOf(record: WalRecord, crc: number): object {
  const { kind, inputs, outputs, keep, dead, state } = record;
  return {
    v: 1,
    kind,
    inputs: inputs.map((i) => [i.producer, i.seq]),
    outputs: outputs.map((o) => [o.consumer, o.firstSeq, o.count, o.block.length]),
    keep: keep.map((k) => [k.block.length, k.skip, k.dead]),
    dead,
    ...(state === undefined ? {} : { state }),
    crc,
  };
}

function recordOf(header: RecordHeader, blocks: Uint8Array): WalRecord {
  let at = 0;
  const next = (length: number): Uint8Array => {
    at += length;
    return blocks.subarray(at - length, at);
  };
  return {
    kind: header.kind,
    inputs: header.inputs.map(([producer, seq]) => ({ producer, seq })),
    outputs: header.outputs.map(([consumer, firstSeq, count, length]) => {
      return { consumer, firstSeq, count, block: next(length) };
    }),
    dead: header.dead,
    keep: header.keep.map(([length, skip, dead]) => ({ block: next(length), skip, dead })),
    ...('state' in header ? { state: header.state } : {}),
  };
}

function parseHeader(bytes: Uint8Array): RecordHeader {
  try {
    return recordHeader.parse(decoder.decode(bytes));
  } catch (error) {
    throw invalid(`its header is not as described: ${reasonOf(error)}`, error);
  }
}

function blockBytes(header: RecordHeader): number {
  let sum = 0;
  for (const [, , , length] of header.outputs) sum += length;
  for (const [length] of header.keep) sum += length;
  return sum;
}

function invalid(problem: string, cause?: unknown): Error {
  return fault('RECORD_INVALID', { problem }, cause);
}
