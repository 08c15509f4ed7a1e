/**
 * Where tasks go.
 *
 * 1. Nodes stand in ring order, by the hash of their ids; each job begins at a place of its own.
 * 2. A task goes to the node with the fewest tasks, the next in ring order among equals: round-robin
 *    on an idle cluster, spread before stacked on a busy one.
 */
import { hashBytes, slotOfHash } from '../plan/index.ts';

/** The nodes in ring order; ids break ties. */
export function ringOrder(nodes: Iterable<string>): string[] {
  const placed = [...nodes].map((node) => ({ node, point: pointOf(node) }));
  placed.sort((a, b) => a.point - b.point || (a.node < b.node ? -1 : 1));
  return placed.map(({ node }) => node);
}

function pointOf(text: string): number {
  const bytes = Buffer.from(text);
  return slotOfHash(hashBytes(bytes, 0, bytes.length));
}

/** Hands out nodes for the tasks of one job, counting what it has handed out. */
export class Placement {
  readonly #ring: readonly string[];
  readonly #load: Map<string, number>;

  /** @param load tasks per node already, of every job */
  constructor(job: string, nodes: Iterable<string>, load: ReadonlyMap<string, number>) {
    const ring = ringOrder(nodes);
    const first = ring.length === 0 ? 0 : pointOf(job) % ring.length;
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
