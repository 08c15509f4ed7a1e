/**
 * What a node's report changes: a report counts only for the attempt that is believed to live. One that
 * is over by itself is let go all the same: its node keeps it until then.
 */
import { taskName } from '../plan/index.ts';
import type { TaskReport } from '../wire/index.ts';
import { type JobTurn, jobTurn } from './job-turn.ts';
import type { AttemptPhase, AttemptRecord } from './state.ts';
import { letGo } from './tasks.ts';
import type { Turn } from './turn.ts';

/** The attempt is over without a fault of the job: somebody newer has its log, or it was ended. */
const OVER: ReadonlySet<string> = new Set(['fenced', 'stopped']);

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
  if (OVER.has(report.state)) replace(job, withFacts(attempt, report), report.state);
  else if (report.state === 'failed') recordFailure(job, withFacts(attempt, report), report);
  else if (isPhase(report.state)) recordPhase(job, attempt, report, report.state);
}

function recordPhase(
  job: JobTurn,
  attempt: AttemptRecord,
  report: TaskReport,
  said: AttemptPhase,
): void {
  const phase = attempt.phase === 'finished' ? attempt.phase : said;
  const heard = withFacts(attempt, report);
  job.turn.changed(job.id);
  if (heard === attempt && phase === attempt.phase) return;
  const next = { ...heard, phase };
  noteProgress(job, attempt, next);
  const fresh = next.pids.some((pid) => !attempt.pids.includes(pid));
  job.setAttempt(fresh ? { ...next, gone: [] } : next);
}

function isPhase(state: string): state is AttemptPhase {
  return PHASES.has(state);
}

/** The attempt as `report` has it: the very same when all that is new are counts. */
function withFacts(attempt: AttemptRecord, report: TaskReport): AttemptRecord {
  const { counts, pids, operator, logFile, rate } = report;
  attempt.gauge.counts = counts;
  attempt.gauge.rate = rate;
  const same =
    attempt.operator === operator &&
    attempt.logFile === logFile &&
    attempt.pids.length === pids.length &&
    attempt.pids.every((pid, i) => pid === pids[i]);
  if (same) return attempt;
  const lost = attempt.pids.filter((pid) => !pids.includes(pid));
  return { ...attempt, pids, gone: [...attempt.gone, ...lost], operator, logFile };
}

function noteProgress(job: JobTurn, before: AttemptRecord, now: AttemptRecord): void {
  const began = before.phase !== 'running' && now.phase === 'running' && before.asked === null;
  if (began && now.epoch === 1) job.noteTask('task-started', now, 'runs');
  if (began && now.epoch > 1) job.noteTask('task-restarted', now, 'runs again');
  const fresh = now.pids.some((pid) => !before.pids.includes(pid));
  if (!began && fresh && now.gone.length > 0 && now.phase === 'running') {
    const gone = now.gone.join(' ');
    job.noteTask('operator-restarted', now, `has a new operator process in place of ${gone}`);
  }
}

/**
 * Faults of the cluster and not of the job: a file had no replicas to serve it for too long, or a node
 * or the leader could not be reached. Another attempt waits as long as this one has, so this is no loop.
 */
const PASSING: ReadonlySet<string> = new Set([
  'NOT_PRIMARY',
  'REPLICA_NOT_READY',
  'CONTROL_UNAVAILABLE',
  'PEER_CLOSED',
  'PEER_LOST',
  'PEER_SILENT',
  'PEER_UNREACHABLE',
]);

function recordFailure(job: JobTurn, attempt: AttemptRecord, { fault }: TaskReport): void {
  if (fault?.code === 'FENCED') {
    replace(job, attempt, 'fenced');
    return;
  }
  if (fault !== null && PASSING.has(fault.code)) {
    replace(job, attempt, `stopped by what passes (${fault.message})`);
    return;
  }
  const says = fault === null ? 'failed without a word' : fault.message;
  job.noteTask('task-failed', attempt, `failed: ${says}`);
  letGo(job, attempt);
  if (job.run.fault !== null) return;
  job.turn.setRun({ ...job.run, fault: `${taskName(job.plan, attempt)}: ${says}` });
}

/** Forgets an attempt that ended by itself; the task gets another when the job is at work. */
function replace(job: JobTurn, attempt: AttemptRecord, how: string): void {
  job.noteTask('task-lost', attempt, `was ${how} and is replaced`);
  letGo(job, attempt);
}
