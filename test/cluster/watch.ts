/** Who accuses whom, read from what nodes print. */
import type { ClusterProcess } from './cluster.ts';

export interface Accused {
  readonly deaths: readonly string[];
  readonly suspicions: readonly string[];
}

/** The node ids that `text`, printed by a node, says are dead or suspected. */
export function accusations(text: string): Accused {
  return {
    deaths: [...text.matchAll(/(\S+) is taken for dead/g)].map(([, id]) => id),
    suspicions: [...text.matchAll(/(\S+) is suspected/g)].map(([, id]) => id),
  };
}

/** What nodes print from now on. */
export class Accusations {
  readonly #from: ReadonlyMap<ClusterProcess, number>;

  constructor(nodes: readonly ClusterProcess[]) {
    this.#from = new Map(nodes.map((node) => [node, node.stderr.length]));
  }

  /** One line for each death in each list. */
  deaths(): string[] {
    return this.#all(({ deaths }) => deaths);
  }

  suspicions(): number {
    return this.#all(({ suspicions }) => suspicions).length;
  }

  #all(which: (accused: Accused) => readonly string[]): string[] {
    return [...this.#from].flatMap(([node, from]) =>
      which(accusations(node.stderr.slice(from))).map((id) => `${node.address}: ${id}`),
    );
  }
}
