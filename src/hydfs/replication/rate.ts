import { type Clock, sleep } from '../../core/index.ts';

/**
 * A bound on bytes per second over a longer time: a token bucket that holds what may be sent in one
 * burst. Whoever takes more than is there waits, in the order of asking.
 */
export class Rate {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  #tokens: number;
  #filledAt: number;
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: Clock, bytesPerSecond: number, burstBytes: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#tokens = burstBytes;
    this.#filledAt = clock.now();
  }

  /** Resolves when `bytes` may be sent, or `signal` aborts. */
  take(bytes: number, signal?: AbortSignal): Promise<void> {
    const taken = this.#turn.then(() => this.#take(bytes, signal));
    this.#turn = taken;
    return taken;
  }

  /** What is more than a burst is owed, and paid before the next one may send. */
  async #take(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    while (!signal?.aborted) {
      this.#fill();
      const missing = Math.min(bytes, this.#burstBytes) - this.#tokens;
      if (missing <= 0) break;
      await sleep(this.#clock, Math.ceil((missing / this.#bytesPerSecond) * 1000), signal);
    }
    if (!signal?.aborted) this.#tokens -= bytes;
  }

  #fill(): void {
    const now = this.#clock.now();
    const more = ((now - this.#filledAt) / 1000) * this.#bytesPerSecond;
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + more);
    this.#filledAt = now;
  }
}
