/**
 * Asks other stores what they have, for many points in one request: when a node comes or goes, all
 * points may want to know at once.
 *
 * V1 One request to a store at a time; what is wanted meanwhile goes with the next one.
 * V2 Each survey has a number above all that any store has told, so no session is begun twice.
 * V3 A store that does not answer, or takes nothing of what it is sent after it has answered, is
 *    asked again after a pause that doubles up to a bound.
 */
import { between, isFault, reasonOf } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import { METHODS, type Refusal, type SurveyItem, surveyItemSchema } from './messages.ts';
import type { ReplicaLink } from './replica-link.ts';
import type { FileExtent } from './stored-files.ts';

export interface SurveyTaker {
  surveyed(link: ReplicaLink, session: number, files: readonly FileExtent[]): void;
  refused(link: ReplicaLink, refusal: Refusal): void;
}

/** What is wanted of a store. */
interface Errand {
  links: Set<ReplicaLink>;
  running: boolean;
  failures: number;
}

interface Asked {
  readonly link: ReplicaLink;
  readonly files: FileExtent[];
}

export class Surveys {
  readonly #context: ReplicaContext;
  readonly #taker: SurveyTaker;
  readonly #errands = new Map<string, Errand>();
  #lastSession = 0;

  constructor(context: ReplicaContext, taker: SurveyTaker) {
    this.#context = context;
    this.#taker = taker;
  }

  /** V2. */
  used(session: number): void {
    this.#lastSession = Math.max(this.#lastSession, session);
  }

  want(link: ReplicaLink): void {
    const known = this.#errands.get(link.store);
    const errand = known ?? { links: new Set(), running: false, failures: 0 };
    if (known === undefined) this.#errands.set(link.store, errand);
    errand.links.add(link);
    if (errand.running) return;
    errand.running = true;
    void this.#run(link.store, errand);
  }

  /** V1. Never rejects. */
  async #run(store: string, errand: Errand): Promise<void> {
    const { ended } = this.#context;
    // whatever else wants this store in this turn goes along
    await null;
    while (errand.links.size > 0 && !ended.aborted) {
      const troubles = Math.max(...[...errand.links].map((link) => link.troubles));
      const failures = Math.max(errand.failures, troubles);
      if (failures > 0) await this.#pause(failures);
      const links = [...errand.links].filter((link) => link.asking);
      errand.links = new Set();
      if (links.length === 0 || ended.aborted) continue;
      const session = ++this.#lastSession;
      const left = await this.#ask(store, session, links);
      for (const link of left) if (link.asking) errand.links.add(link);
      errand.failures = left.length > 0 ? errand.failures + 1 : 0;
    }
    errand.running = false;
  }

  #pause(failures: number): Promise<void> {
    const { clock, limits, random, ended } = this.#context;
    const most = Math.min(limits.retryMsMax, limits.retryMs * 2 ** Math.min(failures - 1, 20));
    return new Promise((resolve) => {
      const timer = clock.timer(between(random, Math.ceil(most / 2), most + 1), done);
      function done(): void {
        timer.cancel();
        ended.removeEventListener('abort', done);
        resolve();
      }
      ended.addEventListener('abort', done, { once: true });
    });
  }

  /** The links that were not answered. */
  async #ask(
    store: string,
    session: number,
    links: readonly ReplicaLink[],
  ): Promise<readonly ReplicaLink[]> {
    const { peers, placement, log, store: primary } = this.#context;
    const asked = new Map<number, Asked>();
    for (const link of links) asked.set(link.owner.point, { link, files: [] });
    const points = links.map((link) => {
      const fill = link.counts ? null : link.fill;
      return [link.owner.point, link.owner.version, session, fill];
    });
    const request = {
      store,
      method: METHODS.survey,
      params: { primary, points },
      answer: surveyItemSchema,
    };
    try {
      for await (const { value } of peers.stream(request)) this.#take(value, session, asked);
    } catch (error) {
      const facts = { store, points: asked.size, reason: reasonOf(error) };
      log.info('a store does not answer a survey', facts);
      if (isFault(error, 'PEER_UNREACHABLE')) placement.refresh();
    }
    return [...asked.values()].map(({ link }) => link);
  }

  #take(item: SurveyItem, session: number, asked: Map<number, Asked>): void {
    if (item.kind === 'refused') {
      const refused = asked.get(item.point);
      asked.delete(item.point);
      if (refused !== undefined) this.#taker.refused(refused.link, item);
      return;
    }
    for (const [point, extents, last] of item.pages) {
      const found = asked.get(point);
      if (found === undefined) continue;
      for (const [name, createdAt, firstIndex, nextIndex] of extents) {
        found.files.push({ name, createdAt, firstIndex, nextIndex });
      }
      if (!last) continue;
      asked.delete(point);
      this.#taker.surveyed(found.link, session, found.files);
    }
  }
}
