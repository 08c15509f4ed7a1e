/**
 * One try at one primary. Its `signal` aborts when the try is recalled, which ends what is under way
 * with a passing fault, or when who asks has enough, with that reason.
 */
import type { Asked } from './access.ts';
import { notReady } from './passing.ts';

/** Who is asked, and under which configuration. */
export interface Primary {
  readonly store: string;
  /** Null: this node. */
  readonly address: string | null;
  readonly version: number;
}

export interface LeaseOptions {
  readonly asked: Asked;
  readonly primary: Primary;
  /** Signals that end it with their reasons. */
  readonly outer: readonly AbortSignal[];
}

export class Lease {
  readonly asked: Asked;
  readonly primary: Primary;
  readonly #abort = new AbortController();
  readonly #enders: (() => void)[] = [];

  constructor({ asked, primary, outer }: LeaseOptions) {
    this.asked = asked;
    this.primary = primary;
    for (const signal of outer) {
      const pass = (): void => this.#abort.abort(signal.reason);
      if (signal.aborted) pass();
      signal.addEventListener('abort', pass, { once: true });
      this.whenOver(() => signal.removeEventListener('abort', pass));
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Aborts it with a fault after which another try is made. */
  recall(reason: string): void {
    this.#abort.abort(notReady(this.asked.name, reason));
  }

  /** `answer`, unless the lease aborts before. */
  async within<T>(answer: Promise<T>): Promise<T> {
    const { signal } = this;
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([answer, promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Calls `ender` when it is over. */
  whenOver(ender: () => void): void {
    this.#enders.push(ender);
  }

  end(): void {
    for (const ender of this.#enders.splice(0)) ender();
  }
}
