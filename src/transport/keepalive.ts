/**
 * Tells a dead or stopped peer from a quiet one.
 *
 *   A1  Only what the peer's program sends counts. A write that succeeded proves nothing: a stopped
 *       process still has its connections accepted and megabytes of writes taken.
 *   A2  Silence while this process itself was stopped is not held against the peer: a tick that
 *       comes late starts the count again.
 */
import type { Clock, Timer } from '../core/index.ts';

export class Keepalive {
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #silentMs: number;
  readonly #ping: () => void;
  readonly #silent: () => void;
  #heardAt: number;
  #tickDue: number;
  #timer: Timer;

  constructor(options: {
    clock: Clock;
    pingMs: number;
    silentMs: number;
    ping: () => void;
    silent: () => void;
  }) {
    this.#clock = options.clock;
    this.#pingMs = options.pingMs;
    this.#silentMs = options.silentMs;
    this.#ping = options.ping;
    this.#silent = options.silent;
    this.#heardAt = options.clock.now();
    this.#tickDue = this.#heardAt + this.#pingMs;
    this.#timer = this.#clock.timer(this.#pingMs, () => this.#tick());
  }

  /** The peer has sent something. */
  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    const now = this.#clock.now();
    if (now - this.#tickDue > this.#pingMs) this.#heardAt = now;
    const quiet = now - this.#heardAt;
    if (quiet >= this.#silentMs) {
      this.#silent();
      return;
    }
    this.#tickDue = now + this.#pingMs;
    this.#timer = this.#clock.timer(this.#pingMs, () => this.#tick());
    if (quiet >= this.#pingMs) this.#ping();
  }
}
