/**
 * A JSON string from bytes that should be UTF-8.
 *
 * Ill-formed sequences become U+FFFD, one per maximal subpart (Unicode 16, section 3.9, "Substitution
 * of Maximal Subparts"), which is what the WHATWG decoder and so `TextDecoder` does. Escapes are
 * those of `JSON.stringify`.
 */
import type { ByteSink, Bytes } from './growable.ts';

/** Most bytes that one byte can become: a control character as \u00XX. */
const GROWTH = 6;
const QUOTE = 34;
const BACKSLASH = 92;
const HEX = Buffer.from('0123456789abcdef');
/** Second character of the short escapes, by control character; 0 where there is none. */
const SHORT = shortEscapes();

function shortEscapes(): Uint8Array {
  const table = new Uint8Array(32);
  table[8] = 0x62;
  table[9] = 0x74;
  table[10] = 0x6e;
  table[12] = 0x66;
  table[13] = 0x72;
  return table;
}

/** Appends `"..."` for `from[at, end)`. */
export function appendJsonString(to: ByteSink, from: Bytes, at: number, end: number): void {
  to.reserve(GROWTH * (end - at) + 2);
  const source = from.bytes;
  const out = to.bytes;
  let length = to.length;
  out[length++] = QUOTE;
  for (let i = at; i < end; ) {
    const byte = source[i];
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
      length = writeEscape(out, length, byte);
      i += 1;
    } else if (byte < 0x80) {
      out[length++] = byte;
      i += 1;
    } else {
      const size = sequence(source, i, end);
      if (size > 0) {
        for (let j = 0; j < size; j++) out[length++] = source[i + j];
        i += size;
      } else {
        length = writeReplacement(out, length);
        i -= size;
      }
    }
  }
  out[length++] = QUOTE;
  to.length = length;
}

function writeEscape(out: Uint8Array, at: number, byte: number): number {
  let i = at;
  out[i++] = BACKSLASH;
  const short = byte >= 0x20 ? byte : SHORT[byte];
  if (short !== 0) {
    out[i++] = short;
    return i;
  }
  out[i++] = 0x75;
  out[i++] = 0x30;
  out[i++] = 0x30;
  out[i++] = HEX[byte >>> 4];
  out[i++] = HEX[byte & 15];
  return i;
}

function writeReplacement(out: Uint8Array, at: number): number {
  out[at] = 0xef;
  out[at + 1] = 0xbf;
  out[at + 2] = 0xbd;
  return at + 3;
}

/**
 * Bytes of the well-formed sequence that begins at `at` with a byte from 0x80 on, or minus the bytes
 * of the ill-formed part to replace (Unicode 16, table 3-7).
 */
function sequence(b: Uint8Array, at: number, end: number): number {
  const first = b[at];
  if (first < 0xc2 || first > 0xf4) return -1;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (at + 1 >= end || b[at + 1] < low || b[at + 1] > high) return -1;
  for (let i = 2; i < size; i++) {
    if (at + i >= end || (b[at + i] & 0xc0) !== 0x80) return -i;
  }
  return size;
}
