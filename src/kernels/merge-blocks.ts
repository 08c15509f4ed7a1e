/**
 * Merge kernel: several blocks, less their repeats, -> one block.
 *
 * Small blocks that arrived together are run as one batch. Tuples keep their order; the result may
 * hold up to BLOCK_TUPLES_MAX of them.
 */
import { assert } from '../core/index.ts';
import { BLOCK_TUPLES_MAX, type Block, decodeBlock, encodeBlock } from '../plan/index.ts';

export interface MergeArgs {
  /** encoded blocks, and how many leading tuples of each to drop */
  readonly blocks: readonly { readonly bytes: Uint8Array; readonly skip: number }[];
}

/** A block without its first tuples. */
interface Part {
  readonly block: Block;
  readonly skip: number;
  readonly keyAt: number;
  readonly valueAt: number;
  readonly fanAt: number;
}

/**
 * The tuples of `blocks` in one block.
 * @throws fault BLOCK_INVALID
 */
export function mergeBlocks({ blocks }: MergeArgs): Uint8Array<ArrayBuffer> {
  const parts = blocks.map(({ bytes, skip }) => partOf(decodeBlock(bytes), skip));
  const count = sum(parts, (p) => p.block.count - p.skip);
  assert(count <= BLOCK_TUPLES_MAX, 'a merged block stays below its tuple limit');
  const hasFan = parts.some((p) => p.block.fan !== null);
  return encodeBlock({
    count,
    idHi: joinIds(parts, count, (block) => block.idHi),
    idLo: joinIds(parts, count, (block) => block.idLo),
    fan: hasFan ? { ends: joinFanEnds(parts, count), bytes: joinBytes(parts, fanBytes) } : null,
    keyEnds: joinEnds(parts, count, (p) => ({ ends: p.block.keyEnds, at: p.keyAt })),
    valueEnds: joinEnds(parts, count, (p) => ({ ends: p.block.valueEnds, at: p.valueAt })),
    keys: joinBytes(parts, (p) => p.block.keys.subarray(p.keyAt)),
    values: joinBytes(parts, (p) => p.block.values.subarray(p.valueAt)),
  });
}

function partOf(block: Block, skip: number): Part {
  assert(skip >= 0 && skip <= block.count, 'no more tuples are dropped than there are');
  const from = (ends: Uint32Array): number => (skip === 0 ? 0 : ends[skip - 1]);
  return {
    block,
    skip,
    keyAt: from(block.keyEnds),
    valueAt: from(block.valueEnds),
    fanAt: block.fan === null ? 0 : from(block.fan.ends),
  };
}

function fanBytes(part: Part): Uint8Array {
  return part.block.fan?.bytes.subarray(part.fanAt) ?? new Uint8Array(0);
}

function joinIds(
  parts: readonly Part[],
  count: number,
  column: (block: Block) => Uint32Array,
): Uint32Array {
  const joined = new Uint32Array(count);
  let at = 0;
  for (const { block, skip } of parts) {
    joined.set(column(block).subarray(skip), at);
    at += block.count - skip;
  }
  return joined;
}

function joinEnds(
  parts: readonly Part[],
  count: number,
  column: (part: Part) => { ends: Uint32Array; at: number },
): Uint32Array {
  const joined = new Uint32Array(count);
  let to = 0;
  let base = 0;
  for (const part of parts) {
    const { ends, at } = column(part);
    for (let i = part.skip; i < part.block.count; i++) joined[to++] = ends[i] - at + base;
    if (to > 0) base = joined[to - 1];
  }
  return joined;
}

/** As `joinEnds`, for a column that some blocks do not have: their tuples have empty paths. */
function joinFanEnds(parts: readonly Part[], count: number): Uint32Array {
  const none = new Uint32Array(Math.max(...parts.map((p) => p.block.count)));
  return joinEnds(parts, count, (p) => ({ ends: p.block.fan?.ends ?? none, at: p.fanAt }));
}

function joinBytes(parts: readonly Part[], column: (part: Part) => Uint8Array): Uint8Array {
  const pieces = parts.map(column);
  const joined = new Uint8Array(sum(pieces, (piece) => piece.length));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
