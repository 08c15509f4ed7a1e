import { crc32 } from '../core/index.ts';
import type { BlockSum, RawEntry } from './replication/stored-files.ts';

/** A block of entries ends with the one that makes it this large. */
export const SUM_BLOCK_BYTES = 1024 * 1024;

/**
 * Checksums of `entries` before index `to`, block by block. A sum covers the length of each payload and
 * its bytes; blocks end at the same entries wherever the same entries are, however they lie on disk.
 */
export async function* blockSums(
  entries: AsyncIterable<RawEntry>,
  to: number,
): AsyncGenerator<BlockSum> {
  const length = Buffer.alloc(4);
  let [sum, bytes, end] = [0, 0, -1];
  for await (const { index, payload } of entries) {
    if (index >= to) break;
    length.writeUInt32LE(payload.length);
    sum = crc32(payload, crc32(length, sum));
    bytes += payload.length;
    end = index + 1;
    if (bytes < SUM_BLOCK_BYTES) continue;
    yield { to: end, sum };
    [sum, bytes, end] = [0, 0, -1];
  }
  if (end >= 0) yield { to: end, sum };
}
