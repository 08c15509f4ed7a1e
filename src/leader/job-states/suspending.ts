import { allAtRest, isBroken, pauseTasks, recordFinished, stopAll } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/**
 * Stage by stage comes to rest. When a task is lost on the way its neighbours cannot come to rest
 * any more: then all are stopped as they are, which costs a resumed job some repeats and no result.
 */
export const suspending: JobBehaviour = {
  decide(turn) {
    recordFinished(turn);
    if (!isBroken(turn) && !allAtRest(turn)) return pauseTasks(turn);
    stopAll(turn);
    turn.moveTo('suspended');
  },
};
