/** What a node's report changes: a report counts only for the attempt that is believed to live. */
import { taskName } from '../plan/index.ts';
import type { TaskReport } from '../wire/index.ts';
import { type JobTurn, jobTurn } from './job-turn.ts';
import type { AttemptPhase, AttemptRecord } from './state.ts';
import type { Turn } from './turn.ts';

const PHASES: ReadonlySet<string> = new Set<AttemptPhase>([
  'starting',
  'recovering',
  'running',
  'quiet',
  'finished',
]);

/** Takes `report` of `node`, when it is of the newest attempt and from where that runs. */
export function recordReport(turn: Turn, node: string, report: TaskReport): void {
  const job = jobTurn(turn, report.job);
  const attempt = job?.attempt(report);
  if (job === null || attempt === undefined) return;
  if (attempt.epoch !== report.epoch || attempt.node !== node) return;
  if (report.state === 'failed') recordFailure(job, withFacts(attempt, report), report);
  else if (isPhase(report.state)) recordPhase(job, attempt, report, report.state);
}

function recordPhase(
  job: JobTurn,
  attempt: AttemptRecord,
  report: TaskReport,
  said: AttemptPhase,
): void {
  const phase = attempt.phase === 'finished' ? attempt.phase : said;
  const next = { ...withFacts(attempt, report), phase };
  job.setAttempt(next);
  noteProgress(job, attempt, next);
}

function isPhase(state: string): state is AttemptPhase {
  return PHASES.has(state);
}

function withFacts(attempt: AttemptRecord, report: TaskReport): AttemptRecord {
  const { counts, pids, operator, logFile, rate } = report;
  return { ...attempt, counts, pids, operator, logFile, rate };
}

function noteProgress(job: JobTurn, before: AttemptRecord, now: AttemptRecord): void {
  const began = before.phase !== 'running' && now.phase === 'running' && before.asked === null;
  if (began && now.epoch === 1) job.noteTask('task-started', now, 'runs');
  if (began && now.epoch > 1) job.noteTask('task-restarted', now, 'runs again');
  const replaced = before.pids.some((pid) => !now.pids.includes(pid)) && now.pids.length > 0;
  if (!began && replaced && now.phase === 'running') {
    const gone = before.pids.filter((pid) => !now.pids.includes(pid)).join(' ');
    job.noteTask('operator-restarted', now, `has a new operator process in place of ${gone}`);
  }
}

function recordFailure(job: JobTurn, attempt: AttemptRecord, { fault }: TaskReport): void {
  const says = fault === null ? 'failed without a word' : fault.message;
  job.noteTask('task-failed', attempt, `failed: ${says}`);
  job.dropAttempt(attempt);
  if (fault?.code === 'FENCED' || job.run.fault !== null) return;
  job.turn.setRun({ ...job.run, fault: `${taskName(job.plan, attempt)}: ${says}` });
}
