/**
 * A ring point whose primary this store is, or may become.
 *
 *   inactive --configuration that names this store first--> surveying --all replicas answered-->
 *   reconciling --the longest copies are here--> active
 *   any --another configuration--> inactive or surveying     any --a newer one is heard of--> fenced
 *
 * A1 Before a primary serves, every replica of the configuration has promised (by a session) to hear
 *    no older primary, and everything that was ever acknowledged is here: it is in each copy of the
 *    configuration before, of which one at least is in this one.
 * A2 While it is active, this store alone decides what the files of the point are. A replica whose
 *    session ends is surveyed again and brought to where this store is; clients notice nothing but
 *    a delay of what needs that replica.
 * A3 The next configuration, when it names the same primary, changes nothing of A1: no other primary
 *    can have been between two versions that follow each other.
 * A4 A primary that hears of a newer configuration places and acknowledges nothing until it knows it.
 * A5 No file is made at a fresh point: it may be given to stores that ask nobody for its files.
 * A6 A primary whose disk has failed serves nothing more. After a pause in which nobody has taken its
 *    place, as that of the last replica, it takes stock of its disk, until it can, and begins anew.
 */

import type { PointConfig } from '../../control/index.ts';
import { assert, fault, randomId, reasonOf } from '../../core/index.ts';
import type { Payload } from '../../storage/index.ts';
import { isDamage, isDiskFault, type ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import type { Refusal } from './messages.ts';
import { type Attempt, next, type PointPhase } from './point-phase.ts';
import { PrimaryFile } from './primary-file.ts';
import { ReadyWaiters } from './ready-waiters.ts';
import { type LinkOwner, ReplicaLink } from './replica-link.ts';
import { Settling } from './settling.ts';
import type { FileExtent, StoredFile } from './stored-files.ts';
import { fetchMissing } from './takeover.ts';

const MENDING = 'a damaged copy is being made anew';
const REMOVING = 'it is being removed';
const FRESH = 'its ring point may be given to others until it is known to be used';

/** What a point needs of the store that it is part of. */
export interface PointHost {
  /** The newest configuration of a point in which this store has promised to hear its primary. */
  promised(point: number): number;
  /** Wants a survey of the link's store; its answer comes to `surveyed`. */
  survey(link: ReplicaLink): void;
  /** A session number that is used up. */
  sessionUsed(session: number): void;
  /** A joining store has everything. */
  complete(link: ReplicaLink): void;
  /** A file of this store is damaged. */
  damaged(point: PrimaryPoint, file: PrimaryFile, error: unknown): void;
}

export class PrimaryPoint implements LinkOwner {
  readonly point: number;
  readonly files = new Map<string, PrimaryFile>();
  readonly #context: ReplicaContext;
  readonly #host: PointHost;
  readonly #links = new Map<string, ReplicaLink>();
  readonly #removing = new Set<PrimaryFile>();
  /** Files of which a joining store will be sent more when the disk here has it. */
  readonly #settling = new Settling();
  #config: PointConfig | null = null;
  #phase: PointPhase = { kind: 'inactive' };
  readonly #waiters: ReadyWaiters;

  constructor(context: ReplicaContext, host: PointHost, point: number) {
    this.#context = context;
    this.#host = host;
    this.#waiters = new ReadyWaiters(context.clock);
    this.point = point;
  }

  get version(): number {
    return this.#config?.version ?? 0;
  }

  get active(): boolean {
    return this.#phase.kind === 'active' && this.#isNewest;
  }

  /** True when the configuration names this store first. */
  get isOurs(): boolean {
    return this.#config?.replicas[0] === this.#context.store;
  }

  /** The stores of the configuration, this one first. */
  get replicas(): readonly string[] {
    return this.#config?.replicas ?? [];
  }

  get links(): Iterable<ReplicaLink> {
    return this.#links.values();
  }

  /** Takes over what the control log says now. */
  reconfigure(config: PointConfig | null): void {
    const before = this.#config;
    if (config?.version === before?.version) return;
    this.#config = config;
    if (config === null || config.replicas[0] !== this.#context.store) {
      this.#end('inactive');
    } else if (this.#phase.kind === 'active' && config.version === (before?.version ?? 0) + 1) {
      this.#goOn(config);
    } else this.#begin(config);
  }

  /** A newer configuration is heard of (A4). */
  overtaken(version: number): void {
    if (version <= this.version || this.#phase.kind === 'inactive') return;
    this.#fence(version);
  }

  #fence(version: number): void {
    if (this.#phase.kind === 'fenced' && this.#phase.version >= version) return;
    this.#context.log.warn('a newer configuration is known elsewhere; this one is not served', {
      point: this.point,
      version: this.version,
      newer: version,
    });
    this.#leaveService();
    this.#become({ kind: 'fenced', version });
    this.#context.placement.refresh();
  }

  /** Resolves when this store serves the point. @throws NOT_PRIMARY, REPLICA_NOT_READY */
  ready(): Promise<void> {
    if (this.active) return Promise.resolve();
    const { limits, placement } = this.#context;
    const config = placement.config(this.point);
    if (config !== null && config.replicas[0] !== this.#context.store) {
      return Promise.reject(this.#notPrimary());
    }
    return this.#waiters.wait(limits.readyMs, () => {
      return placement.config(this.point) === null ? this.#notPrimary() : this.#notReady();
    });
  }

  /**
   * Before an entry is placed, in the same turn.
   * @throws NOT_PRIMARY, REPLICA_NOT_READY unless this store serves the file
   */
  admit(stored: StoredFile): void {
    if (!this.active) {
      const first = this.#config?.replicas[0] === this.#context.store;
      throw first && this.#phase.kind !== 'fenced' ? this.#notReady() : this.#notPrimary();
    }
    const file = this.files.get(stored.state.name);
    if (file === undefined) {
      if (stored.nextIndex > 0) throw notReady(stored.state.name, REMOVING);
      if (this.#context.placement.isFresh(this.point)) throw notReady(stored.state.name, FRESH);
      return;
    }
    const { kind } = file.phase;
    if (kind !== 'open') throw notReady(file.name, kind === 'mending' ? MENDING : REMOVING);
    this.attach(file, stored);
  }

  /** The file is open. @throws REPLICA_NOT_READY when it is not what this primary goes on from */
  attach(file: PrimaryFile, stored: StoredFile): void {
    if (file.matches(stored)) return file.attach(stored);
    const { point, version } = this;
    const facts = { point, version, name: file.name, next: stored.nextIndex };
    this.#context.log.error(
      'entries are lost here after a fault; the others are asked again',
      facts,
    );
    if (this.#config !== null) this.#begin(this.#config);
    throw this.#notReady();
  }

  /** A client's entry has its place. */
  placed(stored: StoredFile, index: number, payload: Payload): void {
    const { name, createdAt, length } = stored.state;
    const known = this.files.get(name);
    assert(known !== undefined || index === 0, 'a file that is not known is a new one');
    const file = known ?? this.#addFile({ name, createdAt, firstIndex: 0, nextIndex: 0 });
    file.placed(index, payload, { length, kept: this.#links.size > 0 });
    file.attach(stored);
    for (const link of this.#links.values()) {
      if (known === undefined) link.add(file);
      else link.pump(file);
    }
    this.#context.occupied.points.add(this.point);
    this.progress(file);
  }

  /** Resolves when the entries up to `index` are at every replica. @throws as `admit` */
  committed(name: string, index: number): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) return Promise.reject(this.#notPrimary());
    return file.reached(index + 1, { durable: false });
  }

  /** True while a copy that is being filled falls behind what is appended. */
  isAhead(file: PrimaryFile): boolean {
    for (const link of this.#links.values()) if (link.fallsBehind(file)) return true;
    return false;
  }

  // what links tell

  isJoining(store: string): boolean {
    return this.#config?.joining.includes(store) ?? false;
  }

  progress(file: PrimaryFile): void {
    let counted = file.nextIndex;
    let passed = file.nextIndex;
    for (const link of this.#links.values()) {
      const acked = link.acked(file);
      if (link.countsFor(file)) counted = Math.min(counted, acked);
      passed = Math.min(passed, acked);
    }
    const before = file.committedIndex;
    file.everywhere(counted);
    file.kept.passed(Math.min(passed, file.durableIndex));
    if (file.committedIndex < file.everywhereIndex) this.#whenDurable(file);
    if (file.committedIndex === before) return;
    for (const link of this.#links.values()) if (!link.counts) link.pump(file);
  }

  advanced(link: ReplicaLink): void {
    for (const file of [...this.#removing]) this.#removedEverywhere(file);
    if (!link.counts && link.complete) {
      // R1: from this turn on
      link.counts = true;
      this.#host.complete(link);
    }
  }

  unreadable(file: PrimaryFile, error: unknown): void {
    const facts = { point: this.point, name: file.name, reason: reasonOf(error) };
    this.#context.log.error('a file cannot be read here for another replica', facts);
    if (isDamage(error)) return this.#host.damaged(this, file, error);
    if (isDiskFault(error)) {
      this.#context.unfit(this.#context.store, this.point, this.version, error);
    }
    const { clock, limits } = this.#context;
    clock.timer(limits.retryMsMax, () => {
      for (const link of this.#links.values()) link.retry(file);
    });
  }

  lost(link: ReplicaLink): void {
    if (this.#links.get(link.store) !== link) return;
    link.ask();
    this.#host.survey(link);
    // what waited for copies of a store that does not count does not wait any more
    if (!link.counts) for (const file of [...this.files.values()]) this.progress(file);
  }

  refused(link: ReplicaLink, refusal: Refusal): void {
    if (this.#links.get(link.store) !== link) return;
    this.#host.sessionUsed(refusal.session);
    if (refusal.version > this.version) this.overtaken(refusal.version);
    else if (this.#phase.kind !== 'inactive' && this.#phase.kind !== 'fenced') this.lost(link);
  }

  /** The store of `link` has answered a survey. */
  surveyed(link: ReplicaLink, session: number, files: readonly FileExtent[]): void {
    if (this.#links.get(link.store) !== link || !link.asking) return;
    const phase = this.#phase;
    if (phase.kind === 'active') {
      link.opened(session, files);
    } else if (phase.kind === 'surveying') {
      phase.attempt.found.set(link, { session, inventory: { store: link.store, files } });
      this.#maybeReconcile(phase.attempt);
    } else if (phase.kind === 'reconciling') {
      phase.attempt.found.set(link, { session, inventory: { store: link.store, files } });
    }
  }

  /** True when this store is the only replica: nobody can take its place. */
  get isLast(): boolean {
    return this.isOurs && this.replicas.length === 1;
  }

  /** A6. The disk here has failed. Where it cannot be read only, other files are not to blame. */
  startOver(): void {
    const isIll = this.active && this.#context.files.hasFailed(this.point);
    if (!isIll || this.#config === null) return;
    this.#leaveService();
    const attempt: Attempt = { abort: new AbortController(), found: new Map(), own: null };
    this.#become({ kind: 'surveying', attempt });
    this.#beginLater(attempt, this.#config);
  }

  /** Removes a file everywhere; resolves when nobody has it. */
  remove(file: PrimaryFile): Promise<void> {
    if (file.phase.kind === 'removing') return file.phase.removed.promise;
    const removed = Promise.withResolvers<void>();
    removed.promise.catch(() => {});
    file.phase = { kind: 'removing', removed };
    this.#removing.add(file);
    for (const link of this.#links.values()) link.remove(file.name);
    this.#removedEverywhere(file);
    return removed.promise;
  }

  /** The replication of this store ends. */
  close(): void {
    this.#config = null;
    this.#end('inactive');
  }

  get #isNewest(): boolean {
    if (this.#context.placement.config(this.point)?.version !== this.version) return false;
    return this.#host.promised(this.point) <= this.version;
  }

  /** Who is being filled is sent, and needs, what only the disk here lacks yet. */
  #whenDurable(file: PrimaryFile): void {
    const links = (): ReplicaLink[] => [...this.#links.values()].filter((link) => !link.counts);
    if (links().length === 0) return;
    this.#settling.until(file, () => {
      for (const link of links()) {
        link.pump(file);
        this.advanced(link);
      }
    });
  }

  /** A1. */
  #begin(config: PointConfig): void {
    this.#leaveService();
    const promised = this.#host.promised(this.point);
    if (promised > config.version) return this.#fence(promised);
    const attempt: Attempt = { abort: new AbortController(), found: new Map(), own: null };
    this.#become({ kind: 'surveying', attempt });
    for (const store of config.replicas.slice(1)) this.#addLink(store, null);
    this.#ownInventory().then(
      (own) => {
        attempt.own = own;
        if (!attempt.abort.signal.aborted) this.#maybeReconcile(attempt);
      },
      (error: unknown) => this.#failed(attempt, error),
    );
  }

  async #ownInventory(): Promise<readonly FileExtent[]> {
    const { occupied, files } = this.#context;
    await occupied.ready;
    return occupied.points.has(this.point) ? files.inventory(this.point) : [];
  }

  #maybeReconcile(attempt: Attempt): void {
    if (this.#phase.kind !== 'surveying' || attempt.own === null) return;
    for (const link of this.#links.values()) if (!attempt.found.has(link)) return;
    this.#become({ kind: 'reconciling', attempt });
    this.#bringHere(attempt, attempt.own).then(
      (own) => {
        if (!attempt.abort.signal.aborted) this.#activate(attempt, own);
      },
      (error: unknown) => this.#failed(attempt, error),
    );
  }

  async #bringHere(attempt: Attempt, own: readonly FileExtent[]): Promise<readonly FileExtent[]> {
    const { point, version } = this;
    const fetched = await fetchMissing(this.#context, { attempt, own, point, version });
    return fetched ? this.#ownInventory() : own;
  }

  #activate(attempt: Attempt, own: readonly FileExtent[]): void {
    this.#become({ kind: 'active' });
    for (const extent of own) this.#addFile(extent);
    this.#context.log.debug('this store serves a ring point', {
      point: this.point,
      version: this.version,
      files: own.length,
      replicas: this.replicas.length,
    });
    for (const link of this.#links.values()) {
      const found = attempt.found.get(link);
      if (found !== undefined) link.opened(found.session, found.inventory.files);
    }
    for (const store of this.#config?.joining ?? []) this.#addLink(store, this.#fillNumber());
    for (const file of this.files.values()) this.progress(file);
    this.#waiters.served();
  }

  /** A3: who left is forgotten, who came is brought here. */
  #goOn(config: PointConfig): void {
    for (const link of [...this.#links.values()]) {
      const stays = config.replicas.includes(link.store) || config.joining.includes(link.store);
      if (stays) continue;
      link.close();
      this.#links.delete(link.store);
    }
    for (const store of config.replicas.slice(1)) {
      const link = this.#links.get(store) ?? this.#addLink(store, null);
      link.counts = true;
    }
    for (const store of config.joining) {
      const link = this.#links.get(store) ?? this.#addLink(store, this.#fillNumber());
      // it still joins: it is asked for again below, when it has everything
      link.counts = false;
    }
    for (const file of [...this.files.values()]) {
      for (const link of this.#links.values()) link.pump(file);
      this.progress(file);
    }
    for (const file of [...this.#removing]) this.#removedEverywhere(file);
    for (const link of [...this.#links.values()]) this.advanced(link);
  }

  #addLink(store: string, fill: number | null): ReplicaLink {
    const link = new ReplicaLink(this.#context, { owner: this, store, fill });
    this.#links.set(store, link);
    this.#host.survey(link);
    return link;
  }

  #fillNumber(): number {
    return Number.parseInt(randomId(this.#context.random, 48), 16);
  }

  #addFile(extent: FileExtent): PrimaryFile {
    const { clock, limits } = this.#context;
    const file = new PrimaryFile({ clock, limits, extent });
    this.files.set(extent.name, file);
    return file;
  }

  /** The last to remove a file is this store, so that nobody misses it before it is gone. */
  #removedEverywhere(file: PrimaryFile): void {
    if (file.phase.kind !== 'removing' || this.files.get(file.name) !== file) return;
    for (const link of this.#links.values()) {
      if (link.counts && !link.lacks(file.name)) return;
    }
    const { removed } = file.phase;
    this.files.delete(file.name);
    this.#removing.delete(file);
    this.#context.files.discard(file.name).then(
      () => removed.resolve(),
      (error: unknown) => {
        if (isDiskFault(error)) {
          this.#context.unfit(this.#context.store, this.point, this.version, error);
        }
        removed.reject(error);
      },
    );
    file.end(fault('FILE_MISSING', { name: file.name }));
  }

  #failed(attempt: Attempt, error: unknown): void {
    if (attempt.abort.signal.aborted || this.#config === null) return;
    const { point, version } = this;
    const facts = { point, version, reason: reasonOf(error) };
    this.#context.log.warn('becoming primary of a ring point failed', facts);
    if (isDiskFault(error)) this.#context.unfit(this.#context.store, point, version, error);
    this.#beginLater(attempt, this.#config);
  }

  /** The pause keeps a fault that stays from becoming a loop. */
  #beginLater({ abort }: Attempt, config: PointConfig): void {
    const { clock, limits } = this.#context;
    clock.timer(limits.retryMsMax, () => {
      if (!abort.signal.aborted) this.#begin(config);
    });
  }

  #leaveService(): void {
    const phase = this.#phase;
    if (phase.kind === 'surveying' || phase.kind === 'reconciling') {
      phase.attempt.abort.abort(new Error('another configuration came'));
    }
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    const files = [...this.files.values()];
    this.files.clear();
    this.#removing.clear();
    for (const file of files) {
      const reason = this.#notPrimary();
      if (file.phase.kind === 'removing') file.phase.removed.reject(reason);
      file.end(reason);
    }
  }

  #end(kind: 'inactive'): void {
    this.#leaveService();
    this.#become({ kind });
    this.#waiters.refused(() => this.#notPrimary());
  }

  #become(phase: PointPhase): void {
    this.#phase = next(this.#phase, phase);
  }

  #notPrimary(): Error {
    const { point } = this;
    const version = Math.max(this.version, this.#context.placement.config(point)?.version ?? 0);
    return fault('NOT_PRIMARY', { point, version });
  }

  #notReady(): Error {
    return notReady(`ring point ${this.point}`, `its primary is ${this.#phase.kind}`);
  }
}
