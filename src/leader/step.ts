/**
 * The leader as a function: `(state, input) -> (state, effects)`.
 *
 * 1. An input records facts and decides nothing; then each job concerned looks at what is and does
 *    what is missing (`job-states/`). What was missed once is done at the next input.
 *    A report that says nothing new but counts ends there: it costs the same for any number of tasks.
 * 2. A report counts only for the attempt that is believed to live: same epoch, same node.
 * 3. A job whose task has failed stops everything, then is recorded as failed; it starts nothing
 *    in between. An attempt that was fenced or stopped is no fault of the job: it is replaced.
 * 4. A job that is held is brought to rest before anything else: suspended, as if asked.
 * 5. After the end of a job nothing is started for it and nobody is told routes.
 */
import { isLive, mayMove } from '../control/index.ts';
import { jobBehaviours } from './job-states/index.ts';
import { type JobTurn, jobTurn } from './job-turn.ts';
import { record } from './record.ts';
import type { Effect, Input, LeaderState } from './state.ts';
import { stopAll } from './tasks.ts';
import { Turn } from './turn.ts';

export interface LeaderStep {
  readonly state: LeaderState;
  readonly effects: readonly Effect[];
}

/** Takes one input. Pure, but for the gauges of attempts. */
export function step(state: LeaderState, input: Input): LeaderStep {
  const turn = new Turn(state, input.at);
  record(turn, input);
  const isNews = input.kind !== 'report' || turn.state !== state;
  if (!isNews) return { state, effects: turn.effects };
  const concerned = jobOf(input);
  for (const id of concerned === null ? [...turn.state.runs.keys()] : [concerned]) {
    const job = jobTurn(turn, id);
    if (job !== null) settle(job);
  }
  return { state: turn.state, effects: turn.effects };
}

/** The only job that `input` is about; null when it may concern several. */
function jobOf(input: Input): string | null {
  if (input.kind === 'report') return input.report.job;
  if (input.kind !== 'applied') return null;
  const { command } = input.applied;
  return 'job' in command && command.kind !== 'job-forget' ? command.job : null;
}

function settle(job: JobTurn): void {
  const { state } = job.record;
  const { fault, held } = job.run;
  if (held && state === 'suspended') job.turn.setRun({ ...job.run, held: false });
  if (held && mayMove(state, 'suspending')) {
    job.moveTo('suspending');
    return;
  }
  if (fault === null || !isLive(state) || state === 'cancelling') {
    jobBehaviours[state].decide(job);
    return;
  }
  stopAll(job);
  job.moveTo('failed', fault);
}
