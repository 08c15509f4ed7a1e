import { stopAll } from '../tasks.ts';
import type { JobBehaviour } from './behaviour.ts';

/** Nothing runs, everything is kept; an assignment that came too late is not followed. */
export const suspended: JobBehaviour = {
  decide: stopAll,
};
