/** What a task has done since the job began (durable counts) or since it started (the others). */
export interface TaskCounts {
  /** input tuples whose effect is durable */
  in: number;
  /** output tuples */
  out: number;
  /** inputs answered with no output */
  filtered: number;
  /** inputs written to the dead letter file */
  dead: number;
  /** input tuples dropped because they had been taken before, since this attempt started */
  duplicates: number;
  /** output tuples sent more than once, since this attempt started */
  resent: number;
  /** operator processes started again, since this attempt started */
  restarts: number;
  /** source bytes read; 0 for other stages */
  bytes: number;
}

/** The counts that every log record carries, so that a successor goes on from them. */
export interface DurableCounts {
  readonly in: number;
  readonly out: number;
  readonly filtered: number;
  readonly dead: number;
}

export const noCounts: DurableCounts = { in: 0, out: 0, filtered: 0, dead: 0 };

/** Counts of an attempt that goes on from `durable`. */
export function countsFrom(durable: DurableCounts): TaskCounts {
  return { ...durable, duplicates: 0, resent: 0, restarts: 0, bytes: 0 };
}
