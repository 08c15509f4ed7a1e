/**
 * The bytes of one entry.
 *
 *   offset  size
 *        0     4  length of the payload
 *        4     4  base: the segment's bytes below this offset were acknowledged before this entry
 *                 was written
 *        8     4  CRC-32 of the payload
 *       12     4  CRC-32 of the twelve bytes above
 *       16     *  payload
 *
 * All numbers are little endian. Both checksums start from the segment's salt, a random number that
 * is part of its file name.
 *
 * E1 A header is believed only when its own checksum fits, so a damaged length is never followed.
 * E2 The salt makes bytes of another log, stored as a payload by some user, look like noise.
 * E3 `base` is what tells a torn tail from damage: a header with `base` above a bad byte proves that
 *    the bad byte was once acknowledged.
 * E4 Zeros are never an entry: no salt makes both the checksum of twelve zeros and that of an empty
 *    payload zero.
 */
import { assert, bytesIn, crc32, crc32After, crc32Of } from '../core/index.ts';

export const ENTRY_HEADER_BYTES = 16;

/** The largest payload: eight of the largest blocks, with room for headers. */
export const ENTRY_PAYLOAD_MAX = 256 * 1024 * 1024;

export interface EntryHeader {
  readonly length: number;
  readonly base: number;
  readonly payloadCrc: number;
}

/** Writes the header of an entry into `target` at `at`. */
export function writeEntryHeader(
  target: Buffer,
  at: number,
  header: EntryHeader,
  salt: number,
): void {
  assert(header.length <= ENTRY_PAYLOAD_MAX, 'an entry is at most 256 MiB');
  target.writeUInt32LE(header.length, at);
  target.writeUInt32LE(header.base, at + 4);
  target.writeUInt32LE(header.payloadCrc, at + 8);
  target.writeUInt32LE(crc32(target.subarray(at, at + 12), salt), at + 12);
}

/** The header at `at` of `bytes`, or null when the bytes there are not one (E1). */
export function readEntryHeader(bytes: Buffer, at: number, salt: number): EntryHeader | null {
  if (at + ENTRY_HEADER_BYTES > bytes.length) return null;
  const length = bytes.readUInt32LE(at);
  if (length > ENTRY_PAYLOAD_MAX) return null;
  if (bytes.readUInt32LE(at + 12) !== crc32(bytes.subarray(at, at + 12), salt)) return null;
  return { length, base: bytes.readUInt32LE(at + 4), payloadCrc: bytes.readUInt32LE(at + 8) };
}

/**
 * A payload in pieces that nobody changes, with their bytes and their CRC-32 from zero: it is read for
 * that once, however many logs and replicas it goes to.
 */
export interface Payload {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
}

export function payloadOf(parts: readonly Uint8Array[]): Payload {
  return { parts, bytes: bytesIn(parts), crc: crc32Of(parts) };
}

/** The checksum of a payload in a segment. */
export function saltedCrc({ crc, bytes }: Payload, salt: number): number {
  return crc32After(crc, bytes, salt);
}
