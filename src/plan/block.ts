/**
 * A block: a columnar batch of tuples, and its bytes.
 *
 *   block = [ 1,                      ; version
 *             count: uint,            ; 0..BLOCK_TUPLES_MAX
 *             id-hi: u32s, id-lo: u32s,
 *             fan-ends: u32s / null,  ; both or neither
 *             fan-bytes: bstr / null,
 *             key-ends: u32s, value-ends: u32s,
 *             keys: bstr, values: bstr ]
 *   u32s  = #6.70(bstr)               ; RFC 8746: uint32, little endian; count of them
 *
 * 1. The bytes are plain CBOR (RFC 8949): any decoder reads them. The writer picks the width of each
 *    length field so that every u32 array starts at a multiple of four from the first byte; a block
 *    at an aligned address is therefore read without copying. The reader takes any width.
 * 2. `*Ends` are cumulative: tuple i's key is keys[keyEnds[i-1], keyEnds[i]). They never fall, and
 *    the last one is the length of the bytes they cut.
 * 3. `fan` is null when no tuple of the block has a fan-out path.
 * 4. A writer closes a block before the tuple that would take it over BLOCK_BYTES of payload (key and
 *    value bytes) or BLOCK_TUPLES; a single larger tuple is a block of its own.
 * 5. `decodeBlock` trusts nothing: whatever passes it can be indexed without a further check.
 */
import { assert, fault, unsetBytes } from '../core/index.ts';
import { BlockReader } from './block-reader.ts';
import { FAN_STEP_BYTES_MAX } from './tuple-id.ts';

/** Payload (key and value bytes) at which a block closes. */
export const BLOCK_BYTES = 64 * 1024;
/** Tuples at which a block closes. */
export const BLOCK_TUPLES = 2048;
/** Most tuples a reader accepts: room for later writers with larger blocks. */
export const BLOCK_TUPLES_MAX = 8192;
/** Longest line of a source or operator, and so longest key and longest value, in bytes. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

const VERSION = 1;
const FIELDS = 10;
/** CBOR major type of byte strings. */
const BSTR = 2;

/** Fan-out paths of a block's tuples: varints in `bytes`, cut by cumulative `ends`. */
export interface Fan {
  readonly ends: Uint32Array;
  readonly bytes: Uint8Array;
}

/** A columnar batch of tuples; see the head of the file. */
export interface Block {
  readonly count: number;
  readonly idHi: Uint32Array;
  readonly idLo: Uint32Array;
  readonly fan: Fan | null;
  readonly keyEnds: Uint32Array;
  readonly valueEnds: Uint32Array;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** Payload bytes of a block: what BLOCK_BYTES limits and windows count. */
export function payloadBytes(block: Block): number {
  return block.keys.length + block.values.length;
}

/** The block as CBOR, in bytes that `allocate` gives: by default a buffer of its own. */
export function encodeBlock(block: Block, allocate = unsetBytes): Uint8Array<ArrayBuffer> {
  const { count, fan } = block;
  assert(count <= BLOCK_TUPLES_MAX, 'a block stays below its tuple limit');
  const out = allocate(encodedBytes(block));
  out[0] = 0x80 | FIELDS;
  out[1] = VERSION;
  let at = writeLength16(out, 2, 0, count);
  at = writeU32s(out, at, block.idHi, count);
  at = writeU32s(out, at, block.idLo, count);
  if (fan === null) {
    out[at++] = 0xf6;
    out[at++] = 0xf6;
  } else {
    at = writeU32s(out, at, fan.ends, count);
    at = writeBytes(out, at, fan.bytes);
  }
  at = writeU32s(out, at, block.keyEnds, count);
  at = writeU32s(out, at, block.valueEnds, count);
  at = writeBytes(out, at, block.keys);
  at = writeBytes(out, at, block.values);
  assert(at === out.length, 'the size of a block is known before it is written');
  return out;
}

/**
 * The block in `bytes`, as views of them where alignment allows.
 * @throws fault BLOCK_INVALID when anything about them is wrong
 */
export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new BlockReader(bytes);
  reader.array(FIELDS);
  if (reader.uint() !== VERSION) throw invalid('its version is not 1');
  const count = reader.uint();
  if (count > BLOCK_TUPLES_MAX) throw invalid(`it claims ${count} tuples`);
  const idHi = reader.u32s(count);
  const idLo = reader.u32s(count);
  const fanEnds = reader.nullable() ? null : reader.u32s(count);
  const fanBytes = reader.nullable() ? null : reader.bytes();
  const keyEnds = reader.u32s(count);
  const valueEnds = reader.u32s(count);
  const keys = reader.bytes();
  const values = reader.bytes();
  reader.end();
  checkEnds('keys', keyEnds, count, keys.length);
  checkEnds('values', valueEnds, count, values.length);
  return {
    count,
    idHi,
    idLo,
    fan: fanOf(fanEnds, fanBytes, count),
    keyEnds,
    valueEnds,
    keys,
    values,
  };
}

