import { endSources, keepRunning } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** The sources end where they are; the rest drains as if the files had ended there. */
export const stopping: JobBehaviour = {
  decide(turn) {
    keepRunning(turn);
    endSources(turn);
    if (turn.isAllDone) turn.moveTo('stopped');
  },
};
