import {
  isLive,
  type JobRecord,
  type JobState,
  REASON_CHARS_MAX,
  type TaskRecord,
  taskKey,
} from '../control/index.ts';
import { cutTo, present } from '../core/index.ts';
import { type JobPlan, type TaskRef, taskName, tasksOf } from '../plan/index.ts';
import { taskCounts } from './counts.ts';
import type { AttemptRecord, JobEvent, JobRun } from './state.ts';
import type { Turn } from './turn.ts';

/** Lines of a job's log that are kept in memory; the log file has them all. */
export const EVENTS_KEPT = 256;
/** Characters of a line that is kept: all that are kept fit one frame. */
const TEXT_CHARS_MAX = 1024;

/** A task of a known job. */
export type TaskPlace = Pick<TaskRef, 'stage' | 'index'>;

/** The part of a turn that concerns one job. */
export class JobTurn {
  readonly turn: Turn;
  readonly id: string;

  constructor(turn: Turn, id: string) {
    this.turn = turn;
    this.id = id;
  }

  get record(): JobRecord {
    return present(this.turn.state.control.jobs.get(this.id), 'a run has a job in the control log');
  }

  get run(): JobRun {
    return present(this.turn.state.runs.get(this.id), 'a job turn has a run');
  }

  get plan(): JobPlan {
    return this.run.plan;
  }

  /** What the control log says of a task; undefined before its first attempt. */
  taskRecord(task: TaskPlace): TaskRecord | undefined {
    return this.record.tasks.get(taskKey(task.stage, task.index));
  }

  isDone(task: TaskPlace): boolean {
    return (this.taskRecord(task)?.done ?? null) !== null;
  }

  /** True when every task of `stage` is recorded as done. */
  isStageDone(stage: number): boolean {
    return tasksOf(this.plan, stage).every((task) => this.isDone(task));
  }

  get isAllDone(): boolean {
    return this.plan.tasks.every((task) => this.isDone(task));
  }

  attempt(task: TaskPlace): AttemptRecord | undefined {
    return this.run.attempts.get(taskKey(task.stage, task.index));
  }

  setAttempt(attempt: AttemptRecord): void {
    const attempts = new Map(this.run.attempts);
    attempts.set(taskKey(attempt.stage, attempt.index), attempt);
    this.turn.setRun({ ...this.run, attempts });
  }

  /** Forgets an attempt; its counts stay with the task. */
  dropAttempt(attempt: AttemptRecord): void {
    const key = taskKey(attempt.stage, attempt.index);
    const { attempts: before, past } = this.run;
    const attempts = new Map(before);
    attempts.delete(key);
    const counts = taskCounts(past.get(key), attempt.gauge.counts);
    this.turn.setRun({ ...this.run, attempts, past: new Map(past).set(key, counts) });
  }

  /** Proposes the state `to`, if the job is still in its present one by then. */
  moveTo(to: JobState, reason?: string): void {
    const { state: from } = this.record;
    const { at } = this.turn;
    const command = {
      kind: 'job-state',
      term: this.turn.state.term,
      job: this.id,
      from,
      to,
      at,
    } as const;
    this.turn.propose(
      reason === undefined ? command : { ...command, reason: reason.slice(0, REASON_CHARS_MAX) },
    );
  }

  note(event: Omit<JobEvent, 'at'>): void {
    const full = { at: this.turn.at, ...event };
    const kept = { ...full, text: cutTo(full.text, TEXT_CHARS_MAX) };
    const events = [...this.run.events, kept].slice(-EVENTS_KEPT);
    this.turn.setRun({ ...this.run, events });
    this.turn.effects.push({ kind: 'note', job: this.id, event: full });
  }

  /** A line about an attempt, with where and what it is. */
  noteTask(kind: JobEvent['kind'], attempt: AttemptRecord, says: string): void {
    const { epoch, node, pids, operator, logFile } = attempt;
    const task = taskName(this.plan, attempt);
    const vm = this.addressOf(node);
    const pid = pids.length === 0 ? '' : `, pid ${pids.join(' ')}`;
    const what = operator === '' ? '' : `, operator ${operator}`;
    const where = logFile === '' ? '' : `, log ${logFile}`;
    const text = `${task} ${says} (attempt ${epoch}, vm ${vm}${pid}${what}${where})`;
    this.note({ kind, text, vm, task, epoch, pids, operator, logFile });
  }

  /** Where `node` is; its id when nobody knows any more. */
  addressOf(node: string): string {
    const { control, links } = this.turn.state;
    return control.nodes.get(node)?.address ?? links.get(node)?.address ?? node;
  }

  get isLive(): boolean {
    return isLive(this.record.state);
  }
}

/** The turn of the job `id`; null when this leader does not run it. */
export function jobTurn(turn: Turn, id: string): JobTurn | null {
  const { control, runs } = turn.state;
  return runs.has(id) && control.jobs.has(id) ? new JobTurn(turn, id) : null;
}
