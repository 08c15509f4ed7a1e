import type { Clock, Logger, Random, RequestLog } from '../../core/index.ts';
import type { PrimaryFiles, ReplicaPeer, ReplicaPlacement } from '../replication/index.ts';

export interface ClusterFilesOptions {
  readonly placement: ReplicaPlacement;
  /** The id of this node's store, and its files; both null where there is none. */
  readonly store: string | null;
  readonly local: PrimaryFiles | null;
  /** A connection that is kept and shared. @throws PEER_UNREACHABLE */
  connect(address: string, signal?: AbortSignal): Promise<ReplicaPeer>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where requests of this client to the files of its own node are noted; nowhere unless given. */
  readonly requests?: RequestLog;
  readonly limits?: Partial<ClientLimits>;
}

/** Times in milliseconds, sizes in bytes. */
export interface ClientLimits {
  /** How long one thing is tried; for streams and appends: how long nothing comes about. */
  readonly patienceMs: number;
  /** How long replicas may take to become equal. */
  readonly mergeMs: number;
  /** The first pause before another try; it doubles up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** One request with appends: bytes and count, unless one append alone is larger. */
  readonly batchBytes: number;
  readonly batchAppends: number;
  /** Requests with small appends under way per file, and the bytes of all. */
  readonly fileRequests: number;
  readonly fileBytes: number;
  /** Requests with appends under way to one primary, and their bytes. */
  readonly primaryRequests: number;
  readonly primaryBytes: number;
  /** What is kept of other nodes' files for reads of small ranges. */
  readonly cacheBytes: number;
}

export const defaultClientLimits: ClientLimits = {
  patienceMs: 30_000,
  mergeMs: 600_000,
  retryMs: 20,
  retryMsMax: 1_000,
  batchBytes: 512 * 1024,
  batchAppends: 2_048,
  fileRequests: 3,
  fileBytes: 16 * 1024 * 1024,
  primaryRequests: 256,
  primaryBytes: 32 * 1024 * 1024,
  cacheBytes: 16 * 1024 * 1024,
};

/** The shortest wait: one that adds nothing to the time, by rounding, would be waited for for ever. */
export const MOMENT_MS = 1;
