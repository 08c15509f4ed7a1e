import { stopAll } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** What the four ends share: nothing of the job may be left. */
export const ended: JobBehaviour = {
  decide: stopAll,
};
