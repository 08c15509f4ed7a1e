import type { Clock } from '../../core/index.ts';

/** What `work` comes to, or `late` when that takes longer than `ms`; `work` goes on by itself then. */
export function within<T>(
  work: Promise<T>,
  options: { readonly clock: Clock; readonly ms: number; readonly late: () => Error },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = options.clock.timer(options.ms, () => reject(options.late()));
  work.then(resolve, reject).finally(() => timer.cancel());
  return promise;
}
