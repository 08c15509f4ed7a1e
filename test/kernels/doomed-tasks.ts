/** A task file for pools whose threads go wrong. */
export function warm(): true {
  return true;
}

/** Kills its thread. */
export function ingest(): never {
  process.exit(7);
}

/** Throws something that is no fault. */
export function merge(): never {
  throw new RangeError('thrown in a thread');
}
