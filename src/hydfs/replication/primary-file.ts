/**
 * One file at its primary: which of its entries are at every replica, and who waits for that.
 *
 * P1 An entry is committed when every replica that counts has it durable, and then so are all before
 *    it. What was committed stays so.
 * P2 Whatever is told of the file (its length, its bytes, that it exists) is committed, and durable
 *    here: a reader does not see what a failure could take back.
 * P3 Nobody waits for ever: each waiter has a time, and the end of the primacy rejects all.
 */
import { assert, type Clock, type Timer } from '../../core/index.ts';
import type { Payload } from '../../storage/index.ts';
import { notReady } from './faults.ts';
import { KeptEntries } from './kept-entries.ts';
import type { ReplicaLimits } from './options.ts';
import type { FileExtent, StoredFile } from './stored-files.ts';

/** `removing`: it is there until no other replica has it. */
export type FilePhase =
  | { readonly kind: 'open' }
  | { readonly kind: 'mending' }
  | { readonly kind: 'removing'; readonly removed: PromiseWithResolvers<void> }
  | { readonly kind: 'gone'; readonly reason: Error };

interface Waiter {
  /** Waits until the entries before it are committed. */
  readonly index: number;
  readonly deadline: number;
  readonly durable: boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The file's length when the entries before `index` were in it. */
interface Mark {
  readonly index: number;
  readonly length: number;
}

export interface PrimaryFileOptions {
  readonly clock: Clock;
  readonly limits: ReplicaLimits;
  readonly extent: FileExtent;
}

export class PrimaryFile {
  readonly name: string;
  readonly createdAt: number;
  readonly kept: KeptEntries;
  phase: FilePhase = { kind: 'open' };
  nextIndex: number;
  /** What is told waits until the entries before it are committed: an earlier primary told of them. */
  readonly settleIndex: number;
  readonly #ended = new AbortController();
  readonly #clock: Clock;
  readonly #limits: ReplicaLimits;
  /** The oldest entry, while the file is not open. */
  readonly #firstIndex: number;
  #stored: StoredFile | null = null;
  /** At every replica that counts: the entries before. */
  #everywhere = 0;
  #marks: Mark[] = [];
  #waiters: Waiter[] = [];
  #timer: Timer | null = null;
  #settling = false;
  #moved: PromiseWithResolvers<void> | null = null;

  constructor({ clock, limits, extent }: PrimaryFileOptions) {
    this.name = extent.name;
    this.createdAt = extent.createdAt;
    this.#clock = clock;
    this.#limits = limits;
    this.#firstIndex = extent.firstIndex;
    this.nextIndex = extent.nextIndex;
    this.settleIndex = Math.max(1, extent.nextIndex);
    this.kept = new KeptEntries(limits.keptBytes, extent.nextIndex);
  }

  get firstIndex(): number {
    return this.#stored?.firstIndex ?? this.#firstIndex;
  }

  get stored(): StoredFile | null {
    return this.#stored;
  }

  /** Aborts when nothing is told of this file any more. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Entries before it are at every replica that counts. */
  get everywhereIndex(): number {
    return this.#everywhere;
  }

  get durableIndex(): number {
    return this.#stored?.durableIndex ?? this.nextIndex;
  }

