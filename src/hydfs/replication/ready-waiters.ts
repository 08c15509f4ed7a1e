import type { Clock } from '../../core/index.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Who waits for a point to be served; nobody waits for ever. */
export class ReadyWaiters {
  readonly #clock: Clock;
  #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with `served`, rejects with `refused`, or with `late` after `ms`. */
  wait(ms: number, late: () => Error): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.#clock.timer(ms, () => {
      this.#waiters.delete(waiter);
      reject(late());
    });
    const waiter: Waiter = {
      resolve: () => {
        timer.cancel();
        resolve();
      },
      reject: (reason) => {
        timer.cancel();
        reject(reason);
      },
    };
    this.#waiters.add(waiter);
    return promise;
  }

  served(): void {
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters.clear();
  }

  refused(reason: () => Error): void {
    for (const waiter of this.#waiters) waiter.reject(reason());
    this.#waiters.clear();
  }
}
