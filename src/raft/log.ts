/**
 * The log in memory.
 *
 * G1 Entries from `first` to `last` are here without gap; those before `first` are in `snapshot`,
 *    whose index is `first - 1` or above it.
 * G2 Nothing at or below `commit` is ever replaced.
 * G3 `stable`: up to here this log is durable as it is. `saved`: up to here it was handed out to be
 *    made durable. stable <= saved <= last.
 * G4 `applied <= min(commit, stable)`: what the owner was given survives here.
 * G5 The members in force are those of the last `members` entry, decided or not; when that entry is
 *    replaced, the ones before are in force again.
 */
import { assert, present } from '../core/index.ts';
import { decodeMembers, isVoter } from './members.ts';
import type { Entry, Members, Snapshot } from './types.ts';

/** What an entry takes up beside its data; also bounds how many go into one message. */
const ENTRY_OVERHEAD = 32;

interface Configuration {
  readonly index: number;
  readonly members: Members;
}

export class RaftLog {
  snapshot: Snapshot;
  commit: number;
  applied: number;
  stable: number;
  saved: number;
  #entries: Entry[] = [];
  #first: number;
  /** The term of the entry before `first`. */
  #baseTerm: number;
  #configurations: Configuration[];

  /** The log that was durable when this process began. */
  constructor(snapshot: Snapshot, entries: readonly Entry[]) {
    this.snapshot = snapshot;
    this.#first = snapshot.index + 1;
    this.#baseTerm = snapshot.term;
    this.#configurations = [{ index: snapshot.index, members: snapshot.members }];
    this.commit = snapshot.index;
    this.applied = snapshot.index;
    this.stable = snapshot.index;
    this.saved = snapshot.index;
    this.append(entries);
    this.stable = this.last;
    this.saved = this.last;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#first + this.#entries.length - 1;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** G5. */
  get members(): Members {
    return this.#configuration.members;
  }

  /** The index of the entry that `members` come from. */
  get membersIndex(): number {
    return this.#configuration.index;
  }

  /**
   * True when `id` votes by the members in force, or by earlier ones that are in force again should
   * the change turn out to be undecided.
   */
  mayVote(id: string): boolean {
    const decided = this.#configurations.findLastIndex(({ index }) => index <= this.commit);
    return this.#configurations.slice(decided).some(({ members }) => isVoter(members, id));
  }

  get #configuration(): Configuration {
    return present(this.#configurations.at(-1), 'a log begins with members');
  }

  /** The term of entry `index`; null when it is not here. */
  termAt(index: number): number | null {
    if (index === this.#first - 1) return this.#baseTerm;
    return index < this.#first || index > this.last
      ? null
      : this.#entries[index - this.#first].term;
  }

  /** True when a log that ends with these lacks nothing that this one has decided. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last);
  }

  /** The last entry at or below `index` whose term is at most `term`, or what comes before all. */
  lastBelow(index: number, term: number): { readonly index: number; readonly term: number } {
    let at = Math.min(index, this.last);
    while (at >= this.#first && (this.termAt(at) ?? 0) > term) at -= 1;
    return { index: at, term: this.termAt(at) ?? 0 };
  }

  /** Entries from `from`, up to `bytes` of them and at least one, if there is one. */
  slice(from: number, bytes: number): Entry[] {
    assert(from >= this.#first, 'G1');
    const some: Entry[] = [];
    let sum = 0;
    for (let at = from - this.#first; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      sum += entry.data.length + ENTRY_OVERHEAD;
      if (some.length > 0 && sum > bytes) break;
      some.push(entry);
    }
    return some;
  }

  /** Entries from `from` to `to`, both included. */
  range(from: number, to: number): Entry[] {
    return from > to ? [] : this.#entries.slice(from - this.#first, to - this.#first + 1);
  }

  /** Adds entries behind the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.last + 1, 'G1: entries follow each other');
      this.#entries.push(entry);
      if (entry.type !== 'members') continue;
      this.#configurations.push({ index: entry.index, members: decodeMembers(entry.data) });
    }
  }

  /** Drops entry `from` and all after it. */
  truncate(from: number): void {
    assert(from > this.commit, 'G2: what is decided stays');
    this.#entries.length = from - this.#first;
    this.#configurations = this.#configurations.filter(({ index }) => index < from);
    this.stable = Math.min(this.stable, from - 1);
    this.saved = Math.min(this.saved, from - 1);
  }

  /** Replaces everything by `snapshot`, which is not durable yet. */
  restore(snapshot: Snapshot): void {
    assert(snapshot.index > this.commit, 'G2: a snapshot leads forward');
    this.snapshot = snapshot;
    this.#entries = [];
    this.#first = snapshot.index + 1;
    this.#baseTerm = snapshot.term;
    this.#configurations = [{ index: snapshot.index, members: snapshot.members }];
    this.commit = snapshot.index;
    this.stable = 0;
    this.saved = snapshot.index;
  }

  /** The owner's state after `index` is `data`: entries more than `keep` before it are dropped. */
  compact(index: number, data: Uint8Array, keep: number): void {
    if (index <= this.snapshot.index) return;
    this.snapshot = this.snapshotOf(index, data);
    this.#drop(index - keep);
  }

  /** The snapshot that holds the owner's state after the applied entry `index`. */
  snapshotOf(index: number, data: Uint8Array): Snapshot {
    assert(index <= this.applied, 'only what was applied is in a snapshot');
    const term = present(this.termAt(index), 'G1');
    return { index, term, members: this.#membersAt(index), data };
  }

  #drop(upTo: number): void {
    if (upTo < this.#first) return;
    this.#baseTerm = present(this.termAt(upTo), 'G1');
    const members = this.#membersAt(upTo);
    this.#entries = this.#entries.slice(upTo - this.#first + 1);
    this.#first = upTo + 1;
    const later = this.#configurations.filter(({ index }) => index > upTo);
    this.#configurations = [{ index: upTo, members }, ...later];
  }

  #membersAt(index: number): Members {
    const known = this.#configurations.findLast((each) => each.index <= index);
    return present(known, 'a log begins with members').members;
  }
}
