/**
 * The nouns of the agreement: entries, members, what goes in and what comes out of `step`.
 */
import type {
  LogAppend,
  LogAppendReply,
  LogPropose,
  LogProposeReply,
  LogSnapshot,
  LogSnapshotAck,
  ReadIndex,
  ReadIndexReply,
  TimeoutNow,
  Vote,
  VoteRequest,
} from '../wire/index.ts';

/** `empty` begins a leader's term, `command` is the owner's, `members` changes who votes. */
export type EntryType = 'empty' | 'command' | 'members';

/** A place in the log. Two entries of equal index and term are the same entry, everywhere. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** A member without a vote (a learner) is sent the log and counts for nothing. */
export interface Member {
  /** Made with the member's log; a member that lost its log is another member. */
  readonly id: string;
  readonly address: string;
  readonly votes: boolean;
}

export type Members = readonly Member[];

/** What a voter must never forget. */
export interface HardState {
  readonly term: number;
  readonly vote: string | null;
}

/** The owner's state after the entry `index`, which was of `term`. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly members: Members;
  readonly data: Uint8Array;
}

/** To be made durable at once or not at all; in the order of `seq`. */
export interface Persist {
  readonly seq: number;
  readonly hard: HardState;
  /** Replaces the whole log. */
  readonly snapshot: Snapshot | null;
  /** They replace whatever was at the index of the first and above. */
  readonly entries: readonly Entry[];
}

export type RaftMessage =
  | VoteRequest
  | Vote
  | LogAppend
  | LogAppendReply
  | LogSnapshot
  | LogSnapshotAck
  | TimeoutNow
  | ReadIndex
  | ReadIndexReply
  | LogPropose
  | LogProposeReply;

/** One step of a change of the members. */
export type Change =
  /** A new member without a vote, or another address of one that is known. */
  | { readonly kind: 'add'; readonly id: string; readonly address: string }
  /** A learner that has caught up gets its vote. */
  | { readonly kind: 'promote'; readonly id: string }
  | { readonly kind: 'remove'; readonly id: string };

export type Input =
  | { readonly kind: 'tick' }
  | { readonly kind: 'message'; readonly message: RaftMessage }
  /** The `persist` of that number, and all before it, are durable. */
  | { readonly kind: 'persisted'; readonly seq: number }
  | { readonly kind: 'propose'; readonly id: number; readonly data: Uint8Array }
  | { readonly kind: 'change'; readonly id: number; readonly change: Change }
  /** Asks for an index from which on a state is new enough to be read now. */
  | { readonly kind: 'read'; readonly id: number }
  | { readonly kind: 'transfer'; readonly to: string }
  /** Stand for election now. */
  | { readonly kind: 'campaign' }
  /** The owner's state after the applied entry `index`; the log before it may go. */
  | { readonly kind: 'compact'; readonly index: number; readonly data: Uint8Array }
  /** What was sent to `id` lately may not have arrived. */
  | { readonly kind: 'unreachable'; readonly id: string };

export type Refused =
  | 'no-leader'
  | 'busy'
  | 'too-large'
  | 'change-pending'
  | 'not-caught-up'
  | 'no-such-member'
  | 'last-voter';

/** What became of something asked for under `id`. Each is answered at most once, or never. */
export type Answer =
  /** Decided if and when the entry at `index` is applied and is of `term`. */
  | {
      readonly kind: 'accepted';
      readonly id: number;
      readonly index: number;
      readonly term: number;
    }
  | { readonly kind: 'refused'; readonly id: number; readonly why: Refused }
  /** A forwarded one was not answered in time: it may or may not be decided. */
  | { readonly kind: 'lost'; readonly id: number }
  | { readonly kind: 'readable'; readonly id: number; readonly index: number };

/** A message and the `persist` that must be durable before it is sent. */
export interface Held {
  readonly after: number;
  readonly message: RaftMessage;
}

/**
 * What a step asks for, to be carried out in the order of the fields: `send` at once, `persist`
 * begun, `held` each after its `persist`; then `restore`, `apply`, `answers`.
 */
export interface Effects {
  readonly send: readonly RaftMessage[];
  readonly persist: Persist | null;
  readonly held: readonly Held[];
  /** The owner's state is to be replaced by this one. */
  readonly restore: Snapshot | null;
  /** Decided entries that are durable here, in order, each once. */
  readonly apply: readonly Entry[];
  readonly answers: readonly Answer[];
}
