/**
 * One step under way: the state and what it asks for so far.
 *
 * T1 A message that tells of the voter's term or vote is held until they are durable; one that tells
 *    of its log, until that is. A leader's entries go out at once: it counts itself only when they
 *    are durable here.
 * T2 One step makes at most one `persist`; it holds all that has changed.
 */
import type { RaftState } from './state.ts';
import type { Answer, Effects, Entry, Held, Persist, RaftMessage, Snapshot } from './types.ts';

type Omitted<M> = M extends RaftMessage ? Omit<M, 'from'> : never;
/** A message before its sender is filled in. */
export type Draft = Omitted<RaftMessage>;

export class Turn {
  readonly state: RaftState;
  readonly #send: RaftMessage[] = [];
  readonly #held: { readonly message: RaftMessage; readonly log: boolean }[] = [];
  readonly #answers: Answer[] = [];

  constructor(state: RaftState) {
    this.state = state;
  }

  /** Sends at once. */
  send(draft: Draft): void {
    this.#send.push(this.#from(draft));
  }

  /** Sends when term and vote are durable. */
  sendWithHard(draft: Draft): void {
    this.#held.push({ message: this.#from(draft), log: false });
  }

  /** Sends when the log as it is now is durable. */
  sendWithLog(draft: Draft): void {
    this.#held.push({ message: this.#from(draft), log: true });
  }

  answer(answer: Answer): void {
    this.#answers.push(answer);
  }

  /** Ends the step. */
  effects(): Effects {
    const { state } = this;
    const persist = toPersist(state);
    const held: Held[] = [];
    for (const { message, log } of this.#held) {
      const after = log ? state.lastSeq : state.hardSeq;
      if (after <= state.durableSeq) this.#send.push(message);
      else held.push({ after, message });
    }
    const restore = toRestore(state);
    return {
      send: this.#send,
      persist,
      held,
      restore,
      apply: toApply(state),
      answers: this.#answers,
    };
  }

  #from(draft: Draft): RaftMessage {
    return { ...draft, from: this.state.id };
  }
}

/** T2. */
function toPersist(state: RaftState): Persist | null {
  const { log, term, vote, savedHard } = state;
  const hard = savedHard.term !== term || savedHard.vote !== vote;
  const snapshot = state.restoring;
  const entries = log.range(log.saved + 1, log.last);
  if (!hard && snapshot === null && entries.length === 0) return null;
  const seq = ++state.lastSeq;
  if (hard) state.hardSeq = seq;
  state.savedHard = { term, vote };
  state.restoring = null;
  log.saved = log.last;
  state.unsaved.push({ seq, last: log.last, restore: snapshot });
  return { seq, hard: state.savedHard, snapshot, entries };
}

function toRestore(state: RaftState): Snapshot | null {
  const { restored } = state;
  state.restored = null;
  if (restored !== null) state.log.applied = restored.index;
  return restored;
}

function toApply(state: RaftState): Entry[] {
  const { log } = state;
  const upTo = Math.min(log.commit, log.stable);
  if (upTo <= log.applied) return [];
  const entries = log.range(log.applied + 1, upTo);
  log.applied = upTo;
  return entries;
}

/** Notes that the `persist` of number `seq` is durable. */
export function persisted(state: RaftState, seq: number): void {
  state.durableSeq = Math.max(state.durableSeq, seq);
  while (state.unsaved.length > 0 && state.unsaved[0].seq <= seq) {
    const done = state.unsaved.shift();
    if (done === undefined) return;
    state.log.stable = Math.max(state.log.stable, done.last);
    if (done.restore !== null) state.restored = done.restore;
  }
}

/** Drops entry `from` and all after it, durable or not. */
export function truncate(state: RaftState, from: number): void {
  state.log.truncate(from);
  for (const each of state.unsaved) each.last = Math.min(each.last, from - 1);
}

/** Replaces the log by `snapshot`, which the owner gets when it is durable. */
export function restore(state: RaftState, snapshot: Snapshot): void {
  state.log.restore(snapshot);
  for (const each of state.unsaved) {
    each.last = 0;
    each.restore = null;
  }
  state.restored = null;
  state.restoring = snapshot;
}
