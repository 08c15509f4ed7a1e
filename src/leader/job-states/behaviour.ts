import type { JobTurn } from '../job-turn.ts';

/** What a job does in one state. Called after every input; it does what is missing, and no more. */
export interface JobBehaviour {
  decide(turn: JobTurn): void;
}
