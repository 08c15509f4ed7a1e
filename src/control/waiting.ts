/**
 * Callers who wait for the control log: for a decision, or for a state that is new enough.
 *
 *   asked     the agreement has been asked, under the call's number
 *   parked    nobody leads, or the leader is busy: it is asked again at the next chance
 *   placed    the leader has an entry for it, or an index: it waits until that is applied here
 *
 * 1. Every call ends: with its result, or with CONTROL_UNAVAILABLE after its time.
 * 2. Only a call of which it is certain that nothing was appended is asked again.
 */
import { type Clock, fault, type Timer } from '../core/index.ts';
import type { Answer, Change } from '../raft/index.ts';
import type { Outcome } from './command.ts';

/** What a call asks for. */
export type Wish =
  | { readonly kind: 'decide'; readonly data: Uint8Array }
  | { readonly kind: 'read' }
  | { readonly kind: 'change'; readonly change: Change };

/** What applying an entry came to; null for one that is no command. */
export interface Done {
  readonly index: number;
  readonly term: number;
  readonly outcome: Outcome | null;
}

type Place =
  | { readonly kind: 'asked' }
  | { readonly kind: 'parked' }
  | { readonly kind: 'placed'; readonly index: number; readonly term: number | null };

interface Call {
  readonly id: number;
  readonly wish: Wish;
  readonly resolve: (done: Done | null) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: Timer;
  place: Place;
}

/** Outcomes remembered for answers that come after the entry was applied. */
const DONE_MAX = 1024;

export interface WaitingOptions {
  readonly clock: Clock;
  /** How long a call may take. */
  readonly callMs: number;
  /** The first number of a call; the next ones follow. */
  readonly firstId: number;
  /** Asks the agreement. */
  readonly ask: (id: number, wish: Wish) => void;
  /** What is applied here. */
  readonly applied: () => number;
}

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #calls = new Map<number, Call>();
  /** Those that are placed, by the entry that they wait for. */
  readonly #placed = new Map<number, Call[]>();
  readonly #done: Done[] = [];
  #nextId: number;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: WaitingOptions) {
    this.#options = options;
    this.#nextId = options.firstId;
  }

  /** Makes a call; a decision resolves with what it came to. @throws CONTROL_UNAVAILABLE (1) */
  call(wish: Wish): Promise<Done | null> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Done | null>();
    const { clock, callMs } = this.#options;
    const timer = clock.timer(callMs, () =>
      this.#fail(id, `no leader decided it within ${callMs / 1000} s`),
    );
    this.#calls.set(id, { id, wish, resolve, reject, timer, place: { kind: 'asked' } });
    this.#options.ask(id, wish);
    return promise;
  }

  answered(answer: Answer): void {
    const call = this.#calls.get(answer.id);
    if (call === undefined || call.place.kind !== 'asked') return;
    if (answer.kind === 'lost') {
      // A read that got lost has changed nothing.
      if (call.wish.kind === 'read') call.place = { kind: 'parked' };
      else this.#fail(call.id, 'the leader was lost on the way; look whether it was decided');
    } else if (answer.kind === 'refused') {
      const again = answer.why === 'no-leader' || answer.why === 'busy';
      if (again && call.wish.kind !== 'change') call.place = { kind: 'parked' };
      else this.#fail(call.id, `it was refused: ${answer.why}`);
    } else {
      const term = answer.kind === 'accepted' ? answer.term : null;
      call.place = { kind: 'placed', index: answer.index, term };
      if (this.#options.applied() >= answer.index) return this.#look(call);
      const others = this.#placed.get(answer.index);
      if (others === undefined) this.#placed.set(answer.index, [call]);
      else others.push(call);
    }
  }

  /** There may be a leader (2). */
  askAgain(): void {
    for (const call of [...this.#calls.values()]) {
      if (call.place.kind !== 'parked') continue;
      call.place = { kind: 'asked' };
      this.#options.ask(call.id, call.wish);
    }
  }

  applied(done: Done): void {
    this.#done.push(done);
    if (this.#done.length > 2 * DONE_MAX) this.#done.splice(0, DONE_MAX);
    const calls = this.#placed.get(done.index);
    if (calls === undefined) return;
    this.#placed.delete(done.index);
    for (const call of calls) this.#look(call);
  }

  /** The state has jumped over entries; what they came to is not known. */
  restored(): void {
    this.#done.length = 0;
    const applied = this.#options.applied();
    for (const [index, calls] of [...this.#placed]) {
      if (index > applied) continue;
      this.#placed.delete(index);
      for (const call of calls) this.#look(call);
    }
  }

  /** Ends all calls. */
  failAll(reason: string, cause?: unknown): void {
    for (const id of [...this.#calls.keys()]) this.#fail(id, reason, cause);
  }

  /** Resolves when nobody waits. */
  idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  #look(call: Call): void {
    const { place } = call;
    if (place.kind !== 'placed' || !this.#calls.has(call.id)) return;
    if (place.term === null) return this.#end(call, null);
    const done = this.#done.findLast(({ index }) => index === place.index);
    if (done?.term === place.term) return this.#end(call, done);
    const reason = 'another leader came before it was decided; look whether it was';
    this.#fail(call.id, reason);
  }

  #end(call: Call, done: Done | null): void {
    this.#remove(call);
    call.resolve(done);
  }

  #fail(id: number, reason: string, cause?: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#remove(call);
    call.reject(fault('CONTROL_UNAVAILABLE', { reason }, cause));
  }

  #remove({ id, timer }: Call): void {
    timer.cancel();
    this.#calls.delete(id);
    if (this.#calls.size > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }
}
