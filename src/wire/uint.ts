/**
 * Unsigned integers of CBOR on bare bytes, for the messages that carry tuples.
 */

/** Position after the last integer that `readUint` read. */
export let readEnd = 0;

/** Writes `value` under `major` in its shortest form and returns the position after it. */
export function writeUint(into: Uint8Array, at: number, major: number, value: number): number {
  const type = major << 5;
  if (value < 24) {
    into[at] = type | value;
    return at + 1;
  }
  const wide = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x1_0000_0000 ? 4 : 8;
  into[at] = type | (wide === 1 ? 24 : wide === 2 ? 25 : wide === 4 ? 26 : 27);
  let rest = value;
  for (let i = at + wide; i > at; i--) {
    into[i] = rest & 255;
    rest = Math.floor(rest / 256);
  }
  return at + 1 + wide;
}

/**
 * Reads the integer at `at` and leaves the position after it in `readEnd`. Any width is accepted.
 * @returns -1 when there is none of type `major`, it is cut off, or above 2^53
 */
export function readUint(bytes: Uint8Array, at: number, major: number): number {
  const info = bytes[at] & 31;
  if (at >= bytes.length || bytes[at] >> 5 !== major || info > 27) return -1;
  if (info < 24) {
    readEnd = at + 1;
    return info;
  }
  const wide = 1 << (info - 24);
  if (at + 1 + wide > bytes.length) return -1;
  let value = 0;
  for (let i = at + 1; i <= at + wide; i++) value = value * 256 + bytes[i];
  readEnd = at + 1 + wide;
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}
