/**
 * Tells the keeper which joining stores have everything, many points at a time, and again until the
 * configuration says so or has changed otherwise.
 */
import { reasonOf, sleep } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import type { ReplicaLink } from './replica-link.ts';

export class CaughtUp {
  readonly #context: ReplicaContext;
  readonly #links = new Map<string, Set<ReplicaLink>>();
  readonly #running = new Set<string>();

  constructor(context: ReplicaContext) {
    this.#context = context;
  }

  tell(link: ReplicaLink): void {
    const links = this.#links.get(link.store) ?? new Set();
    this.#links.set(link.store, links);
    links.add(link);
    if (this.#running.has(link.store)) return;
    this.#running.add(link.store);
    void this.#run(link.store, links);
  }

  /** Never rejects. */
  async #run(store: string, links: Set<ReplicaLink>): Promise<void> {
    const { placement, clock, limits, log, ended } = this.#context;
    const told = new Map<ReplicaLink, number>();
    // whatever else becomes complete meanwhile goes along
    await sleep(clock, limits.retryMs, ended);
    for (let round = 1; !ended.aborted; round++) {
      for (const link of links) if (!link.waitsForPlace) links.delete(link);
      if (links.size === 0) break;
      const again = round % TELL_AGAIN_ROUNDS === 0;
      const news = [...links].filter((link) => again || told.get(link) !== link.owner.version);
      const points = news.map(({ owner: { point, version } }) => ({ point, version }));
      for (const link of news) told.set(link, link.owner.version);
      if (points.length > 0) {
        log.info('a joining store has everything', { store, points: points.length });
        await placement.caughtUp(store, points).catch((error: unknown) => {
          told.clear();
          log.warn('the keeper did not hear of a complete store', { reason: reasonOf(error) });
        });
      }
      await sleep(clock, limits.retryMs * ROUND_RETRIES, ended);
    }
    this.#running.delete(store);
  }
}

/** The pause between two rounds, in units of `retryMs`. */
const ROUND_RETRIES = 5;
/** What was told and had no effect is told again after so many rounds. */
const TELL_AGAIN_ROUNDS = 10;
