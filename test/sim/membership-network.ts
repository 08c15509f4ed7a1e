/**
 * A network of datagrams in virtual time: what is sent arrives late, twice, or never.
 */
import { type Random, unit } from '../../src/core/index.ts';

export interface NetworkConditions {
  /** share of packets that never arrive */
  readonly loss: number;
  /** share of packets that arrive a second time */
  readonly duplication: number;
  readonly delayMs: readonly [least: number, most: number];
}

export const goodNetwork: NetworkConditions = { loss: 0, duplication: 0, delayMs: [0.2, 2] };

/** Decides the fate of each packet. Cuts have a direction. */
export class SimNetwork {
  readonly #random: Random;
  readonly #cut = new Set<string>();
  conditions: NetworkConditions;
  dropped = 0;

  constructor(random: Random, conditions: NetworkConditions) {
    this.#random = random;
    this.conditions = conditions;
  }

  /** Nothing gets from any of `from` to any of `to`, until `heal`. */
  cut(from: readonly number[], to: readonly number[]): void {
    for (const a of from) for (const b of to) if (a !== b) this.#cut.add(`${a}>${b}`);
  }

  /** As `cut`, in both directions. */
  split(left: readonly number[], right: readonly number[]): void {
    this.cut(left, right);
    this.cut(right, left);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** Calls `arrive` with the delay of each copy of a packet that gets through. */
  send(from: number, to: number, arrive: (delayMs: number) => void): void {
    const { loss, duplication, delayMs } = this.conditions;
    const isCut = this.#cut.size > 0 && this.#cut.has(`${from}>${to}`);
    if (isCut || (loss > 0 && unit(this.#random) < loss)) {
      this.dropped += 1;
      return;
    }
    const [least, most] = delayMs;
    arrive(least + unit(this.#random) * (most - least));
    if (duplication > 0 && unit(this.#random) < duplication)
      arrive(least + unit(this.#random) * (most - least) * 2);
  }
}
