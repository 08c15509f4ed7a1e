/** A network that loses, doubles, delays and cuts, in each direction by itself. */
import { between, type Random, unit } from '../../src/core/index.ts';

export interface Weather {
  loss: number;
  doubling: number;
  /** Milliseconds. */
  delayMin: number;
  delayMax: number;
  /** How likely a message takes ten times as long. */
  lag: number;
}

export const fair: Weather = { loss: 0, doubling: 0, delayMin: 1, delayMax: 5, lag: 0 };

export class SimNetwork {
  weather: Weather;
  readonly #random: Random;
  readonly #cut = new Set<string>();

  constructor(random: Random, weather: Weather) {
    this.#random = random;
    this.weather = weather;
  }

  /** After how many milliseconds copies of a message arrive. */
  route(from: string, to: string): number[] {
    const { loss, doubling } = this.weather;
    if (this.#cut.has(`${from}>${to}`) || unit(this.#random) < loss) return [];
    return unit(this.#random) < doubling ? [this.#delay(), this.#delay()] : [this.#delay()];
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Cuts both ways between `group` and the others of `all`. */
  split(group: readonly string[], all: readonly string[]): void {
    for (const a of group) {
      for (const b of all) {
        if (group.includes(b)) continue;
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  #delay(): number {
    const { delayMin, delayMax, lag } = this.weather;
    const delay = between(this.#random, delayMin, delayMax + 1);
    return unit(this.#random) < lag ? delay * 10 : delay;
  }
}