  /** Entries before it may be told to anybody (P2). */
  get committedIndex(): number {
    return Math.min(this.#everywhere, this.durableIndex);
  }

  /** The length that may be told; null when it is not known yet. */
  get committedLength(): number | null {
    const index = this.committedIndex;
    let known = -1;
    while (known + 1 < this.#marks.length && this.#marks[known + 1].index <= index) known += 1;
    if (known < 0) return null;
    if (known > 0) this.#marks.splice(0, known);
    return this.#marks[0].length;
  }

  /** The length with all that has its place; 0 while the file is not open. */
  get placedLength(): number {
    return this.#marks.at(-1)?.length ?? 0;
  }

  /** False when the disk here lost what had its place: this store is not the one to go on. */
  matches(stored: StoredFile): boolean {
    return this.#stored === stored || stored.nextIndex === this.nextIndex;
  }

  /** The file is open, before anything is placed; or it was made anew. */
  attach(stored: StoredFile): void {
    if (this.#stored === stored) return;
    assert(stored.nextIndex === this.nextIndex, 'a file is attached before an entry is placed');
    const first = this.#stored === null;
    this.#stored = stored;
    if (!first) return;
    this.#marks.push({ index: this.nextIndex, length: stored.state.length });
  }

  /** A new entry has its place; the length of the file is the one with it. */
  placed(
    index: number,
    payload: Payload,
    options: { readonly length: number; readonly kept: boolean },
  ): void {
    const { length, kept } = options;
    assert(index === this.nextIndex, 'entries are placed one after the other');
    this.nextIndex = index + 1;
    if (kept) this.kept.add(payload, this.durableIndex);
    else this.kept.passOver();
    this.#marks.push({ index: index + 1, length });
  }

  /** Resolves when another replica has more, or the file ends. */
  moved(): Promise<void> {
    this.#moved ??= Promise.withResolvers();
    return this.#moved.promise;
  }

  /** Every replica that counts has the entries before `index`. */
  everywhere(index: number): void {
    this.#moved?.resolve();
    this.#moved = null;
    if (index <= this.#everywhere) return;
    this.#everywhere = index;
    this.#wake();
  }

  /** Resolves when the entries before `index` are committed; with `durable`, may be told. */
  reached(
    index: number,
    options: { readonly durable: boolean; readonly ms?: number },
  ): Promise<void> {
    if (this.phase.kind === 'gone') return Promise.reject(this.phase.reason);
    if (this.#has(index, options.durable)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const deadline = this.#clock.now() + (options.ms ?? this.#limits.commitMs);
    this.#waiters.push({ index, deadline, durable: options.durable, resolve, reject });
    this.#timer ??= this.#clock.timer(deadline - this.#clock.now(), () => this.#expire());
    if (this.#isLate(index, options.durable)) this.#settle();
    return promise;
  }

  /** Nothing is told of this file any more. */
  end(reason: Error): void {
    if (this.phase.kind === 'gone') return;
    this.phase = { kind: 'gone', reason };
    this.#timer?.cancel();
    this.#moved?.resolve();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
    this.#ended.abort(reason);
  }

  #has(index: number, durable: boolean): boolean {
    return index <= (durable ? this.committedIndex : this.#everywhere);
  }

  #wake(): void {
    let late = false;
    const waiting = this.#waiters.filter((waiter) => {
      if (this.#has(waiter.index, waiter.durable)) {
        waiter.resolve();
        return false;
      }
      late ||= this.#isLate(waiter.index, waiter.durable);
      return true;
    });
    this.#waiters = waiting;
    if (waiting.length === 0) {
      this.#timer?.cancel();
      this.#timer = null;
    }
    if (late) this.#settle();
  }

  /** True when only the disk here is waited for. */
  #isLate(index: number, durable: boolean): boolean {
    return durable && index <= this.#everywhere && index > this.durableIndex;
  }

  /** Looks again when the disk here has caught up with the replicas. */
  #settle(): void {
    if (this.#settling || this.#stored === null) return;
    this.#settling = true;
    const again = (): void => {
      this.#settling = false;
      this.#wake();
    };
    // a log that failed is told to whoever appended; here the waiters' time runs out
    this.#stored.settled().then(again, () => {});
  }

  #expire(): void {
    const now = this.#clock.now();
    this.#timer = null;
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters) {
      if (waiter.deadline > now) waiting.push(waiter);
      else waiter.reject(notReady(this.name, 'a replica has not answered in time'));
    }
    this.#waiters = waiting;
    const [next] = waiting;
    if (next !== undefined)
      this.#timer = this.#clock.timer(next.deadline - now, () => this.#expire());
  }
}
