/** What a verification says: plain data, the same here and over a connection. */
import type { JobState } from '../control/index.ts';

/** The checks, in the order they are shown, with what each claims. */
export const claims = {
  intact: 'every log can be read and has every entry',
  epochs: 'epochs never fall, and nothing was written under an epoch that was not opened',
  inputs: 'no input was consumed twice or left out',
  outputs: 'each output was sent once it was logged, and once only',
  sink: 'the lines of the destination are the committed outputs',
  counts: 'every tuple that went in came out, was filtered, or is a dead letter',
  letters: 'each dead letter is in the dead letter file once',
  copy: 'the local file is the file in HyDFS',
} as const;

export type CheckId = keyof typeof claims;

export const checkIds = Object.keys(claims) as readonly CheckId[];

/** What became of one check. */
export interface Check {
  readonly id: CheckId;
  readonly claim: string;
  /** `skipped`: the check does not apply to this job, or there was nothing to look at; see `notes` */
  readonly outcome: 'proved' | 'refuted' | 'skipped';
  /** How many of what were looked at. */
  readonly examined: Readonly<Record<string, number>>;
  readonly violations: number;
  /** The first violation, in words. */
  readonly counterExample: string | null;
  /** What could not be looked at, and what still holds of it. */
  readonly notes: readonly string[];
}

/** What the logs of one job prove. */
export interface Verdict {
  readonly job: string;
  readonly name: string;
  readonly state: JobState;
  readonly exactlyOnce: boolean;
  /** The job had ended with all its input processed; otherwise what it did so far was looked at. */
  readonly complete: boolean;
  /** Nothing was refuted. */
  readonly proved: boolean;
  readonly checks: readonly Check[];
  /** The whole in one sentence. */
  readonly summary: string;
}
