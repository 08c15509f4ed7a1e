import { producersOf } from '../../plan/index.ts';
import type { JobTurn } from '../job-turn.ts';
import { keepRunning } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** Every task has been at work; those that are lost are started again. */
export const running: JobBehaviour = {
  decide(turn) {
    keepRunning(turn);
    if (sourcesDone(turn)) turn.moveTo('finishing');
  },
};

function sourcesDone(turn: JobTurn): boolean {
  return turn.plan.stages.every(
    ({ index }) => producersOf(turn.plan, index).length > 0 || turn.isStageDone(index),
  );
}
