import type { Fault } from '../core/index.ts';

interface Waiter {
  readonly index: number;
  readonly wake: (outcome: boolean) => void;
  readonly fail: (reason: Fault) => void;
}

/** How far a log is durable, and who waits for more. */
export class Progress {
  /** Entries below this index are durable. */
  durableIndex: number;
  #ended: { readonly fault: Fault | null } | null = null;
  readonly #waiters = new Set<Waiter>();

  constructor(durableIndex: number) {
    this.durableIndex = durableIndex;
  }

  advance(durableIndex: number): void {
    this.durableIndex = durableIndex;
    for (const waiter of this.#waiters) {
      if (waiter.index < durableIndex) waiter.wake(true);
    }
  }

  /** Nothing more will become durable: waiters hear the fault, or false when there is none. */
  end(fault: Fault | null): void {
    this.#ended ??= { fault };
    for (const waiter of this.#waiters) {
      if (fault === null) waiter.wake(false);
      else waiter.fail(fault);
    }
  }

  /** True once entry `index` is durable; false when `signal` aborts or the log closes before. */
  waitFor(index: number, signal?: AbortSignal): Promise<boolean> {
    if (index < this.durableIndex) return Promise.resolve(true);
    if (this.#ended !== null) {
      const { fault } = this.#ended;
      return fault === null ? Promise.resolve(false) : Promise.reject(fault);
    }
    if (signal?.aborted) return Promise.resolve(false);
    return this.#wait(index, signal);
  }

  #wait(index: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', stop);
      };
      const wake = (outcome: boolean): void => {
        leave();
        resolve(outcome);
      };
      const fail = (reason: Fault): void => {
        leave();
        reject(reason);
      };
      const stop = (): void => wake(false);
      const waiter = { index, wake, fail };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}
