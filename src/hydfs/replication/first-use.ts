/**
 * Says of fresh points that they are used, before the first file of each is made.
 *
 * U1 What is wanted while an answer is under way goes with the next request, so that many first files
 *    cost few decisions.
 * U2 Who asks is answered when the point is not fresh any more, as far as is known here. Where it
 *    remains fresh the version was not the right one: somebody else may hold the point by now.
 */
import { reasonOf } from '../../core/index.ts';
import { notReady } from './faults.ts';
import type { ReplicaPlacement } from './options.ts';

/** A point, and the version under which this store is its primary. */
interface Use {
  readonly point: number;
  readonly version: number;
}

export class FirstUse {
  readonly #placement: Pick<ReplicaPlacement, 'isFresh' | 'use' | 'refresh'>;
  #wanted = new Map<number, Use>();
  #next: Promise<void> | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(placement: Pick<ReplicaPlacement, 'isFresh' | 'use' | 'refresh'>) {
    this.#placement = placement;
  }

  /** Before a file of `name` is made. @throws REPLICA_NOT_READY (U2) */
  async of(name: string, { point, version }: Use): Promise<void> {
    if (!this.#placement.isFresh(point)) return;
    this.#wanted.set(point, { point, version });
    this.#next ??= this.#say();
    const trouble = await this.#next.then(
      () => 'another version is in force',
      (error: unknown) => reasonOf(error),
    );
    if (!this.#placement.isFresh(point)) return;
    this.#placement.refresh();
    throw notReady(name, `it is not decided yet that ring point ${point} is used: ${trouble}`);
  }

  /** U1. */
  #say(): Promise<void> {
    const said = this.#last.then(() => {
      const points = [...this.#wanted.values()];
      this.#wanted = new Map();
      this.#next = null;
      return this.#placement.use(points);
    });
    this.#last = said.catch(() => {});
    return said;
  }
}
