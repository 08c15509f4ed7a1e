/**
 * Those who look at jobs while they run.
 *
 * 1. A watcher sees the newest state at most every `WATCH_MS`; what lies between is skipped.
 * 2. A job coming to rest is shown at once and is the last thing shown.
 * 3. A view is made only to be shown: a change by itself costs the same for any number of tasks.
 * 4. Nothing is kept for a watcher but the number of changes it has seen.
 */
import type { JobState } from '../control/index.ts';
import { type Clock, fault, sleep } from '../core/index.ts';
import { isResting, type JobView } from './views.ts';

/** A few times a second is what a person can follow. */
export const WATCH_MS = 250;

interface Waiter {
  readonly job: string;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** How jobs are looked at; null for a job that is not known. */
export interface Sight {
  view(job: string): JobView | null;
  state(job: string): JobState | null;
}

export class Watchers {
  readonly #clock: Clock;
  readonly #sight: Sight;
  readonly #changes = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  #ended: { readonly reason: unknown } | null = null;

  constructor(clock: Clock, sight: Sight) {
    this.#clock = clock;
    this.#sight = sight;
  }

  /** The view of `job` may have changed. */
  changed(job: string): void {
    if (this.#sight.state(job) === null) this.#changes.delete(job);
    else this.#changes.set(job, this.#seen(job) + 1);
    for (const waiter of [...this.#waiters]) {
      if (waiter.job !== job) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Whoever waits now or later is rejected with `reason`. */
  end(reason: unknown): void {
    this.#ended = { reason };
    for (const waiter of this.#waiters) waiter.reject(reason);
    this.#waiters.clear();
  }

  /** @throws Fault JOB_UNKNOWN */
  async whenResting(job: string): Promise<JobView> {
    for (;;) {
      if (this.#isAtRest(job)) return this.#known(job);
      await this.#change(job);
    }
  }

  async *watch(job: string, signal: AbortSignal | undefined): AsyncGenerator<JobView> {
    while (!signal?.aborted) {
      const seen = this.#seen(job);
      const view = this.#known(job);
      yield view;
      if (isResting(view.state)) return;
      await this.#pause(job, signal);
      if (this.#seen(job) === seen && !signal?.aborted) await this.#change(job, signal);
    }
  }

  /** Waits for `WATCH_MS`, or until the job rests. */
  async #pause(job: string, signal: AbortSignal | undefined): Promise<void> {
    const rest = new AbortController();
    const either = signal === undefined ? rest.signal : AbortSignal.any([signal, rest.signal]);
    const slept = sleep(this.#clock, WATCH_MS, either);
    try {
      while (!either.aborted) {
        const changed = this.#change(job, either);
        await Promise.race([slept.then(() => rest.abort()), changed]);
        if (this.#isAtRest(job)) return;
      }
    } finally {
      rest.abort();
    }
  }

  #seen(job: string): number {
    return this.#changes.get(job) ?? 0;
  }

  /** @throws Fault JOB_UNKNOWN */
  #isAtRest(job: string): boolean {
    const state = this.#sight.state(job);
    if (state === null) throw fault('JOB_UNKNOWN', { job });
    return isResting(state);
  }

  #known(job: string): JobView {
    const view = this.#sight.view(job);
    if (view === null) throw fault('JOB_UNKNOWN', { job });
    return view;
  }

  /** Resolves at the next change of `job`, or when `signal` aborts. */
  #change(job: string, signal?: AbortSignal): Promise<void> {
    if (this.#ended !== null) return Promise.reject(this.#ended.reason);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(waiter);
        waiter.resolve();
      };
      const settled = (): void => signal?.removeEventListener('abort', stop);
      const waiter: Waiter = {
        job,
        resolve: () => {
          settled();
          resolve();
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) stop();
    });
  }
}
