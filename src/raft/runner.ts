/**
 * Carries out what `step` asks for, over a store. No time, no network: both come in as inputs.
 *
 * N1 Effects are carried out in their order; a message is sent only when what it depends on is
 *    durable.
 * N2 Inputs are taken one at a time; one that comes while effects are carried out waits.
 * N3 The first failure, of the disk or of its own reasoning, ends it: nothing is sent, applied or answered any more, because
 *    what it says from then on might not survive.
 * N4 The owner's state is taken into a snapshot only between entries.
 */
import type { Random } from '../core/index.ts';
import type { RaftLimits } from './limits.ts';
import type { Image } from './record.ts';
import type { Rules } from './rules.ts';
import { initialState, type RaftState } from './state.ts';
import { step } from './step.ts';
import type {
  Answer,
  Effects,
  Entry,
  Held,
  Input,
  Persist,
  RaftMessage,
  Snapshot,
} from './types.ts';

/** What a runner needs of a `RaftStore`. */
export interface DurableLog {
  /** What was durable at the beginning. */
  readonly initial: Image;
  /** Where it finds the owner's newest state when it wants to shorten the log. */
  snapshot: () => Snapshot | null;
  /** Resolves when `persist` and all before it are durable. */
  append(persist: Persist): Promise<void>;
}

/** Whose log it is. */
export interface Owner {
  /** Takes a decided entry; each once, in order. */
  apply(entry: Entry): void;
  /** Replaces its state. */
  restore(snapshot: Snapshot): void;
  /** Its state as bytes. */
  snapshot(): Uint8Array;
  answer(answer: Answer): void;
  send(message: RaftMessage): void;
  /** After each input: the role, the leader or the members may be others. */
  stepped(): void;
  failed(error: unknown): void;
}

export interface RunnerOptions {
  readonly store: DurableLog;
  readonly owner: Owner;
  readonly random: Random;
  readonly limits?: Partial<RaftLimits>;
  readonly rules?: Partial<Rules>;
  /** Applied entries after which the owner's state takes their place in memory. */
  readonly compactEntries?: number;
}

const COMPACT_ENTRIES = 4096;

export class Runner {
  readonly state: RaftState;
  readonly #store: DurableLog;
  readonly #owner: Owner;
  readonly #compactEntries: number;
  readonly #inputs: Input[] = [];
  #held: Held[] = [];
  #busy = false;
  #ended = false;
  /** The entry that the owner's state is after. */
  #applied: number;

  constructor(options: RunnerOptions) {
    const { store, owner, random, limits = {}, rules = {} } = options;
    const { id, hard, snapshot, entries } = store.initial;
    this.state = initialState({ id, random, limits, rules, hard, snapshot, entries });
    this.#store = store;
    this.#owner = owner;
    this.#compactEntries = options.compactEntries ?? COMPACT_ENTRIES;
    this.#applied = snapshot.index;
    if (snapshot.index > 0) owner.restore(snapshot);
    store.snapshot = () => this.#snapshot();
  }

  /** The entry that the owner's state is after. */
  get applied(): number {
    return this.#applied;
  }

  /** Takes `input`; nothing happens after the end. */
  take(input: Input): void {
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) this.#step(next);
    } finally {
      this.#busy = false;
    }
  }

  /** Ends it; the store is the caller's to close. */
  end(): void {
    this.#ended = true;
  }

  #next(): Input | undefined {
    return this.#ended ? undefined : this.#inputs.shift();
  }

  #step(input: Input): void {
    this.#carryOut(step(this.state, input));
    if (this.#ended) return;
    if (input.kind === 'persisted') this.#release(input.seq);
    this.#compact();
    this.#owner.stepped();
  }

  /** N1. */
  #carryOut({ send, persist, held, restore, apply, answers }: Effects): void {
    for (const message of send) this.#owner.send(message);
    if (persist !== null) {
      const { seq } = persist;
      this.#store
        .append(persist)
        .then(() => this.take({ kind: 'persisted', seq }))
        .catch((error: unknown) => this.#fail(error));
    }
    this.#held.push(...held);
    if (restore !== null) {
      this.#applied = restore.index;
      this.#owner.restore(restore);
    }
    for (const entry of apply) {
      this.#applied = entry.index;
      this.#owner.apply(entry);
    }
    for (const answer of answers) this.#owner.answer(answer);
  }

  #release(seq: number): void {
    const ready = this.#held.filter(({ after }) => after <= seq);
    if (ready.length === 0) return;
    this.#held = this.#held.filter(({ after }) => after > seq);
    for (const { message } of ready) this.#owner.send(message);
  }

  /** N4. */
  #compact(): void {
    if (this.#applied - this.state.log.snapshot.index < this.#compactEntries) return;
    const index = this.#applied;
    this.#carryOut(step(this.state, { kind: 'compact', index, data: this.#owner.snapshot() }));
  }

  /** Null while a snapshot from the leader is not durable: the log before it still counts. */
  #snapshot(): Snapshot | null {
    const { log } = this.state;
    if (this.#applied < log.snapshot.index) return null;
    if (this.#applied === log.snapshot.index) return log.snapshot;
    return log.snapshotOf(this.#applied, this.#owner.snapshot());
  }

  /** N3. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.failed(error);
  }
}
