/**
 * Local health (Lifeguard, section 4.1): a score of how often this node itself seems to be the slow
 * one. 0 is healthy; intervals and timeouts grow by score + 1. A probe that succeeds lowers it, one
 * that fails without the nacks that were due, or having to refute, raises it.
 */
export class LocalHealth {
  readonly #max: number;
  #score = 0;

  /** @param max the highest score; 0 keeps this node healthy in its own eyes */
  constructor(max: number) {
    this.#max = max;
  }

  get score(): number {
    return this.#score;
  }

  get factor(): number {
    return this.#score + 1;
  }

  change(by: number): void {
    this.#score = Math.min(this.#max, Math.max(0, this.#score + by));
  }
}