function fanOf(ends: Uint32Array | null, bytes: Uint8Array | null, count: number): Fan | null {
  if (ends === null && bytes === null) return null;
  if (ends === null || bytes === null) throw invalid('half of its fan-out columns is missing');
  checkEnds('fan-out paths', ends, count, bytes.length);
  for (let i = 0, at = 0; i < count; i++) {
    let run = 0;
    for (; at < ends[i]; at++) {
      run = bytes[at] < 0x80 ? 0 : run + 1;
      if (run >= FAN_STEP_BYTES_MAX) throw invalid('a fan-out step is too long');
    }
    if (run > 0) throw invalid('a fan-out step has no end');
  }
  return { ends, bytes };
}

function checkEnds(what: string, ends: Uint32Array, count: number, length: number): void {
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const end = ends[i];
    if (end < previous) throw invalid(`the ends of its ${what} fall`);
    previous = end;
  }
  if (previous !== length) throw invalid(`its ${what} end at ${previous} of ${length} bytes`);
}

function invalid(problem: string): Error {
  return fault('BLOCK_INVALID', { problem });
}

/** What `encodeBlock` will write. */
function encodedBytes(block: Block): number {
  const words = 4 * block.count;
  let at = 5;
  at += u32sHead(at) + words;
  at += u32sHead(at) + words;
  at += block.fan === null ? 2 : u32sHead(at) + words + 5 + block.fan.bytes.length;
  at += u32sHead(at) + words;
  at += u32sHead(at) + words;
  return at + 5 + block.keys.length + 5 + block.values.length;
}

/** Bytes of tag and length in front of a typed array that would begin at `at`: 5 to 8. */
function u32sHead(at: number): number {
  return 5 + ((3 - at) & 3);
}

/**
 * Tag 70 and length, in the widths that bring the payload to a multiple of four:
 * tag in 2 or 3 bytes, length in 3 or 5.
 */
function writeU32s(out: Uint8Array, at: number, words: Uint32Array, count: number): number {
  const bytes = count * 4;
  const head = u32sHead(at);
  let i = at;
  // 5 = 2+3, 6 = 3+3, 7 = 2+5, 8 = 3+5
  if (head === 6 || head === 8) {
    out[i++] = 0xd9;
    out[i++] = 0;
  } else {
    out[i++] = 0xd8;
  }
  out[i++] = 70;
  i = head <= 6 ? writeLength16(out, i, BSTR, bytes) : writeLength32(out, i, BSTR, bytes);
  new Uint32Array(out.buffer, out.byteOffset + i, count).set(words.subarray(0, count));
  return i + bytes;
}

function writeBytes(out: Uint8Array, at: number, bytes: Uint8Array): number {
  const i = writeLength32(out, at, BSTR, bytes.length);
  out.set(bytes, i);
  return i + bytes.length;
}

function writeLength16(out: Uint8Array, at: number, major: number, value: number): number {
  out[at] = (major << 5) | 25;
  out[at + 1] = value >>> 8;
  out[at + 2] = value;
  return at + 3;
}

function writeLength32(out: Uint8Array, at: number, major: number, value: number): number {
  out[at] = (major << 5) | 26;
  out[at + 1] = value >>> 24;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 8;
  out[at + 4] = value;
  return at + 5;
}
