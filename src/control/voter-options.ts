/** What a voter is opened with. */
import type { Clock, Logger, Random } from '../core/index.ts';
import type { Members, RaftLimits } from '../raft/index.ts';
import type { Disk, SyncMode } from '../storage/index.ts';
import type { Transport } from '../transport/index.ts';

export interface VoterOptions {
  readonly disk: Disk;
  /** The log's own folder. */
  readonly dir: string;
  readonly sync: SyncMode;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: Random;
  readonly transport: Pick<Transport, 'connect'>;
  /** Where the other voters reach this one. */
  readonly address: string;
  /**
   * A voter without a log: `alone` begins a group, `joins` waits until a leader adds it, or the
   * members of a group that begins with several, this one among them.
   */
  readonly begin: 'alone' | 'joins' | Members;
  /** The id of a voter without a log; a random one by default. */
  readonly id?: string;
  /** How many voters are wanted; with `null` only commands change them. */
  readonly voters?: 1 | 3 | 5 | null;
  /** A voter that has been dead for so long is replaced. */
  readonly replaceAfterMs?: number;
  /** A member without a vote that has been dead for so long is let go. */
  readonly forgetAfterMs?: number;
  readonly tickMs?: number;
  readonly limits?: Partial<RaftLimits>;
  /** How long a proposal or a read may take. */
  readonly callMs?: number;
  readonly segmentBytes?: number;
  readonly compactEntries?: number;
}

/** Heartbeats are two ticks apart; a leader is doubted after 10 to 20. */
export const TICK_MS = 50;
export const CALL_MS = 5_000;
/** How long a closing voter waits for what was proposed. */
export const CLOSE_MS = 1_000;
export const REPLACE_AFTER_MS = 60_000;
/** Longer than a restart takes; a learner that comes later is added again. */
export const FORGET_AFTER_MS = 10_000;
/** Ticks between two looks at who should be a member, unless one has just been decided. */
export const KEEPER_TICKS = 10;
