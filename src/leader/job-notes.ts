import type { JobState } from '../control/index.ts';
import type { LogFields, Logger } from '../core/index.ts';
import type { JobTurn } from './job-turn.ts';
import type { JobEvent } from './state.ts';

type Note = readonly [kind: JobEvent['kind'], says: string];

/** What the job log says when a job has come into a state. */
const notes: Readonly<Partial<Record<JobState, Note>>> = {
  submitted: ['job-submitted', 'was submitted'],
  starting: ['job-started', 'starts'],
  finished: ['job-ended', 'finished'],
  suspended: ['job-suspended', 'is suspended'],
  stopped: ['job-ended', 'was stopped'],
  cancelled: ['job-ended', 'was cancelled'],
  failed: ['job-ended', 'failed'],
};

/** Writes a line of the job log about the state that the job has just come into. */
export function noteMove(job: JobTurn): void {
  const { state, reason, name } = job.record;
  const note = notes[state];
  if (note === undefined) return;
  const why = reason === null ? '' : `: ${reason}`;
  job.note({ kind: note[0], text: `job ${name} (${job.id}) ${note[1]}${why}` });
}

/** Writes a line of the job log to the program's own. */
export function writeNote(log: Logger, job: string, event: JobEvent): void {
  const { kind, text, vm, task, epoch, pids, operator, logFile } = event;
  const where: LogFields =
    task === undefined
      ? {}
      : {
          task,
          vm: vm ?? null,
          epoch: epoch ?? null,
          pids: pids?.join(' ') ?? '',
          operator: operator ?? '',
          logFile: logFile ?? '',
        };
  const fields = { job, event: kind, ...where };
  if (kind === 'task-failed' || kind === 'task-lost') log.warn(text, fields);
  else log.info(text, fields);
}
