/** What people see of jobs and tasks: plain values, made from the leader's state. */
import { type Counts, isLive, type JobRecord, type JobState, taskKey } from '../control/index.ts';
import { cutTo } from '../core/index.ts';
import { stageOf, stageSpecOf, type TaskRef, taskName, tasksOf } from '../plan/index.ts';
import { sumCounts, taskCounts } from './counts.ts';
import type { AttemptPhase, JobEvent, JobRun, LeaderState } from './state.ts';

/** Of a command line with long arguments, so much is shown. */
const OPERATOR_CHARS_MAX = 256;

export interface StageView {
  readonly stage: number;
  readonly name: string;
  readonly kind: string;
  readonly tasks: number;
  /** Tasks that are recorded as done. */
  readonly done: number;
  readonly counts: Counts;
  /** Tuples a second, all tasks together. */
  readonly rate: number;
}

export interface JobView {
  readonly job: string;
  readonly name: string;
  readonly state: JobState;
  /** Why it failed; null otherwise. */
  readonly reason: string | null;
  readonly fingerprint: string;
  /** Milliseconds since 1970; null before. */
  readonly submittedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Empty for a job whose description cannot be read. */
  readonly stages: readonly StageView[];
  /** The last lines of the job log, since this leader began. */
  readonly events: readonly JobEvent[];
}

export interface TaskView {
  readonly job: string;
  /** `job/stage[index]` */
  readonly name: string;
  readonly stage: number;
  readonly stageName: string;
  readonly index: number;
  /** Address of the node; null before the first assignment. */
  readonly vm: string | null;
  readonly pids: readonly number[];
  readonly operator: string;
  readonly state: AttemptPhase | 'waiting' | 'done';
  readonly epoch: number;
  readonly counts: Counts;
  readonly rate: number;
  readonly logFile: string;
}

/** True when the job has ended or is suspended: it will not go on by itself. */
export function isResting(state: JobState): boolean {
  return state === 'suspended' || !isLive(state);
}

/** The job `id`; null when it is not known. */
export function viewJob(state: LeaderState, id: string): JobView | null {
  const record = state.control.jobs.get(id);
  if (record === undefined) return null;
  const run = state.runs.get(id);
  const { job, name, reason, fingerprint, submittedAt, startedAt, endedAt } = record;
  return {
    job,
    name,
    state: record.state,
    reason,
    fingerprint,
    submittedAt,
    startedAt,
    endedAt,
    stages: run === undefined ? [] : viewStages(state, record, run),
    events: run?.events ?? [],
  };
}

function viewStages(state: LeaderState, record: JobRecord, run: JobRun): StageView[] {
  return run.plan.stages.map(({ index: stage, name, kind, tasks }) => {
    const views = tasksOf(run.plan, stage).map((task) => viewTask(state, { record, run, task }));
    const done = views.filter((view) => view.state === 'done').length;
    const rate = views.reduce((sum, view) => sum + view.rate, 0);
    const counts = sumCounts(views.map((view) => view.counts));
    return { stage, name, kind, tasks, done, counts, rate };
  });
}

/** The tasks of job `id`, in the order of the stages. */
export function viewTasks(state: LeaderState, id: string): TaskView[] {
  const record = state.control.jobs.get(id);
  const run = state.runs.get(id);
  if (record === undefined || run === undefined) return [];
  return run.plan.tasks.map((task) => viewTask(state, { record, run, task }));
}

interface TaskFacts {
  readonly record: JobRecord;
  readonly run: JobRun;
  readonly task: TaskRef;
}

/** What the stage runs, for a task that has no process now. */
function plannedOperator({ plan }: JobRun, { stage }: TaskRef): string {
  if (stageOf(plan, stage).kind === 'source') return 'source';
  const { run, args } = stageSpecOf(plan, stage);
  return cutTo([run, ...args].join(' '), OPERATOR_CHARS_MAX);
}

function viewTask(state: LeaderState, { record, run, task }: TaskFacts): TaskView {
  const key = taskKey(task.stage, task.index);
  const decided = record.tasks.get(key);
  const attempt = run.attempts.get(key);
  const past = run.past.get(key);
  const done = decided?.done ?? null;
  return {
    job: record.job,
    name: taskName(run.plan, task),
    stage: task.stage,
    stageName: stageOf(run.plan, task.stage).name,
    index: task.index,
    vm:
      decided === undefined
        ? null
        : (state.control.nodes.get(decided.node)?.address ?? decided.node),
    pids: attempt?.pids ?? [],
    operator: attempt?.operator || plannedOperator(run, task),
    state: done === null ? (attempt?.phase ?? 'waiting') : 'done',
    epoch: decided?.epoch ?? 0,
    counts: done === null ? taskCounts(past, attempt?.gauge.counts ?? {}) : { ...past, ...done },
    rate: attempt?.gauge.rate ?? 0,
    logFile: attempt?.logFile ?? '',
  };
}
