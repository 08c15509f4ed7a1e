/**
 * The newest entries of a file that somebody follows: a follower that keeps up is served from memory
 * and never reads back from the disk what was written a moment ago.
 *
 * M1 Nothing is kept while nobody follows, nor once every follower is past it.
 * M2 At most RECENT_BYTES in at most RECENT_ENTRIES are kept; the oldest entries go first, read or
 *    not: they are on the disk. An entry without data counts too: it has meta, and is an object.
 * M3 Entries are kept from when they are placed, but handed out only below the index that the asker
 *    knows to be durable.
 */
import { assert } from '../core/index.ts';
import type { FileEntry } from './file-system.ts';

/** Memory kept for the followers of one file. */
export const RECENT_BYTES = 4 * 1024 * 1024;

/** Entries kept for the followers of one file: dropping one moves the others, so they stay few. */
export const RECENT_ENTRIES = 8192;

/** What an entry costs beside its data and meta: the object and its two views. */
const ENTRY_BYTES = 256;

/** Where one follower stands. */
export interface Follower {
  /** The index of the entry that it wants next. */
  index: number;
}

export class RecentEntries {
  readonly #followers = new Set<Follower>();
  /** With consecutive indices. */
  #entries: FileEntry[] = [];
  #bytes = 0;

  /** True when an entry that is placed now should be handed to `keep`. */
  get wanted(): boolean {
    return this.#followers.size > 0;
  }

  join(index: number): Follower {
    const follower = { index };
    this.#followers.add(follower);
    return follower;
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
    this.#release();
  }

  /** `follower` has everything before `index`. */
  passed(follower: Follower, index: number): void {
    follower.index = index;
    this.#release();
  }

  /** Keeps an entry that was placed; its data must not change any more. */
  keep(entry: FileEntry): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.index !== entry.index - 1) this.#drop(this.#entries.length);
    this.#entries.push(entry);
    this.#bytes += costOf(entry);
    while (this.#bytes > RECENT_BYTES || this.#entries.length > RECENT_ENTRIES) this.#drop(1);
  }

  /** Entry `index`, if it is durable and kept. */
  get(index: number, durableIndex: number): FileEntry | null {
    if (index >= durableIndex || this.#entries.length === 0) return null;
    const at = index - this.#entries[0].index;
    return at < 0 ? null : (this.#entries.at(at) ?? null);
  }

  #release(): void {
    let needed = Number.POSITIVE_INFINITY;
    for (const { index } of this.#followers) needed = Math.min(needed, index);
    let count = 0;
    while (count < this.#entries.length && this.#entries[count].index < needed) count += 1;
    this.#drop(count);
  }

  #drop(count: number): void {
    if (count === 0) return;
    for (const entry of this.#entries.splice(0, count)) this.#bytes -= costOf(entry);
    assert(this.#bytes >= 0, 'what is dropped was counted');
  }
}

function costOf({ data, meta }: FileEntry): number {
  return ENTRY_BYTES + data.length + meta.length;
}
