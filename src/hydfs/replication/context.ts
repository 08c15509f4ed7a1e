import { type Clock, isFault, type Logger, type Random } from '../../core/index.ts';
import type { FileSystem } from '../file-system.ts';
import type { FirstUse } from './first-use.ts';
import type { ReplicaLimits, ReplicaPlacement } from './options.ts';
import type { Peers } from './peers.ts';
import type { Rate } from './rate.ts';
import type { Slots } from './slots.ts';
import type { StoredFiles } from './stored-files.ts';

/** The points that may have files here; known once `ready` resolves. */
export interface OccupiedPoints {
  readonly ready: Promise<void>;
  readonly points: Set<number>;
}

/** What the parts of a store's replication share. */
export interface ReplicaContext {
  readonly files: FileSystem & StoredFiles;
  readonly store: string;
  readonly placement: ReplicaPlacement;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: ReplicaLimits;
  readonly peers: Peers;
  readonly firstUse: FirstUse;
  /** Of all fillings and comparisons together. */
  readonly repairs: Rate;
  /** Files that are read back for replicas that count, and for those that are being filled. */
  readonly pushes: Slots;
  readonly fills: Slots;
  readonly occupied: OccupiedPoints;
  /** Aborts when replication ends. */
  readonly ended: AbortSignal;
  /** Tells the keeper, loudly, that a copy cannot be kept. */
  unfit(store: string, point: number, version: number, error: unknown): void;
}

/** True for damage that a store does not get over by trying again. */
export function isDiskFault(error: unknown): boolean {
  return isFault(error, 'DISK_FULL') || isFault(error, 'DISK_FAILED');
}

/** True for bytes that do not read back. */
export function isDamage(error: unknown): boolean {
  return isFault(error, 'LOG_CORRUPT');
}
