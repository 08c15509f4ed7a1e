/**
 * What one voter knows. Only `step` changes it.
 *
 * The role owns what only that role needs, so that nothing of it outlives the role.
 */
import { assert, between, type Random } from '../core/index.ts';
import { limitsWith, type RaftLimits } from './limits.ts';
import { RaftLog } from './log.ts';
import type { Progress } from './progress.ts';
import { type Rules, soundRules } from './rules.ts';
import type { Entry, HardState, Snapshot } from './types.ts';

/** A read that waits for voters to confirm the leader. */
export interface PendingRead {
  readonly id: number;
  /** Who asked; this voter itself, or the one the answer goes to. */
  readonly from: string;
  readonly index: number;
  /** Replies to this round or a later one count. */
  readonly round: number;
}

export interface Leading {
  readonly kind: 'leader';
  readonly progress: Map<string, Progress>;
  /** Its own first entry: what is decided with it includes all that was decided before. */
  readonly begun: number;
  sinceHeartbeat: number;
  sinceQuorum: number;
  /** The newest round that was sent. */
  round: number;
  reads: PendingRead[];
  /** Reads that came before the first own entry was decided. */
  early: { readonly id: number; readonly from: string }[];
  transfer: { readonly to: string; ticks: number } | null;
  uncommitted: number;
}

export type Role =
  | { readonly kind: 'follower' }
  | { readonly kind: 'pre-candidate'; readonly votes: Map<string, boolean> }
  | {
      readonly kind: 'candidate';
      readonly votes: Map<string, boolean>;
      readonly transfer: boolean;
    }
  | Leading;

const edges = {
  follower: ['follower', 'pre-candidate', 'candidate'],
  'pre-candidate': ['follower', 'pre-candidate', 'candidate'],
  candidate: ['follower', 'pre-candidate', 'candidate', 'leader'],
  leader: ['follower'],
} as const satisfies Record<Role['kind'], readonly Role['kind'][]>;

/** A snapshot of which pieces have come. */
export interface Incoming {
  readonly index: number;
  readonly term: number;
  readonly size: number;
  readonly pieces: Uint8Array[];
  received: number;
}

/** A `persist` that is not durable yet. */
export interface Unsaved {
  readonly seq: number;
  /** This log is durable up to here with it; lowered when entries are replaced meanwhile. */
  last: number;
  restore: Snapshot | null;
}

export interface RaftState {
  readonly id: string;
  readonly limits: RaftLimits;
  readonly rules: Rules;
  readonly random: Random;
  readonly log: RaftLog;
  term: number;
  vote: string | null;
  role: Role;
  leader: string | null;
  /** Ticks without a sign of the leader, and how many are suffered. */
  silent: number;
  patience: number;
  /** Of the last `persist`, of the last that held another hard state, of the last durable one. */
  lastSeq: number;
  hardSeq: number;
  durableSeq: number;
  savedHard: HardState;
  readonly unsaved: Unsaved[];
  incoming: Incoming | null;
  /** A complete snapshot that the next `persist` will hold, and one that is durable. */
  restoring: Snapshot | null;
  restored: Snapshot | null;
  /** Reads and proposals sent to the leader, and for how many ticks. */
  readonly forwarded: Map<number, number>;
}

export interface RaftOptions {
  readonly id: string;
  readonly random: Random;
  readonly limits?: Partial<RaftLimits>;
  readonly rules?: Partial<Rules>;
  /** What was durable; `emptySnapshot` and nothing else for a new voter. */
  readonly hard: HardState;
  readonly snapshot: Snapshot;
  readonly entries: readonly Entry[];
}

/** Before the first entry, without members. */
export const emptySnapshot: Snapshot = { index: 0, term: 0, members: [], data: new Uint8Array(0) };

/** A voter as it begins, from what it had made durable. */
export function initialState(options: RaftOptions): RaftState {
  const { id, random, hard, snapshot, entries } = options;
  const state: RaftState = {
    id,
    limits: limitsWith(options.limits),
    rules: { ...soundRules, ...options.rules },
    random,
    log: new RaftLog(snapshot, entries),
    term: hard.term,
    vote: hard.vote,
    role: { kind: 'follower' },
    leader: null,
    silent: 0,
    patience: 0,
    lastSeq: 0,
    hardSeq: 0,
    durableSeq: 0,
    savedHard: hard,
    unsaved: [],
    incoming: null,
    restoring: null,
    restored: null,
    forwarded: new Map(),
  };
  losePatience(state);
  return state;
}

/** Begins to wait for a leader anew, for a random time. */
export function losePatience(state: RaftState): void {
  const { electionTicks } = state.limits;
  state.silent = 0;
  state.patience = between(state.random, electionTicks + 1, 2 * electionTicks + 1);
}

/** Takes on `role`. */
export function become(state: RaftState, role: Role): void {
  const legal: readonly Role['kind'][] = edges[state.role.kind];
  assert(legal.includes(role.kind), `a ${state.role.kind} does not become a ${role.kind}`);
  state.role = role;
}

/** True when everything this voter says about its term and vote is durable. */
export function hardIsDurable(state: RaftState): boolean {
  const { savedHard, term, vote } = state;
  return savedHard.term === term && savedHard.vote === vote && state.hardSeq <= state.durableSeq;
}
