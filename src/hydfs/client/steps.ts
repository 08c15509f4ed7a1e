/**
 * The items of a stream, one after the other, with an end to waiting: when `signal` aborts the next
 * item is its reason, and when none comes for `patienceMs` `late` is called, which may abort it.
 *
 * One timer and one listener serve the whole stream, and each wait is one promise of its own: a race
 * against the signal would leave something behind for every item.
 */
import type { Clock, Timer } from '../../core/index.ts';
import { MOMENT_MS } from './options.ts';

export interface StepsOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Null: for ever. */
  readonly patienceMs: number | null;
  late(): void;
}

export class Steps<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #options: StepsOptions;
  readonly #stop: () => void;
  #waiting: ((reason: unknown) => void) | null = null;
  #since = 0;
  #timer: Timer | null = null;

  constructor(items: AsyncIterable<T>, options: StepsOptions) {
    this.#iterator = items[Symbol.asyncIterator]();
    this.#options = options;
    this.#stop = () => this.#waiting?.(options.signal.reason);
    options.signal.addEventListener('abort', this.#stop, { once: true });
    if (options.patienceMs !== null) this.#watch(options.patienceMs);
  }

  /** @throws the reason of the signal, or what the stream throws */
  next(): Promise<IteratorResult<T>> {
    const { signal, clock } = this.#options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      this.#waiting = reject;
      this.#since = clock.now();
      this.#iterator.next().then((step) => {
        this.#waiting = null;
        resolve(step);
      }, reject);
    });
  }

  /** Lets go of the stream, which may still be at work; what it says then is for nobody. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = null;
    this.#options.signal.removeEventListener('abort', this.#stop);
    this.#iterator.return?.().catch(() => 'it was given up');
  }

  #watch(patienceMs: number): void {
    const { clock, late } = this.#options;
    const from = this.#waiting === null ? clock.now() : this.#since;
    this.#timer = clock.timer(Math.max(MOMENT_MS, from + patienceMs - clock.now()), () => {
      const over = this.#waiting !== null && clock.now() - this.#since >= patienceMs;
      if (over) late();
      else this.#watch(patienceMs);
    });
  }
}
