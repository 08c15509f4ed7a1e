import type { JobState } from '../../control/index.ts';
import type { JobBehaviour } from './behaviour.ts';
import { cancelled } from './cancelled.ts';
import { cancelling } from './cancelling.ts';
import { failed } from './failed.ts';
import { finished } from './finished.ts';
import { finishing } from './finishing.ts';
import { running } from './running.ts';
import { starting } from './starting.ts';
import { stopped } from './stopped.ts';
import { stopping } from './stopping.ts';
import { submitted } from './submitted.ts';
import { suspended } from './suspended.ts';
import { suspending } from './suspending.ts';

/** One file per state; the ways between them are `jobEdges` of the control log. */
export const jobBehaviours: Readonly<Record<JobState, JobBehaviour>> = {
  submitted,
  starting,
  running,
  finishing,
  finished,
  suspending,
  suspended,
  stopping,
  stopped,
  cancelling,
  cancelled,
  failed,
};
