/**
 * What clients saw, and whether one list that grows could have shown it to them (linearizability).
 *
 * For a list to which each number is added once and which reads return whole, these are all there is:
 * H1 what was added before a read began is in what it returns; H2 what a read returned is in what
 * later reads return; H3 nothing is read that nobody had begun to add; H4 the order of the list is
 * the order of time, where time orders them.
 */
export interface Operation {
  readonly kind: 'write' | 'read';
  /** Of a write: the number that it adds. */
  readonly item: number;
  readonly began: number;
  /** Infinity when nobody heard the end of it. */
  ended: number;
  /** Of a read that ended: how long the list was. */
  length: number;
}

/** What is wrong with `operations` when the list came to be `items` in the end, or null. */
export function inconsistency(
  operations: readonly Operation[],
  items: readonly number[],
): string | null {
  const places = new Map(items.map((item, place) => [item, place]));
  const ended = operations.filter(({ ended }) => ended !== Number.POSITIVE_INFINITY);
  const reads = ended.filter(({ kind }) => kind === 'read');
  const writes = ended.filter(({ kind }) => kind === 'write');
  const begins = new Map(
    operations.filter(({ kind }) => kind === 'write').map(({ item, began }) => [item, began]),
  );
  for (const write of writes) {
    if (!places.has(write.item)) return `the acknowledged ${write.item} is gone`;
  }
  const placeOf = ({ item }: Operation): number => places.get(item) ?? Number.POSITIVE_INFINITY;
  for (const read of reads) {
    const missed = writes.find((w) => w.ended < read.began && placeOf(w) >= read.length);
    if (missed !== undefined) return `a read of ${read.length} misses ${missed.item}`;
    const before = reads.find((r) => r.ended < read.began && r.length > read.length);
    if (before !== undefined) return `a read of ${read.length} came after one of ${before.length}`;
    const early = items.slice(0, read.length).find((i) => (begins.get(i) ?? 0) > read.ended);
    if (early !== undefined) return `${early} was read before it was written`;
  }
  for (const second of writes) {
    const first = writes.find((w) => w.ended < second.began && placeOf(w) > placeOf(second));
    if (first !== undefined) return `${second.item} overtook ${first.item}`;
  }
  return null;
}
