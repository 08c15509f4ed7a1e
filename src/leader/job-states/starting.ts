import { allAtWork, keepRunning } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** Tasks are being started, for the first time or after a suspension. */
export const starting: JobBehaviour = {
  decide(turn) {
    keepRunning(turn);
    if (allAtWork(turn)) turn.moveTo('running');
  },
};
