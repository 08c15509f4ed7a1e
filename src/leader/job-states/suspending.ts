import { allAtRest, isFarFromRest, pauseTasks, recordFinished, stopAll } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/**
 * Stage by stage comes to rest. When a task is lost on the way its neighbours cannot come to rest
 * any more, and one that is still starting or recovering can only after its operators are up: then
 * all are stopped as they are, which costs a resumed job some repeats and no result.
 */
export const suspending: JobBehaviour = {
  decide(turn) {
    recordFinished(turn);
    if (!isFarFromRest(turn) && !allAtRest(turn)) return pauseTasks(turn);
    stopAll(turn);
    turn.moveTo('suspended');
  },
};
