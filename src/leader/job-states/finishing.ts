import { keepRunning } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** The sources are read to their ends; what is under way drains. */
export const finishing: JobBehaviour = {
  decide(turn) {
    keepRunning(turn);
    if (turn.isAllDone) turn.moveTo('finished');
  },
};
