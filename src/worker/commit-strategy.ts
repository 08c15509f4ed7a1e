/**
 * How a task makes a batch durable. Three ways, one face:
 *
 *   log    exactly-once with a consumer stage, or with operator state: one record in the task's
 *          write-ahead log, then acks upstream and outputs downstream (`commit-log.ts`)
 *   sink   exactly-once, stateless, last stage: the append to the destination is the commit
 *          (`commit-sink.ts`)
 *   relay  at-least-once: outputs leave at once, inputs are acked when the outputs were
 *          (`commit-relay.ts`)
 */
import type { DurableCounts } from './counts.ts';
import type { StagedBatch } from './staged-batch.ts';

export interface CommitStrategy {
  readonly counts: DurableCounts;
  /** Bytes given to `commit` that are not durable yet. */
  readonly pendingBytes: number;
  /**
   * Commits `batch` after all batches before it. The promise resolves when its inputs may be
   * acknowledged; promises resolve in order.
   * @throws FENCED when another attempt has taken over; DISK_FULL, DISK_FAILED
   */
  commit(batch: StagedBatch): Promise<void>;
  /** A receiver of outputs has acknowledged something. */
  progressed(): void;
}

/** The counts after `batch`. */
export function countsAfter(counts: DurableCounts, batch: StagedBatch): DurableCounts {
  return {
    in: counts.in + batch.tuplesIn,
    out: counts.out + batch.tuplesOut,
    filtered: counts.filtered + batch.filtered,
    dead: counts.dead + batch.deaths.length,
  };
}

/** Size of a batch's outputs and kept inputs, for bounding what waits. */
export function stagedBytes(batch: StagedBatch): number {
  let bytes = batch.keep === null ? 0 : batch.keep.block.length;
  for (const output of batch.outputs) bytes += output.bytes.length;
  return bytes;
}
