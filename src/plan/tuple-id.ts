/**
 * Tuple ids: where a tuple came from, in two integers and a path.
 *
 *   text = source ":" line *( "-" k )
 *
 * 1. An id is given by the runtime from (source, line) and the fan-out steps on the way; never by an
 *    operator, a clock or an attempt. A replay gives the same ids.
 * 2. `idHi` = source index << 16 | bits 32..47 of the line; `idLo` = the low 32 bits of the line.
 * 3. A fan path is one unsigned LEB128 varint per fan-out step, each below 2^32.
 */
import { assert } from '../core/index.ts';
import type { Block } from './block.ts';

/** One more than the largest line number an id can carry. */
export const LINES_MAX = 2 ** 48;
/** One more than the largest source index an id can carry. */
export const SOURCES_MAX = 2 ** 16;
/** Most bytes of one fan-out step. */
export const FAN_STEP_BYTES_MAX = 5;

/** The high id word of `line` (from 0) of source number `source`. */
export function idHiOf(source: number, line: number): number {
  return ((source << 16) | Math.floor(line / 2 ** 32)) >>> 0;
}

/** The source index in a high id word. */
export function sourceOf(idHi: number): number {
  return idHi >>> 16;
}

/** The line number in an id. */
export function lineOf(idHi: number, idLo: number): number {
  return (idHi & 0xffff) * 2 ** 32 + idLo;
}

/** Writes fan-out step `k` at `at`; returns the offset behind it. */
export function writeFanStep(bytes: Uint8Array, at: number, k: number): number {
  let rest = k >>> 0;
  let i = at;
  while (rest > 0x7f) {
    bytes[i++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[i++] = rest;
  return i;
}

/** The fan-out steps of tuple `i` of `block`; empty for most. */
export function fanPath(block: Block, i: number): number[] {
  if (block.fan === null) return [];
  const { ends, bytes } = block.fan;
  const path: number[] = [];
  let step = 0;
  let scale = 1;
  for (let at = i === 0 ? 0 : ends[i - 1]; at < ends[i]; at++) {
    step += (bytes[at] & 0x7f) * scale;
    scale *= 128;
    if (bytes[at] < 0x80) {
      path.push(step);
      step = 0;
      scale = 1;
    }
  }
  return path;
}

/**
 * The id of tuple `i` of `block` as people read it. `sources` are the names by source index; an
 * index without a name is printed as `#<index>`, because this is used on damaged data too.
 */
export function formatTupleId(sources: readonly string[], block: Block, i: number): string {
  assert(i >= 0 && i < block.count, 'a tuple index lies in its block');
  const source = sourceOf(block.idHi[i]);
  const name = sources[source] ?? `#${source}`;
  const line = lineOf(block.idHi[i], block.idLo[i]);
  return [`${name}:${line}`, ...fanPath(block, i)].join('-');
}
