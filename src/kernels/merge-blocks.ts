/**
 * Merge kernel: several blocks, less their repeats, -> one block.
 *
 * Small blocks that arrived together are run as one batch. Tuples keep their order; the result may
 * hold up to BLOCK_TUPLES_MAX of them.
 */
import { assert, spareBytes } from '../core/index.ts';
import {
  BLOCK_BYTES,
  BLOCK_TUPLES_MAX,
  type Block,
  decodeBlock,
  encodeBlock,
} from '../plan/index.ts';
import { ByteSink, bytesOf } from './growable.ts';

export interface MergeArgs {
  readonly blocks: readonly MergePart[];
}

/** An encoded block, and which of its tuples are wanted. */
export interface MergePart {
  readonly bytes: Uint8Array;
  /** leading tuples to drop */
  readonly skip: number;
  /** tuples from this index on are dropped too; the block's count when absent */
  readonly until?: number;
}

/** A block without its first tuples. */
interface Part {
  readonly block: Block;
  readonly skip: number;
  readonly keyAt: number;
  readonly valueAt: number;
  readonly fanAt: number;
}

/** Scratch that every call uses again, as in `Partitioner`. */
const SCRATCH_BYTES_KEPT = 8 * BLOCK_BYTES;
const column = (): Uint32Array => new Uint32Array(BLOCK_TUPLES_MAX);
const joined = {
  idHi: column(),
  idLo: column(),
  fanEnds: column(),
  keyEnds: column(),
  valueEnds: column(),
  fan: new ByteSink(64),
  keys: new ByteSink(BLOCK_BYTES),
  values: new ByteSink(BLOCK_BYTES),
};
/** The ends of a fan-out column that is not there. */
const NO_ENDS = column();

/**
 * The tuples of `blocks` in one block, whose memory may be given to `spareBytes`.
 * @throws fault BLOCK_INVALID
 */
export function mergeBlocks({ blocks }: MergeArgs): Uint8Array<ArrayBuffer> {
  const parts = blocks.map(({ bytes, skip, until }) =>
    partOf(firstTuples(decodeBlock(bytes), until), skip),
  );
  const count = sum(parts, (p) => p.block.count - p.skip);
  assert(count <= BLOCK_TUPLES_MAX, 'a merged block stays below its tuple limit');
  const hasFan = parts.some((p) => p.block.fan !== null);
  joinIds(parts, joined.idHi, (block) => block.idHi);
  joinIds(parts, joined.idLo, (block) => block.idLo);
  joinEnds(parts, joined.keyEnds, (p) => ({ ends: p.block.keyEnds, at: p.keyAt }));
  joinEnds(parts, joined.valueEnds, (p) => ({ ends: p.block.valueEnds, at: p.valueAt }));
  const keys = joinBytes(parts, joined.keys, (p) => ({ bytes: p.block.keys, at: p.keyAt }));
  const values = joinBytes(parts, joined.values, (p) => ({ bytes: p.block.values, at: p.valueAt }));
  const fan = hasFan ? { ends: joined.fanEnds, bytes: joinFans(parts) } : null;
  const { idHi, idLo, keyEnds, valueEnds } = joined;
  const block = { count, idHi, idLo, fan, keyEnds, valueEnds, keys, values };
  return encodeBlock(block, (length) => spareBytes.take(length));
}

/** The first `count` tuples of `block`, as views of it. */
function firstTuples(block: Block, count = block.count): Block {
  if (count >= block.count) return block;
  const upTo = (ends: Uint32Array): number => (count === 0 ? 0 : ends[count - 1]);
  const { fan } = block;
  return {
    count,
    idHi: block.idHi.subarray(0, count),
    idLo: block.idLo.subarray(0, count),
    fan: fan === null ? null : { ends: fan.ends, bytes: fan.bytes.subarray(0, upTo(fan.ends)) },
    keyEnds: block.keyEnds.subarray(0, count),
    valueEnds: block.valueEnds.subarray(0, count),
    keys: block.keys.subarray(0, upTo(block.keyEnds)),
    values: block.values.subarray(0, upTo(block.valueEnds)),
  };
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

function joinIds(
  parts: readonly Part[],
  into: Uint32Array,
  of: (block: Block) => Uint32Array,
): void {
  let at = 0;
  for (const { block, skip } of parts) {
    into.set(of(block).subarray(skip), at);
    at += block.count - skip;
  }
}

function joinEnds(
  parts: readonly Part[],
  into: Uint32Array,
  of: (part: Part) => { ends: Uint32Array; at: number },
): void {
  let to = 0;
  let base = 0;
  for (const part of parts) {
    const { ends, at } = of(part);
    for (let i = part.skip; i < part.block.count; i++) into[to++] = ends[i] - at + base;
    if (to > 0) base = into[to - 1];
  }
}

/** As the others, for a column that some blocks do not have: their tuples have empty paths. */
function joinFans(parts: readonly Part[]): Uint8Array {
  joinEnds(parts, joined.fanEnds, (p) => ({ ends: p.block.fan?.ends ?? NO_ENDS, at: p.fanAt }));
  return joinBytes(parts, joined.fan, (p) => ({
    bytes: p.block.fan?.bytes ?? new Uint8Array(0),
    at: p.fanAt,
  }));
}

function joinBytes(
  parts: readonly Part[],
  into: ByteSink,
  of: (part: Part) => { bytes: Uint8Array; at: number },
): Uint8Array {
  into.reset(SCRATCH_BYTES_KEPT);
  for (const part of parts) {
    const { bytes, at } = of(part);
    into.append(bytesOf(bytes), at, bytes.length - at);
  }
  return into.bytes.subarray(0, into.length);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
