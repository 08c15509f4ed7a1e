/**
 * What the leader knows, what it hears and what it does, as values.
 *
 * Decisions live in `control` (the log's state, durable). Everything beside it is hearsay that a
 * restart may lose: which nodes are connected, how far each attempt is, what is on its way.
 */
import type { Applied, Command, ControlState, Counts } from '../control/index.ts';
import type { Attempt, JobPlan } from '../plan/index.ts';
import type { TaskReport, TaskRoutes, TaskStart, TaskStop } from '../wire/index.ts';

/** What a node says of an attempt; `assigned` and `ordered` come before its first word. */
export type AttemptPhase =
  | 'assigned'
  | 'ordered'
  | 'starting'
  | 'recovering'
  | 'running'
  | 'quiet'
  | 'finished';

/**
 * How far an attempt is. The one thing in a state that is changed in place: reports that say nothing
 * else come from every task several times a second, nothing is decided by them, and copying maps of
 * all attempts for each would cost the square of their number.
 */
export interface Gauge {
  counts: Counts;
  rate: number;
}

/** An attempt that is believed to live. */
export interface AttemptRecord {
  readonly stage: number;
  readonly index: number;
  readonly epoch: number;
  readonly node: string;
  readonly phase: AttemptPhase;
  /** The stop order that its node has been sent. */
  readonly asked: 'pause' | 'end' | null;
  /** What its node knows of its consumers, see `routesStamp`. */
  readonly routes: string;
  readonly gauge: Gauge;
  readonly pids: readonly number[];
  /** Processes that are gone and have nobody in their place yet. */
  readonly gone: readonly number[];
  readonly operator: string;
  readonly logFile: string;
}

/** A line of the job log. */
export interface JobEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind:
    | 'job-submitted'
    | 'job-started'
    | 'job-suspended'
    | 'job-ended'
    | 'task-started'
    | 'task-restarted'
    | 'task-lost'
    | 'task-failed'
    | 'operator-restarted';
  readonly text: string;
  /** The address of the node, when a task is meant. */
  readonly vm?: string;
  readonly task?: string;
  readonly epoch?: number;
  readonly pids?: readonly number[];
  readonly operator?: string;
  readonly logFile?: string;
}

/** A job as this leader runs it. */
export interface JobRun {
  readonly job: string;
  readonly plan: JobPlan;
  /** Found at the start, and to be brought to rest first. */
  readonly held: boolean;
  /** By `taskKey`; tasks that are done have none. */
  readonly attempts: ReadonlyMap<string, AttemptRecord>;
  /** Counts of the attempts before the present one, by `taskKey`. */
  readonly past: ReadonlyMap<string, Counts>;
  /** The first fault of a task: the job is to fail. */
  readonly fault: string | null;
  readonly events: readonly JobEvent[];
}

/** A node that can be talked to. */
export interface NodeFacts {
  /** `host:port#boot id` */
  readonly node: string;
  readonly address: string;
  readonly cores: number;
}

export interface LeaderState {
  readonly term: number;
  readonly control: ControlState;
  readonly links: ReadonlyMap<string, NodeFacts>;
  readonly runs: ReadonlyMap<string, JobRun>;
  /** Commands proposed and not applied yet, by what they decide. */
  readonly pending: ReadonlyMap<string, Command>;
}

/** An attempt that has just been decided. */
export function freshAttempt(of: Omit<Attempt, 'job'> & { readonly node: string }): AttemptRecord {
  const { stage, index, epoch, node } = of;
  return {
    stage,
    index,
    epoch,
    node,
    phase: 'assigned',
    asked: null,
    routes: '',
    gauge: { counts: {}, rate: 0 },
    pids: [],
    gone: [],
    operator: '',
    logFile: '',
  };
}

/** What happens to a leader. `at` is the wall clock, for the job log and for commands. */
export type Input = { readonly at: number } & (
  | { readonly kind: 'began'; readonly hold: boolean }
  | { readonly kind: 'applied'; readonly applied: Applied }
  /** `running`: the attempts that the node still runs; none for a fresh node. */
  | {
      readonly kind: 'node-connected';
      readonly facts: NodeFacts;
      readonly running: readonly Attempt[];
    }
  | { readonly kind: 'node-disconnected'; readonly node: string }
  | { readonly kind: 'node-dead'; readonly node: string }
  | { readonly kind: 'report'; readonly node: string; readonly report: TaskReport }
);

export type Order = TaskStart | TaskRoutes | TaskStop;

/** What a leader does, in this order. */
export type Effect =
  | { readonly kind: 'propose'; readonly command: Command }
  | { readonly kind: 'order'; readonly node: string; readonly message: Order }
  | { readonly kind: 'note'; readonly job: string; readonly event: JobEvent }
  | { readonly kind: 'changed'; readonly job: string };

/** The state of a leader that has just been made one; step it with `began` first. */
export function initialState(term: number, control: ControlState): LeaderState {
  return { term, control, links: new Map(), runs: new Map(), pending: new Map() };
}
