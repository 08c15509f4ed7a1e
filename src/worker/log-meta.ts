/**
 * What goes beside each record of a task's log, as its meta: where a successor begins to read.
 *
 *   meta = from        ; f64 little endian: a byte of the log, where a checkpoint is
 */
import { assert } from '../core/index.ts';

const META_BYTES = 8;

export function encodeLogMeta(from: number): Uint8Array {
  const bytes = new Uint8Array(META_BYTES);
  new DataView(bytes.buffer).setFloat64(0, from, true);
  return bytes;
}

/** 0 before the first record. */
export function decodeLogMeta(bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  assert(bytes.length === META_BYTES, 'the meta of a log record has one length');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0, true);
}
