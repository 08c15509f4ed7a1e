import type { Clock, Timer } from '../../../src/core/index.ts';

interface Due {
  readonly at: number;
  readonly fire: () => void;
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #due = new Set<Due>();

  /** Timers that have not fired. */
  get pending(): number {
    return this.#due.size;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  timer(delayMs: number, fire: () => void): Timer {
    const due = { at: this.#now + delayMs, fire };
    this.#due.add(due);
    return { cancel: () => this.#due.delete(due) };
  }

  /** Lets `ms` pass; timers fire in their order, at their time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#due.delete(next);
      this.#now = next.at;
      next.fire();
    }
    this.#now = end;
  }

  /** The process sleeps for `ms`: timers fire after it, all of them late. */
  stall(ms: number): void {
    this.#now += ms;
    for (const due of [...this.#due].filter(({ at }) => at <= this.#now)) {
      this.#due.delete(due);
      due.fire();
    }
  }

  #next(end: number): Due | null {
    let first: Due | null = null;
    for (const due of this.#due)
      if (due.at <= end && (first === null || due.at < first.at)) first = due;
    return first;
  }
}
