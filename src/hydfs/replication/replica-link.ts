/**
 * One other store of a ring point, as its primary sees it.
 *
 *   asking --surveyed--> open --failed, refused--> asking
 *
 * R1 A replica counts: nothing is acknowledged without it. A joining store counts from the moment in
 *    which it has every committed entry and the keeper is asked to make it a replica, because from
 *    then on it may become one at any time. Whoever counts does so until the configuration changes.
 *    A copy of a file counts alone, for as long as the session lives, from the moment in which it is
 *    close to the end of the file (T4): so it reaches the end of the file, however much is appended, and with the
 *    copies of all files the store is complete.
 * R2 While a joining store does not count, each survey names its filling; from then on it is never
 *    asked to discard anything.
 * R3 A file that the primary does not have is removed: what it has is all that there is.
 */
import { isFault, reasonOf } from '../../core/index.ts';
import { isDamage, isDiskFault, type ReplicaContext } from './context.ts';
import { FileSender, type SenderSession } from './file-sender.ts';
import { METHODS, type Refusal, replySchema, type Stamp } from './messages.ts';
import type { PrimaryFile } from './primary-file.ts';
import { continues } from './reconcile.ts';
import type { FileExtent } from './stored-files.ts';

type LinkPhase =
  | { readonly kind: 'asking' }
  | {
      readonly kind: 'open';
      readonly session: number;
      readonly abort: AbortController;
      readonly senders: Map<string, FileSender>;
      /** Files that are being removed there. */
      readonly removing: Set<string>;
    }
  | { readonly kind: 'closed' };

/** What a link needs of its point. */
export interface LinkOwner {
  readonly point: number;
  readonly version: number;
  readonly files: ReadonlyMap<string, PrimaryFile>;
  isJoining(store: string): boolean;
  progress(file: PrimaryFile): void;
  /** Something changed that may have made a joining store complete, or a removal. */
  advanced(link: ReplicaLink): void;
  /** A file cannot be read here. */
  unreadable(file: PrimaryFile, error: unknown): void;
  /** The session is over and another one is wanted. */
  lost(link: ReplicaLink): void;
  /** The store knows more than this primary. */
  refused(link: ReplicaLink, refusal: Refusal): void;
}

export class ReplicaLink {
  readonly store: string;
  /** Null for a replica. */
  readonly fill: number | null;
  /** R1. */
  counts: boolean;
  /** Sessions that failed since the last thing that the store took. */
  troubles = 0;
  readonly #context: ReplicaContext;
  readonly #owner: LinkOwner;
  #phase: LinkPhase = { kind: 'asking' };
  /** Files whose copies are to be made anew when the next session begins. */
  readonly #damaged = new Set<string>();
  /** A file that was found not to be complete there: as long as it is not, no other is looked at. */
  #behind: PrimaryFile | null = null;

  constructor(
    context: ReplicaContext,
    options: { readonly owner: LinkOwner; readonly store: string; readonly fill: number | null },
  ) {
    this.#context = context;
    this.#owner = options.owner;
    this.store = options.store;
    this.fill = options.fill;
    this.counts = options.fill === null;
  }

  get owner(): LinkOwner {
    return this.#owner;
  }

  /** True for a joining store that has everything, until the configuration says so. */
  get waitsForPlace(): boolean {
    return this.counts && this.#phase.kind !== 'closed' && this.#owner.isJoining(this.store);
  }

  get asking(): boolean {
    return this.#phase.kind === 'asking';
  }

  get open(): boolean {
    return this.#phase.kind === 'open';
  }

  get session(): number {
    return this.#phase.kind === 'open' ? this.#phase.session : 0;
  }

  get stamp(): Stamp {
    const { point, version } = this.#owner;
    return { point, version, session: this.session };
  }

