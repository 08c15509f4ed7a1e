import type { JobBehaviour } from './behaviour.ts';

/** Known and named, nothing begun. */
export const submitted: JobBehaviour = {
  decide: (turn) => turn.moveTo('starting'),
};
