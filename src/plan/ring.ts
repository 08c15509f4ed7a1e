/**
 * The ring on which nodes and files are placed (consistent hashing, Karger et al., 1997): a text's
 * SHA-256 says where it is. A file belongs to the first nodes at or after its point.
 */
import { createHash } from 'node:crypto';

/** Points of the ring; what is said about a point holds for every file on it. */
export const RING_POINTS = 1024;

/** Texts whose point is remembered: to hash a name costs more than all else about a small append. */
const REMEMBERED_MAX = 4096;
const remembered = new Map<string, number>();

/** The point of `text`: the first ten bits of its SHA-256. */
export function ringPointOf(text: string): number {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const point = ringHash(text).readUInt16BE(0) >>> 6;
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(text, point);
  return point;
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

/** Nodes as they stand on the ring, to find the successors of points. */
export interface Ring {
  /** From the ring's beginning. */
  readonly nodes: readonly string[];
  /** Per point, which of `nodes` is the first at or after it; 0 where the ring begins again. */
  readonly first: Uint16Array;
}

/** The ring of `nodes`, of which there are at most 65,536. */
export function ringOf(nodes: Iterable<string>): Ring {
  const order = ringOrder(nodes);
  const first = new Uint16Array(RING_POINTS);
  const points = order.map(ringPointOf);
  let at = 0;
  for (let point = 0; point < RING_POINTS; point++) {
    while (at < points.length && points[at] < point) at += 1;
    first[point] = at === points.length ? 0 : at;
  }
  return { nodes: order, first };
}

/** The nodes at or after `point`, around the ring, each once. */
export function* successors({ nodes, first }: Ring, point: number): Generator<string> {
  for (let i = 0; i < nodes.length; i++) yield nodes[(first[point] + i) % nodes.length];
}
