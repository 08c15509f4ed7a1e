/**
 * Spreads tuples over time: tuple i is due at start + i / rate.
 *
 * A source that was held up (by backpressure, or a pause) may catch up on at most `CATCH_UP_MS`;
 * what it missed beyond that is not made up for, so that a long stall is not followed by a flood.
 */
import type { Clock } from '../core/index.ts';
import type { JobSpec } from '../plan/index.ts';

const CATCH_UP_MS = 1000;
/** What falls due within this time leaves together: a block per tuple would cost more than it saves. */
const TICK_MS = 2;
/** Longest timer of the platform; a source slower than that looks again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Pacer {
  readonly #clock: Clock;
  readonly #perMs: number;
  #origin: number;
  #emitted = 0;

  /** @param rate tuples a second; 0 = no limit */
  constructor(clock: Clock, rate: number) {
    this.#clock = clock;
    this.#perMs = rate / 1000;
    this.#origin = clock.now();
  }

  /** When tuple 0 was due, on the clock that was given. */
  get origin(): number {
    return this.#origin;
  }

  /** Tuple 0 is due now. */
  begin(): void {
    this.#origin = this.#clock.now();
    this.#emitted = 0;
  }

  /** How many tuples may leave now. */
  due(): number {
    if (this.#perMs === 0) return Number.MAX_SAFE_INTEGER;
    const now = this.#clock.now();
    const behind = (now - this.#origin) * this.#perMs - this.#emitted;
    const most = Math.max(1, CATCH_UP_MS * this.#perMs);
    if (behind > most) this.#origin += (behind - most) / this.#perMs;
    return Math.max(0, Math.floor((now - this.#origin) * this.#perMs) + 1 - this.#emitted);
  }

  /** `count` tuples have left. */
  emitted(count: number): void {
    this.#emitted += count;
  }

  /** Milliseconds until the next tuple is due. */
  wait(): number {
    const next = this.#origin + this.#emitted / this.#perMs;
    return Math.min(TIMER_MS_MAX, Math.max(TICK_MS, next - this.#clock.now()));
  }
}

/**
 * Tuples a second for each source of a job, 0 = no limit. None is above its own rate, and together
 * they are not above the job's: sources that want less than an even share leave the rest of it to
 * the others.
 */
export function sourceRates({ rate, sources }: Pick<JobSpec, 'rate' | 'sources'>): number[] {
  const own = sources.map((source) => source.rate);
  if (rate === 0) return own;
  const rates = own.map(() => 0);
  const wish = (i: number): number => (own[i] === 0 ? Number.POSITIVE_INFINITY : own[i]);
  let left = rate;
  let waiting = own.length;
  const order = (a: number, b: number): number =>
    Number(wish(a) > wish(b)) - Number(wish(a) < wish(b));
  for (const i of [...own.keys()].sort(order)) {
    rates[i] = Math.min(wish(i), left / waiting);
    left -= rates[i];
    waiting -= 1;
  }
  return rates;
}
