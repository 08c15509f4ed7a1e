/**
 * Routing of keys: key -> slot -> task.
 *
 * 1. A slot is a property of the key's bytes alone: the same in every process, version and language.
 *    The hash below must never change, because logs hold tuples already routed by it.
 * 2. Which task owns a slot is a table with a version, so that a stage can be rescaled by moving
 *    slots. Nothing routes by `hash mod n`.
 *
 * The hash is 32-bit FNV-1a (Fowler, Noll, Vo) followed by the finaliser of MurmurHash3
 * (Appleby, `fmix32`), which spreads FNV's weak low bits: the slot is the low ten.
 */
import { assert } from '../core/index.ts';

/** Slots per stage. */
export const SLOTS = 1024;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** Which task of a stage owns each slot. */
export interface SlotTable {
  readonly version: number;
  /** slot -> task index, `SLOTS` entries. */
  readonly tasks: Uint16Array;
}

/** The table that deals the slots out to `tasks` tasks in turn. */
export function evenSlots(tasks: number, version: number): SlotTable {
  assert(Number.isInteger(tasks) && tasks >= 1 && tasks <= SLOTS, 'a stage has 1 to 1024 tasks');
  return { version, tasks: Uint16Array.from({ length: SLOTS }, (_, slot) => slot % tasks) };
}

/** The slot of the key `bytes[start, end)`. */
export function slotOf(bytes: Uint8Array, start: number, end: number): number {
  return slotOfHash(hashBytes(bytes, start, end));
}

/** An unfinished hash of `bytes[start, end)`; `before` continues one of the bytes in front. */
export function hashBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  before = FNV_OFFSET,
): number {
  let h = before;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i], FNV_PRIME);
  return h;
}

/** The slot that belongs to an unfinished hash from `hashBytes`. */
export function slotOfHash(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & (SLOTS - 1);
}
