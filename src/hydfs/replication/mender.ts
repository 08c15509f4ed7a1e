/**
 * Compares the copies of a file and makes anew what differs.
 *
 * N1 A copy here that does not read back is replaced by one of a replica that has everything; until
 *    then nothing is placed. It is never served, and never sent.
 * N2 A copy elsewhere is made anew by its sender, from the first entry on. The primary's copy, where
 *    it reads back, is the one that counts.
 * N3 One repair per file at a time; who finds the same damage waits for it.
 * N4 A replica that refuses has begun anew since it was surveyed, and is surveyed again: nobody else
 *    may send it anything for a long time.
 */
import { assert, type Fault, isFault, reasonOf } from '../../core/index.ts';
import { isDamage, isDiskFault, type ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import { fetchFile, RefusedThere, UnreadableThere } from './fetch-file.ts';
import { METHODS, type Refusal, type Stamp, sumsItemSchema } from './messages.ts';
import type { PrimaryFile } from './primary-file.ts';
import type { MergeOutcome } from './primary-files.ts';
import type { PrimaryPoint } from './primary-point.ts';
import type { ReplicaLink } from './replica-link.ts';
import type { BlockSum } from './stored-files.ts';
import { within } from './within.ts';

/** Comparisons after a repair before a difference is given up on. */
const ROUNDS_MAX = 3;

/** `unreadable`: the copy there is damaged too. */
type Fetched = 'whole' | 'unreadable' | 'refused';

/** A file at its primary. */
interface Place {
  readonly point: PrimaryPoint;
  readonly file: PrimaryFile;
}

export class Mender {
  readonly #context: ReplicaContext;
  readonly #mending = new Map<PrimaryFile, Promise<void>>();

  constructor(context: ReplicaContext) {
    this.#context = context;
  }

  /** Replaces the copy here (N1, N3). @throws REPLICA_NOT_READY, LOG_CORRUPT when nobody else has it */
  mend(place: Place, error: unknown): Promise<void> {
    const { file } = place;
    const known = this.#mending.get(file);
    if (known !== undefined) return known;
    const mending = this.#mend(place, error).finally(() => this.#mending.delete(file));
    this.#mending.set(file, mending);
    return mending;
  }

  /** As `mend`, for who does not wait. */
  mendLater(place: Place, error: unknown): void {
    this.mend(place, error).catch((reason: unknown) => {
      const facts = { name: place.file.name, reason: reasonOf(reason) };
      this.#context.log.error('a damaged file cannot be made anew here', facts);
    });
  }

  /** Waits until all replicas hold the same bytes; makes anew what differs. */
  async merge(place: Place, paced = false): Promise<MergeOutcome> {
    const { point, file } = place;
    const repaired = new Set<string>();
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await file.reached(file.nextIndex, { durable: true });
      const links = [...point.links].filter((link) => link.counts);
      const to = file.committedIndex;
      const results = await Promise.all(links.map((link) => this.#compare(place, link, to, paced)));
      const differing = links.filter((_, i) => results[i] === null);
      if (differing.length === 0) {
        const blocks = Math.max(0, ...results.map((each) => each ?? 0));
        return { replicas: links.length, blocks, repaired: [...repaired] };
      }
      await Promise.all(differing.map((link) => this.#repair(place, link)));
      for (const { store } of differing) repaired.add(store);
    }
    throw notReady(file.name, 'its replicas differ again after a repair');
  }

  async #mend({ point, file }: Place, error: unknown): Promise<void> {
    const { log, clock, limits } = this.#context;
    if (file.phase.kind !== 'open') throw notReady(file.name, `it is ${file.phase.kind}`);
    const facts = { point: point.point, name: file.name, reason: reasonOf(error) };
    log.error('a file is damaged here and is made anew from a replica', facts);
    if (![...point.links].some((link) => link.counts)) throw error;
    file.phase = { kind: 'mending' };
    try {
      const late = (): Fault => notReady(file.name, 'no replica has answered with an intact copy');
      const tried = new Set<ReplicaLink>();
      for (let fetched: Fetched = 'refused'; fetched !== 'whole'; ) {
        const source = this.#source(point, file, tried);
        const link = await within(source, { clock, ms: limits.commitMs, late });
        fetched = await this.#fetch({ point, file }, link);
        const facts = { name: file.name, from: link.store };
        if (fetched === 'whole') log.info('a damaged file was made anew', facts);
        if (fetched === 'unreadable') tried.add(link);
      }
      for (const link of tried) link.restart(file);
    } finally {
      if (file.phase.kind === 'mending') file.phase = { kind: 'open' };
    }
    for (const link of point.links) link.retry(file);
  }

  /** A replica that has everything and was not tried. */
  async #source(
    point: PrimaryPoint,
    file: PrimaryFile,
    tried: ReadonlySet<ReplicaLink>,
  ): Promise<ReplicaLink> {
    while (file.phase.kind === 'mending') {
      for (const link of point.links) {
        if (tried.has(link)) continue;
        if (link.counts && link.open && link.acked(file) >= file.nextIndex) return link;
      }
      await file.moved();
    }
    throw notReady(file.name, `it is ${file.phase.kind}`);
  }

  async #fetch({ point, file }: Place, link: ReplicaLink): Promise<Fetched> {
    const { name, createdAt, firstIndex, nextIndex, ended: signal } = file;
    const { stamp } = link;
    try {
      const stored = await fetchFile(this.#context, {
        name,
        store: link.store,
        extent: { name, createdAt, firstIndex, nextIndex },
        whole: true,
        stamp,
        signal,
      });
      file.attach(stored);
      return 'whole';
    } catch (error) {
      if (error instanceof UnreadableThere) return 'unreadable';
      if (error instanceof RefusedThere) {
        this.#refused(link, stamp, error.refusal);
        return 'refused';
      }
      if (isDiskFault(error)) {
        this.#context.unfit(this.#context.store, point.point, point.version, error);
      }
      throw error;
    }
  }

  /** N4. */
  #refused(link: ReplicaLink, { session }: Stamp, refusal: Refusal): void {
    if (link.open && link.session === session) link.refused(refusal);
  }

  /** How many blocks are the same here and there; null when one is not. */
  async #compare(
    place: Place,
    link: ReplicaLink,
    to: number,
    paced: boolean,
  ): Promise<number | null> {
    const { file } = place;
    for (let from = file.firstIndex; ; ) {
      try {
        const here = await this.#sumsHere(place, from, to, paced);
        return await this.#isSame(link, file, here, { from, to });
      } catch (error) {
        // one of them was trimmed meanwhile, or further than the other
        const first = isFault(error, 'LOG_TRIMMED') ? Number(error.parameters.first) : from;
        if (first <= from) throw error;
        from = first;
      }
    }
  }

  async #sumsHere(place: Place, from: number, to: number, paced: boolean): Promise<BlockSum[]> {
    const { file } = place;
    try {
      const stored = await this.#context.files.openFile(file.name);
      if (paced) await this.#context.repairs.take(stored.state.length, this.#context.ended);
      const sums: BlockSum[] = [];
      for await (const sum of stored.sums(from, to, file.ended)) sums.push(sum);
      return sums;
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.mend(place, error);
      return this.#sumsHere(place, from, to, paced);
    }
  }

  async #isSame(
    link: ReplicaLink,
    file: PrimaryFile,
    here: readonly BlockSum[],
    range: { readonly from: number; readonly to: number },
  ): Promise<number | null> {
    const { log, peers } = this.#context;
    const { stamp } = link;
    const params = { ...stamp, name: file.name, ...range };
    const request = { store: link.store, method: METHODS.sums, params, answer: sumsItemSchema };
    const differs = (reason: string): null => {
      log.error('a replica has another copy', { name: file.name, store: link.store, reason });
      return null;
    };
    let at = 0;
    try {
      for await (const { value } of peers.stream({ ...request, signal: file.ended })) {
        if (value.kind === 'refused') {
          this.#refused(link, stamp, value);
          throw notReady(file.name, `store ${link.store} refuses`);
        }
        for (const [to, sum] of value.sums) {
          const own = here.at(at);
          if (own?.to !== to || own.sum !== sum)
            return differs(`the block that ends at entry ${to}`);
          at += 1;
        }
      }
    } catch (error) {
      if (isDamage(error)) return differs(reasonOf(error));
      throw error;
    }
    return at === here.length ? at : differs(`it ends after ${at} blocks of ${here.length}`);
  }

  /** N2. */
  async #repair({ file }: Place, link: ReplicaLink): Promise<void> {
    const { clock, limits, log } = this.#context;
    const { nextIndex } = file;
    link.restart(file);
    const whole = async (): Promise<void> => {
      while (link.open && link.acked(file) < nextIndex && file.phase.kind === 'open') {
        await file.moved();
      }
    };
    const late = (): Fault => notReady(file.name, `store ${link.store} is still being repaired`);
    await within(whole(), { clock, ms: limits.commitMs, late });
    if (link.acked(file) < nextIndex) throw late();
    assert(link.counts, 'a replica that was compared counts');
    log.info('a copy was made anew', { name: file.name, store: link.store });
  }
}
