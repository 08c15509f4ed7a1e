/**
 * The states of a job and the only ways between them.
 *
 *   submitted -> starting -> running -> finishing -> finished
 *   submitted | starting | running | finishing | stopping -> suspending -> suspended   (Ctrl-C)
 *   suspended | failed -> starting                                                     (resume)
 *   suspended | failed -> stopping                                (resume, once it was to be stopped)
 *   submitted | starting | running | suspended -> stopping -> stopped                  (drain)
 *   any live -> cancelling -> cancelled                                                (stop now)
 *   any live -> failed                                                                 (first fault)
 *
 * A job is live until it reaches one of the four ends; a suspended job is live: it keeps its name. A
 * failed one has ended, but what it did is kept: once the cause is removed it may go on. Which way a
 * resumed job goes is no choice: `mayResume`.
 */
export const jobEdges = {
  submitted: ['starting', 'suspending', 'stopping', 'cancelling', 'failed'],
  starting: ['running', 'suspending', 'stopping', 'cancelling', 'failed'],
  running: ['finishing', 'suspending', 'stopping', 'cancelling', 'failed'],
  finishing: ['finished', 'suspending', 'cancelling', 'failed'],
  finished: [],
  suspending: ['suspended', 'cancelling', 'failed'],
  suspended: ['starting', 'stopping', 'cancelling', 'failed'],
  stopping: ['stopped', 'suspending', 'cancelling', 'failed'],
  stopped: [],
  cancelling: ['cancelled', 'failed'],
  cancelled: [],
  failed: ['starting', 'stopping'],
} as const satisfies Record<string, readonly string[]>;

export type JobState = keyof typeof jobEdges;

/** Every state, in the order of the picture above. */
export const jobStates = Object.keys(jobEdges) as readonly JobState[];

/** True when the edge `from` -> `to` exists. */
export function mayMove(from: JobState, to: JobState): boolean {
  return (jobEdges[from] as readonly string[]).includes(to);
}

/**
 * False for the wrong way back to work: a job that was to be stopped when it was suspended or failed
 * goes on in `stopping`, never in `starting`, and one that has failed otherwise never in `stopping`.
 */
export function mayResume(from: JobState, to: JobState, draining: boolean): boolean {
  if (to === 'starting') return !draining;
  return !(from === 'failed' && to === 'stopping') || draining;
}

const ends: ReadonlySet<JobState> = new Set<JobState>([
  'finished',
  'stopped',
  'cancelled',
  'failed',
]);

/** True when the job has not reached an end. */
export function isLive(state: JobState): boolean {
  return !ends.has(state);
}
