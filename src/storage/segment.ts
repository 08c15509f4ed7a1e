/**
 * A segment: one file of a log, named `<first index, 16 hex>-<salt, 8 hex>.seg`, which begins with
 * a header entry (magic, first index, the owner's snapshot) and goes on with the entries.
 */
import { join } from 'node:path';
import type { Random } from '../core/index.ts';

const MAGIC = 0x314c5352; // "RSL1"
const PREFIX_BYTES = 12;
const NAME = /^([0-9a-f]{16})-([0-9a-f]{8})\.seg$/;

export interface Segment {
  readonly path: string;
  /** The index of its first entry (the header entry has none). */
  readonly firstIndex: number;
  readonly salt: number;
  /** Where the next entry will be placed. */
  end: number;
  /** Bytes below are durable; -1 while unknown (an older segment nobody has read yet). */
  durableEnd: number;
}

/** A segment that does not exist yet. */
export function newSegment(dir: string, firstIndex: number, random: Random): Segment {
  const salt = random.u32();
  const index = firstIndex.toString(16).padStart(16, '0');
  const name = `${index}-${salt.toString(16).padStart(8, '0')}.seg`;
  return { path: join(dir, name), firstIndex, salt, end: 0, durableEnd: 0 };
}

/** The segments among the `names` of a directory, oldest first; other names are not looked at. */
export function segmentsOf(dir: string, names: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  for (const name of names) {
    const match = NAME.exec(name);
    if (match === null) continue;
    const firstIndex = Number.parseInt(match[1], 16);
    const salt = Number.parseInt(match[2], 16);
    segments.push({ path: join(dir, name), firstIndex, salt, end: 0, durableEnd: -1 });
  }
  return segments.sort((a, b) => a.firstIndex - b.firstIndex);
}

/** The payload of a header entry, before the owner's snapshot. */
export function headerPrefix(firstIndex: number): Uint8Array {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(MAGIC, 0);
  prefix.writeBigUInt64LE(BigInt(firstIndex), 4);
  return prefix;
}

/** The owner's snapshot in the payload of a header entry, or null when it is not one of `segment`. */
export function snapshotOf(segment: Segment, payload: Uint8Array): Uint8Array | null {
  if (payload.length < PREFIX_BYTES) return null;
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (view.readUInt32LE(0) !== MAGIC) return null;
  if (view.readBigUInt64LE(4) !== BigInt(segment.firstIndex)) return null;
  return payload.subarray(PREFIX_BYTES);
}
