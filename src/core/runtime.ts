import { setFlagsFromString } from 'node:v8';

/**
 * Tells V8 that buffers outside its heap are ordinary memory of this program. By default every 64 MiB
 * of them starts a full collection, of a heap that has hardly changed: with blocks of 64 KiB that
 * was a fifth of all processor time. Call it first.
 */
export function tuneGarbageCollector(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
