/**
 * What `work` makes of each of `items`, in their order, while the work for up to `count` of them is
 * under way. The first failure is thrown in its turn; what is under way then goes on by itself.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  count: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  let flight: readonly Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // it is waited for in its turn, and fails there
    result.catch(() => {});
    flight = [...flight, result];
    if (flight.length < count) continue;
    yield await flight[0];
    flight = flight.slice(1);
  }
  for (const result of flight) yield await result;
}
