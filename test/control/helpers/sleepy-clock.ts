import type { Clock, Timer } from '../../../src/core/index.ts';

/** The clock of a process that may be stopped: what is due meanwhile comes when it wakes. */
export class SleepyClock implements Clock {
  readonly #inner: Clock;
  #missed: (() => void)[] = [];
  #asleep = false;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now();
  }

  wall(): number {
    return this.#inner.wall();
  }

  timer(delayMs: number, fire: () => void): Timer {
    let cancelled = false;
    const timer = this.#inner.timer(delayMs, () => {
      if (this.#asleep) this.#missed.push(() => (cancelled ? undefined : fire()));
      else fire();
    });
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  sleep(): void {
    this.#asleep = true;
  }

  wake(): void {
    this.#asleep = false;
    for (const fire of this.#missed.splice(0)) fire();
  }
}
