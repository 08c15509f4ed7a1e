import type { Clock, Timer } from '../core/index.ts';

/** First poke after this silence; doubled while the silence lasts. */
const POKE_MS = 50;
const POKE_MS_MAX = 1000;
/** After the deadline, one more look: what was in the pipe while we slept must be heard first. */
const SECOND_LOOK_MS = 20;

export interface WatchOptions {
  readonly clock: Clock;
  /** True while an answer (or the first read) is awaited. */
  readonly isWaiting: () => boolean;
  /** Longest silence allowed now. */
  readonly limitMs: () => number;
  /** Silence so far deserves a reminder. */
  readonly poke: () => void;
  readonly overdue: () => void;
}

/**
 * Measures silence. A timer runs only while something is awaited, and progress costs one clock
 * reading per piece of output, nothing per answer.
 */
export class Watch {
  readonly #options: WatchOptions;
  #timer: Timer | null = null;
  #silentSince = 0;
  #pokeAfter = POKE_MS;
  #looked = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Something arrived, or waiting begins. */
  progress(): void {
    this.#silentSince = this.#options.clock.now();
    this.#pokeAfter = POKE_MS;
    this.#looked = false;
    if (this.#timer === null) this.#arm(POKE_MS);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.timer(Math.max(1, delayMs), () => {
      this.#timer = null;
      this.#check();
    });
  }

  #check(): void {
    if (!this.#options.isWaiting()) return;
    const silent = this.#options.clock.now() - this.#silentSince;
    const limit = this.#options.limitMs();
    if (!this.#looked && (silent >= this.#pokeAfter || silent >= limit)) {
      this.#options.poke();
      this.#pokeAfter = silent + Math.min(POKE_MS_MAX, Math.max(POKE_MS, silent));
    }
    if (silent < limit) {
      this.#arm(Math.min(limit, this.#pokeAfter) - silent);
      return;
    }
    if (this.#looked) {
      this.#options.overdue();
      return;
    }
    this.#looked = true;
    this.#arm(SECOND_LOOK_MS);
  }
}
