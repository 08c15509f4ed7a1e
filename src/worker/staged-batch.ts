/** What one run of a batch through the operator leaves behind, before it is made durable. */

/** The part of a batch that came from one producer. */
export interface ConsumedInput {
  /** index in the list of this task's producers */
  readonly producer: number;
  readonly fromEpoch: number;
  /** everything up to this number is consumed with the batch */
  readonly lastSeq: number;
  /** the producer ended here */
  readonly ended: boolean;
}

/** Output tuples for one consumer, as the bytes of one block (or of sink lines). */
export interface StagedOutput {
  /** index in the list of this task's output ports */
  readonly port: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** An input that its operator could not survive. */
export interface StagedDeath {
  readonly id: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly reason: string;
  readonly trace: string;
}

export interface StagedBatch {
  readonly inputs: readonly ConsumedInput[];
  readonly outputs: readonly StagedOutput[];
  readonly deaths: readonly StagedDeath[];
  /** the input block to keep for the replay of a stateful operator, and which of it to leave out */
  readonly keep: { readonly block: Uint8Array; readonly dead: readonly number[] } | null;
  readonly tuplesIn: number;
  readonly tuplesOut: number;
  readonly filtered: number;
}
