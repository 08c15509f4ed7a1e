/**
 * Reports refused strangers without letting them fill the log: the first at once, those of the
 * next `QUIET_MS` together with the first one after.
 */
import type { Clock, Logger } from '../core/index.ts';

const QUIET_MS = 10_000;
/** Characters of a reason, part of which the stranger may have chosen. */
const REASON_MAX = 300;

export class Refusals {
  readonly #clock: Clock;
  readonly #log: Logger;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** A connection from the address `from` was refused. */
  note(from: string, reason: string): void {
    const now = this.#clock.now();
    if (now < this.#quietUntil) {
      this.#unreported += 1;
      return;
    }
    this.#log.warn('a connection was refused', {
      from,
      reason: reason.slice(0, REASON_MAX),
      unreported: this.#unreported,
    });
    this.#unreported = 0;
    this.#quietUntil = now + QUIET_MS;
  }
}
