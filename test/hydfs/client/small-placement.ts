import type { PointConfig, ReplicaPlacement } from '../../../src/hydfs/replication/index.ts';
import { RING_POINTS } from '../../../src/plan/index.ts';

/** A placement that knows what a test tells it. */
export class SmallPlacement implements ReplicaPlacement {
  readonly #known: (PointConfig | null)[] = new Array(RING_POINTS).fill(null);
  readonly #listeners = new Set<(points: readonly number[]) => void>();
  /** How often newer configurations were wanted. */
  refreshes = 0;
  /** True: it hears of nothing. */
  deaf = false;
  /** Stores whose node does not run. */
  readonly dead = new Set<string>();

  set(config: PointConfig): void {
    if (this.deaf) return;
    this.#known[config.point] = config;
    for (const listener of [...this.#listeners]) listener([config.point]);
  }

  config(point: number): PointConfig | null {
    return this.#known[point];
  }

  addressOf(store: string): string {
    return `node-${store}`;
  }

  address(store: string): string | null {
    return this.dead.has(store) ? null : this.addressOf(store);
  }

  onChange(listener: (points: readonly number[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isFresh(): boolean {
    return false;
  }

  async use(): Promise<void> {}

  refresh(): void {
    this.refreshes += 1;
  }

  async caughtUp(): Promise<void> {}

  async unfit(): Promise<void> {}
}
