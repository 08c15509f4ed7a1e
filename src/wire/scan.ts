/**
 * Walks CBOR without building anything, so that limits hold before a decoder allocates.
 *
 * Invariants
 *   K1  Nothing is allocated; byte and text strings are stepped over.
 *   K2  Accepted bytes are exactly one data item: no rest, nothing cut off.
 *   K3  Lengths are definite, there are no tags, map keys are text or unsigned integers, integers
 *       are exact in a double: what is accepted means the same in every language.
 *   K4  Depth and item count are within `limits.ts`, so the decoder's memory is a small multiple
 *       of the bytes scanned.
 */
import { DEPTH_MAX, ITEMS_MAX } from './limits.ts';

const remaining = new Uint32Array(DEPTH_MAX + 1);
const inMap = new Uint8Array(DEPTH_MAX + 1);

/** What is said of bytes that end too early. */
export const CUT_OFF = 'cut off';

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
/** Bits above the 21 that an exact integer may have in its upper word. */
const HIGH_WORD_MAX = 0x1f_ffff;

/** Where the byte string begins that is the last value of the map last scanned; -1 without one. */
export let lastBytes = -1;

/** What is wrong with `bytes` as one plain CBOR item, or null when nothing is. */
export function scanCbor(bytes: Uint8Array): string | null {
  const end = bytes.length;
  lastBytes = -1;
  let at = 0;
  let depth = 0;
  let items = 0;
  remaining[0] = 1;
  inMap[0] = 0;
  while (true) {
    while (depth > 0 && remaining[depth] === 0) depth -= 1;
    if (depth === 0 && remaining[0] === 0) return at === end ? null : 'bytes after the end';
    if (at >= end) return CUT_OFF;
    items += 1;
    if (items > ITEMS_MAX) return `more than ${ITEMS_MAX} items`;
    const major = bytes[at] >> 5;
    const info = bytes[at] & 31;
    if (inMap[depth] === 1 && (remaining[depth] & 1) === 0 && major !== TEXT && major !== UNSIGNED)
      return 'a map key that is neither text nor an unsigned integer';
    remaining[depth] -= 1;
    if (info > 27) return 'an indefinite or reserved length';
    if (major === BYTES && depth === 1 && remaining[1] === 0) lastBytes = at;
    const wide = info < 24 ? 0 : 1 << (info - 24);
    if (at + 1 + wide > end) return CUT_OFF;
    if (major === TAG) return 'a tag';
    if (major === 7) {
      if (info < 20 || info === 24) return 'an unknown simple value';
      at += 1 + wide;
      continue;
    }
    if (wide === 8 && major > NEGATIVE && word(bytes, at + 1) !== 0) return CUT_OFF;
    if (wide === 8 && word(bytes, at + 1) > HIGH_WORD_MAX) return 'an integer above 2^53';
    const argument = wide === 0 ? info : argumentAt(bytes, at + 1, wide);
    at += 1 + wide;
    if (major === BYTES || major === TEXT) {
      if (argument > end - at) return CUT_OFF;
      at += argument;
    } else if (major === ARRAY || major === MAP) {
      if (depth === DEPTH_MAX) return `deeper than ${DEPTH_MAX}`;
      if (argument > ITEMS_MAX) return `more than ${ITEMS_MAX} items`;
      depth += 1;
      remaining[depth] = major === MAP ? argument * 2 : argument;
      inMap[depth] = major === MAP ? 1 : 0;
    }
  }
}

function argumentAt(bytes: Uint8Array, at: number, wide: number): number {
  if (wide === 1) return bytes[at];
  if (wide === 2) return (bytes[at] << 8) | bytes[at + 1];
  // the upper word of a length is zero here, and an integer's value is not needed
  return word(bytes, wide === 4 ? at : at + 4);
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
