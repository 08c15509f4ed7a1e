/** What every task is given: who it is, the services of its node, and whom to tell. */
import type { Clock, Fault, Logger, Random } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import type { KernelPool } from '../kernels/index.ts';
import type { OperatorCommand } from '../operator/index.ts';
import type { Attempt, JobPlan } from '../plan/index.ts';
import type { TaskCounts } from './counts.ts';
import type { Inbox } from './inbox.ts';
import type { ChannelPort } from './output-port.ts';
import type { TaskJournal } from './task-journal.ts';

/** States that a task reports; the leader moves the job by them. */
export type TaskState =
  | 'starting'
  | 'recovering'
  | 'running'
  | 'quiet'
  | 'finished'
  | 'failed'
  | 'fenced'
  | 'stopped';

/** Services of the node that tasks stand on. */
export interface TaskServices {
  readonly fs: FileSystem;
  readonly kernels: KernelPool;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Makes the operator command of a stage. */
  resolveOperator(plan: JobPlan, stage: number): Promise<OperatorCommand>;
  /** Path of the log file of a task: its operator's stderr and what happened to it. */
  taskLogPath(attempt: Attempt): string;
  /** File that lists live operator process groups. */
  readonly groupsFile: string;
  /** Who runs the tasks, for their logs. */
  readonly node: string;
}

export interface TaskContext {
  readonly plan: JobPlan;
  readonly attempt: Attempt;
  readonly services: TaskServices;
  readonly log: Logger;
  /** The log of the task, as its node keeps it. */
  readonly journal: TaskJournal;
  /** slot -> task of the consumer stage; empty for the last stage */
  readonly slots: Uint16Array;
  /** Connects a channel; the hub keeps trying until the port is closed. */
  connect(port: ChannelPort): void;
  /** Lets go of every channel into `inbox`; producers open them again, to whoever comes next. */
  disconnect(inbox: Inbox): void;
  /** The state has changed. */
  changed(): void;
}

/** The face that the worker sees. */
export interface Task {
  readonly state: TaskState;
  readonly fault: Fault | null;
  readonly counts: TaskCounts;
  readonly operator: string;
  pids(): readonly number[];
  /** Recovers and runs; never rejects: a failure is a state. */
  start(): Promise<void>;
  /** `pause`: become quiet (see each task); `end`: end the stream here (sources only). */
  wind(mode: 'pause' | 'end'): void;
  /** Ends at once and releases everything. Idempotent. */
  stop(): Promise<void>;
}
