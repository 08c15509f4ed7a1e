import { z } from 'zod';
import { BEATS_MAX } from '../limits.ts';
import { type BodyOf, defineBody } from './definition.ts';
import { bytes } from './fields.ts';

/** Bytes of one heartbeat: the key in six, the counter in four, most significant first. */
export const BEAT_BYTES = 10;

/**
 * Heartbeat counters that the sender has heard of, its own first. A counter grows with each period
 * of its owner; only the highest counts.
 *
 * ```cddl
 * beat = [5, bstr .size (10..960)]   ; per member: key (6 bytes), counter (4 bytes), big endian
 * ```
 */
export const beat = defineBody(5, 'beat', {
  beats: bytes.transform((packed, context) => {
    const count = packed.length / BEAT_BYTES;
    if (!Number.isInteger(count) || count < 1 || count > BEATS_MAX) {
      context.addIssue('expected 1 to 96 whole heartbeats');
      return z.NEVER;
    }
    return unpackBeats(packed);
  }),
});

export interface Heartbeat {
  readonly key: number;
  readonly count: number;
}

export type Beat = BodyOf<typeof beat>;

export function packBeats(beats: readonly Heartbeat[]): Uint8Array {
  const packed = new Uint8Array(beats.length * BEAT_BYTES);
  const view = new DataView(packed.buffer);
  beats.forEach(({ key, count }, i) => {
    view.setUint16(i * BEAT_BYTES, Math.floor(key / 2 ** 32));
    view.setUint32(i * BEAT_BYTES + 2, key % 2 ** 32);
    view.setUint32(i * BEAT_BYTES + 6, count);
  });
  return packed;
}

function unpackBeats(packed: Uint8Array): readonly Heartbeat[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / BEAT_BYTES }, (_, i) => ({
    key: view.getUint16(i * BEAT_BYTES) * 2 ** 32 + view.getUint32(i * BEAT_BYTES + 2),
    count: view.getUint32(i * BEAT_BYTES + 6),
  }));
}
