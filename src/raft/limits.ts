/** Limits of the agreement. Sizes in bytes, times in ticks. */
import { assert } from '../core/index.ts';
import { CONTROL_FRAME_BYTES_MAX } from '../wire/index.ts';

const KIB = 1024;

/** The largest entry: one frame carries it with room for its head. */
export const ENTRY_BYTES_MAX = 768 * KIB;

export interface RaftLimits {
  /** Between two signs of life of a leader. */
  readonly heartbeatTicks: number;
  /** Silence after which a leader may be doubted; each voter waits up to twice as long. */
  readonly electionTicks: number;
  /** Entries of one message end when they are this long (the first one always goes). */
  readonly appendBytes: number;
  /** Messages with entries under way to one member, and their bytes. */
  readonly inflightAppends: number;
  readonly inflightBytes: number;
  /** Entries that are not decided yet: more are refused. */
  readonly uncommittedBytes: number;
  readonly chunkBytes: number;
  /** The largest snapshot that is taken in. */
  readonly snapshotBytes: number;
  /** Decided entries kept for members that are a little behind. */
  readonly keepEntries: number;
  /** A learner is caught up when it lacks at most so many entries. */
  readonly promoteLag: number;
  /** Reads and proposals on their way to the leader. */
  readonly waiting: number;
}

export const defaultLimits: RaftLimits = {
  heartbeatTicks: 2,
  electionTicks: 10,
  appendBytes: 256 * KIB,
  inflightAppends: 64,
  inflightBytes: 1024 * KIB,
  uncommittedBytes: 8 * 1024 * KIB,
  chunkBytes: 256 * KIB,
  snapshotBytes: 256 * 1024 * KIB,
  keepEntries: 1024,
  promoteLag: 8,
  waiting: 4096,
};

/** The default limits with `some` of them changed. */
export function limitsWith(some: Partial<RaftLimits> = {}): RaftLimits {
  const limits = { ...defaultLimits, ...some };
  assert(
    limits.electionTicks >= 3 * limits.heartbeatTicks,
    'a leader is heard before it is doubted',
  );
  assert(limits.chunkBytes + 64 * KIB <= CONTROL_FRAME_BYTES_MAX, 'a piece fits a frame');
  assert(
    Math.max(limits.appendBytes, ENTRY_BYTES_MAX) + 64 * KIB <= CONTROL_FRAME_BYTES_MAX,
    'a message with entries fits a frame',
  );
  return limits;
}
