import { stopAll } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** Everything stops as it is. */
export const cancelling: JobBehaviour = {
  decide(turn) {
    stopAll(turn);
    turn.moveTo('cancelled');
  },
};
