/**
 * The ring on which nodes and files are placed (consistent hashing, Karger et al., 1997): a text's
 * SHA-256 says where it is. A file belongs to the first nodes at or after its point.
 */
import { createHash } from 'node:crypto';

/** Points of the ring; what is said about a point holds for every file on it. */
export const RING_POINTS = 1024;

/** The point of `text`: the first ten bits of its SHA-256. */
export function ringPointOf(text: string): number {
  return ringHash(text).readUInt16BE(0) >>> 6;
}

/** The whole SHA-256 of `text`, for what needs more than a point. */
export function ringHash(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** `nodes` as they stand on the ring, from its beginning. */
export function ringOrder(nodes: Iterable<string>): string[] {
  return [...nodes]
    .map((node) => ({ node, hash: ringHash(node) }))
    .sort((a, b) => Buffer.compare(a.hash, b.hash))
    .map(({ node }) => node);
}