  /** Where the store's copy of `file` ends; -1 while that is not known or it is made anew. */
  acked(file: PrimaryFile): number {
    if (this.#phase.kind !== 'open') return -1;
    return this.#phase.senders.get(file.name)?.acked ?? -1;
  }

  /** True when nothing is acknowledged of `file` without this store (R1). */
  countsFor(file: PrimaryFile): boolean {
    if (this.counts) return true;
    return this.#phase.kind === 'open' && this.#phase.senders.get(file.name)?.counts === true;
  }

  /** True when more is appended to `file` than its filling can bear. */
  fallsBehind(file: PrimaryFile): boolean {
    if (this.counts || this.#phase.kind !== 'open') return false;
    return this.#phase.senders.get(file.name)?.fallsBehind === true;
  }

  /** The store answered with what it has: everything of the primary that it lacks is sent. */
  opened(session: number, inventory: readonly FileExtent[]): void {
    const phase = {
      kind: 'open' as const,
      session,
      abort: new AbortController(),
      senders: new Map<string, FileSender>(),
      removing: new Set<string>(),
    };
    this.#phase = phase;
    const found = new Map(inventory.map((extent) => [extent.name, extent]));
    for (const file of this.#owner.files.values()) {
      const copy = found.get(file.name);
      if (file.phase.kind === 'removing') {
        if (copy !== undefined) this.remove(file.name);
      } else {
        const isGood = copy !== undefined && !this.#damaged.has(file.name);
        this.#addSender(file, isGood ? whereItEnds(file, copy) : null);
      }
    }
    this.#damaged.clear();
    for (const { name } of inventory) if (!this.#owner.files.has(name)) this.remove(name);
    for (const file of this.#owner.files.values()) this.#owner.progress(file);
    this.#owner.advanced(this);
  }

  /** A file that was just created. */
  add(file: PrimaryFile): void {
    if (this.#phase.kind === 'open') this.#addSender(file, null, true);
  }

  pump(file: PrimaryFile): void {
    if (this.#phase.kind === 'open') this.#phase.senders.get(file.name)?.pump();
  }

  /** Goes on where a file could not be read here. */
  retry(file: PrimaryFile): void {
    if (this.#phase.kind === 'open') this.#phase.senders.get(file.name)?.retry();
  }

  /** A hint, without effect when it gets lost. */
  trim(name: string, beforeOffset: number): void {
    if (this.#phase.kind !== 'open') return;
    const { signal } = this.#phase.abort;
    const params = { ...this.stamp, name, beforeOffset };
    const request = {
      store: this.store,
      method: METHODS.trim,
      params,
      answer: replySchema,
      signal,
    };
    this.#context.peers.call(request).catch((error: unknown) => {
      const facts = { name, store: this.store, reason: reasonOf(error) };
      this.#context.log.debug('a replica was not told to trim a file', facts);
    });
  }

  /** Makes the store's copy anew. */
  restart(file: PrimaryFile): void {
    if (this.#phase.kind === 'open') this.#phase.senders.get(file.name)?.restart();
    else this.#damaged.add(file.name);
  }

  /** True when the store is known not to have the file. */
  lacks(name: string): boolean {
    if (this.#phase.kind !== 'open') return false;
    return !this.#phase.senders.has(name) && !this.#phase.removing.has(name);
  }

  /** Removes a file there, after what was sent for it before. */
  remove(name: string): void {
    const phase = this.#phase;
    if (phase.kind !== 'open' || phase.removing.has(name)) return;
    phase.senders.get(name)?.end();
    phase.senders.delete(name);
    phase.removing.add(name);
    const removed = this.#context.peers.call({
      store: this.store,
      method: METHODS.remove,
      params: { ...this.stamp, name },
      answer: replySchema,
      signal: phase.abort.signal,
    });
    removed.then(
      (reply) => {
        if (phase !== this.#phase) return;
        if (reply.kind === 'refused') return this.refused(reply);
        phase.removing.delete(name);
        this.#owner.advanced(this);
      },
      (error: unknown) => this.#failed(phase, error),
    );
  }

  /** Ends the session, if there is one; another one is wanted. */
  ask(): void {
    this.#endSession();
    this.#phase = { kind: 'asking' };
  }

  /** The store is no concern of this primary any more. */
  close(): void {
    this.#endSession();
    this.#phase = { kind: 'closed' };
  }

  /** True when the store has everything that is committed. */
  get complete(): boolean {
    const phase = this.#phase;
    if (phase.kind !== 'open' || phase.removing.size > 0) return false;
    if (this.#behind !== null && this.#isBehind(this.#behind)) return false;
    this.#behind = null;
    for (const file of this.#owner.files.values()) {
      if (!this.#isBehind(file)) continue;
      this.#behind = file;
      return false;
    }
    return true;
  }

  #isBehind(file: PrimaryFile): boolean {
    if (file.phase.kind === 'removing' || file.phase.kind === 'gone') return false;
    return this.acked(file) < file.everywhereIndex;
  }

  refused(refusal: Refusal): void {
    this.#context.log.info('a replica refuses', {
      point: refusal.point,
      store: this.store,
      why: refusal.why,
      version: refusal.version,
      session: refusal.session,
    });
    this.troubles += 1;
    this.#owner.refused(this, refusal);
  }

  /** `isNew`: nothing of it is anywhere yet, so its copy counts at once. */
  #addSender(file: PrimaryFile, have: number | null, isNew = false): void {
    const phase = this.#phase;
    if (phase.kind !== 'open') return;
    const session: SenderSession = {
      store: this.store,
      signal: phase.abort.signal,
      stamp: () => this.stamp,
      counts: () => this.counts,
      progress: (each) => {
        this.troubles = 0;
        this.#owner.progress(each);
        if (!this.counts) this.#owner.advanced(this);
      },
      failed: (error) => this.#failed(phase, error),
      unreadable: (each, error) => this.#owner.unreadable(each, error),
      refused: (reply) => {
        if (phase === this.#phase) this.refused(reply);
      },
    };
    const sender = new FileSender(this.#context, { session, file, have, counts: isNew });
    phase.senders.set(file.name, sender);
    sender.pump();
  }

  #failed(phase: LinkPhase, error: unknown): void {
    if (phase !== this.#phase) return;
    this.troubles += 1;
    const { point, version } = this.#owner;
    const facts = { point, store: this.store, reason: reasonOf(error) };
    this.#context.log.warn('a replica does not take what it is sent', facts);
    if (isDiskFault(error) || isDamage(error))
      this.#context.unfit(this.store, point, version, error);
    if (isFault(error, 'PEER_UNREACHABLE')) this.#context.placement.refresh();
    this.#owner.lost(this);
  }

  #endSession(): void {
    if (this.#phase.kind !== 'open') return;
    for (const sender of this.#phase.senders.values()) sender.end();
    this.#phase.abort.abort(new Error('the session has ended'));
  }
}

/** Null when the copy is not the beginning of this file, or what follows it was trimmed. */
function whereItEnds(file: PrimaryFile, copy: FileExtent): number | null {
  const { name, createdAt, firstIndex, nextIndex } = file;
  if (copy.nextIndex > nextIndex) return null;
  return continues(copy, { name, createdAt, firstIndex, nextIndex }) ? copy.nextIndex : null;
}
