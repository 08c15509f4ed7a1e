/**
 * Where tasks go.
 *
 * 1. Nodes stand in ring order, by the hash of their ids; each job begins at a place of its own.
 * 2. A task goes to the node with the fewest tasks, the next in ring order among equals: round-robin
 *    on an idle cluster, spread before stacked on a busy one.
 */
import { ringOrder, ringPointOf } from '../plan/index.ts';

/** Hands out nodes for the tasks of one job, counting what it has handed out. */
export class Placement {
  readonly #ring: readonly string[];
  readonly #load: Map<string, number>;

  /** @param load tasks per node already, of every job */
  constructor(job: string, nodes: Iterable<string>, load: ReadonlyMap<string, number>) {
    const ring = ringOrder(nodes);
    const first = ring.length === 0 ? 0 : ringPointOf(job) % ring.length;
    this.#ring = [...ring.slice(first), ...ring.slice(0, first)];
    this.#load = new Map(load);
  }

  /** The node for the next task; null when there is none. */
  next(): string | null {
    let best: string | null = null;
    for (const node of this.#ring) {
      if (best === null || this.#loadOf(node) < this.#loadOf(best)) best = node;
    }
    if (best !== null) this.#load.set(best, this.#loadOf(best) + 1);
    return best;
  }

  #loadOf(node: string): number {
    return this.#load.get(node) ?? 0;
  }
}
