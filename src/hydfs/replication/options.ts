import type { PointConfig } from '../../control/index.ts';
import type { Clock, Logger, Random, RequestLog } from '../../core/index.ts';
import type { FileSystem } from '../file-system.ts';
import type { StoredFiles } from './stored-files.ts';

/**
 * What a node knows of who holds what, and how it asks for changes.
 *
 * C1 A version is one more than the one before it.
 * C2 What an earlier process of this store asked for has taken effect, or never will, before this one
 *    takes part (`known` of the options): a store whose earlier process called another one complete
 *    must not begin to fill that one anew while the call may still take effect.
 * C3 A point is fresh until its primary has said that it uses it. Fresh points may be given to anybody,
 *    so no file is made at one.
 */
export interface ReplicaPlacement {
  config(point: number): PointConfig | null;
  /** `host:port` of the living node with that store, or null. */
  address(store: string): string | null;
  /** Calls `listener` after every change with the points concerned. Returns the way to end it. */
  onChange(listener: (points: readonly number[]) => void): () => void;
  /** C3. */
  isFresh(point: number): boolean;
  /**
   * Says that files are about to be made at points. Afterwards none of them is fresh of which the
   * version is right.
   */
  use(points: readonly { readonly point: number; readonly version: number }[]): Promise<void>;
  /** Wants newer configurations soon. */
  refresh(): void;
  /** Asks that a joining store become a replica; it must be known that it holds everything. */
  caughtUp(
    store: string,
    points: readonly { readonly point: number; readonly version: number }[],
  ): Promise<void>;
  /** Asks that a replica or a joining store be taken out of the configuration. */
  unfit(store: string, point: number, version: number, reason: string): Promise<void>;
}

/** The part of `RpcClient` that is used. Shared with others: it is never closed here. */
export interface ReplicaPeer {
  call(
    method: string,
    params: unknown,
    signal?: AbortSignal,
    data?: readonly Uint8Array[],
  ): Promise<unknown>;
  stream(method: string, params: unknown, signal?: AbortSignal): AsyncGenerator<unknown>;
}

export interface ReplicasOptions {
  /** The files of this node: `StoredFiles` for replication, the rest for reading. */
  readonly files: FileSystem & StoredFiles;
  /** The id of this node's store. */
  readonly store: string;
  readonly placement: ReplicaPlacement;
  /** A connection that is kept and shared. @throws PEER_UNREACHABLE */
  connect(address: string, signal?: AbortSignal): Promise<ReplicaPeer>;
  /**
   * Resolves once `placement` knows all that was decided before this store was started. Until then
   * the store takes no part: it has forgotten what it promised to whom, and with an old picture of
   * its points it could serve what others have taken over. At once unless said.
   */
  readonly known?: Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where requests of other stores are noted; nowhere unless given. */
  readonly requests?: RequestLog;
  /** For filling joining stores, all together; default 64 MiB/s. */
  readonly repairBytesPerSecond?: number;
  readonly limits?: Partial<ReplicaLimits>;
}

/** Times in milliseconds, sizes in bytes. */
export interface ReplicaLimits {
  /** How long a request waits for its point to become active. */
  readonly readyMs: number;
  /** How long an entry that has its place is waited for. */
  readonly commitMs: number;
  /** The first pause before a replica is asked again; it doubles up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** How long one request to a replica may take. */
  readonly requestMs: number;
  /** The pause between two files that are compared; 0: none are. */
  readonly scrubMs: number;
  /** Bytes of one request, unless one entry alone is larger. */
  readonly batchBytes: number;
  /** A larger entry travels in pieces of this size. */
  readonly pieceBytes: number;
  /** Requests under way per file and replica, and the bytes of all where entries are large. */
  readonly window: number;
  readonly windowBytes: number;
  /** Bytes of a file's newest entries that are kept for replicas; older ones are read back. */
  readonly keptBytes: number;
}

export const defaultReplicaLimits: ReplicaLimits = {
  readyMs: 3_000,
  commitMs: 10_000,
  retryMs: 20,
  retryMsMax: 1_000,
  requestMs: 15_000,
  scrubMs: 30_000,
  batchBytes: 512 * 1024,
  pieceBytes: 4 * 1024 * 1024,
  window: 3,
  windowBytes: 16 * 1024 * 1024,
  keptBytes: 32 * 1024 * 1024,
};
