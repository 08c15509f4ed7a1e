/**
 * What `work` makes of each of `items`, in their order, while the work for up to `count` of them is
 * under way. After a failure no more items are waited for; it is thrown in its turn, and what is under
 * way then goes on by itself.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  count: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const iterator = items[Symbol.asyncIterator]();
  const failed = Promise.withResolvers<null>();
  let flight: readonly Promise<R>[] = [];
  let ended = false;
  try {
    for (;;) {
      const step = await Promise.race([failed.promise, iterator.next()]);
      ended = step?.done === true;
      if (step === null || step.done === true) break;
      const result = work(step.value);
      // it is waited for in its turn, and fails there
      result.catch(() => failed.resolve(null));
      flight = [...flight, result];
      if (flight.length < count) continue;
      yield await flight[0];
      flight = flight.slice(1);
    }
    for (const result of flight) yield await result;
  } finally {
    // it may wait for an item that never comes: nobody waits for its end
    if (!ended) iterator.return?.().catch(() => 'it was left');
  }
}
