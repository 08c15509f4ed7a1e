/**
 * How much is under way to each primary, so that one which does not read, or many files at once, cost
 * a bounded amount of memory.
 */

export interface FlowLimits {
  readonly requests: number;
  readonly bytes: number;
}

interface Used {
  requests: number;
  bytes: number;
  /** Those who were refused, in their order. */
  readonly waiting: Set<() => void>;
}

export class Flow {
  readonly #limits: FlowLimits;
  readonly #primaries = new Map<string, Used>();

  constructor(limits: FlowLimits) {
    this.#limits = limits;
  }

  /**
   * True when a request of `bytes` may go to `address`; `release` gives them back. Otherwise `again`
   * is called once when something was given back. A single request may be larger than the limit.
   */
  take(address: string, bytes: number, again: () => void): boolean {
    const used = this.#primaries.get(address) ?? { requests: 0, bytes: 0, waiting: new Set() };
    const { requests, bytes: most } = this.#limits;
    if (used.requests > 0 && (used.requests >= requests || used.bytes + bytes > most)) {
      used.waiting.add(again);
      return false;
    }
    used.requests += 1;
    used.bytes += bytes;
    this.#primaries.set(address, used);
    return true;
  }

  release(address: string, bytes: number): void {
    const used = this.#primaries.get(address);
    if (used === undefined) return;
    used.requests -= 1;
    used.bytes -= bytes;
    const waiting = [...used.waiting];
    used.waiting.clear();
    if (used.requests === 0) this.#primaries.delete(address);
    for (const again of waiting) again();
  }
}
