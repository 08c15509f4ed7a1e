/**
 * The driver of `step`: feeds it what happens and carries out what it answers.
 *
 * 1. Inputs are taken one at a time, in the order they came; an effect that leads to another input
 *    (a node in this very process answers at once) does not interrupt the ones before it.
 * 2. Decisions are seen only as the control log applies them, never when they are proposed.
 * 3. A request (submit, stop, ...) resolves when its decision is durable; the work follows.
 * 4. When the control log fails or has another leader, this one has ended: nothing is ordered any
 *    more and whoever waits is told why.
 * 5. A node that is known but not connected is given `absentMs`, then it counts as dead; or it is not
 *    for this leader to say (null), and only the control log makes nodes dead.
 */
import type { Applied, Command, ControlLog, Outcome, Role } from '../control/index.ts';
import {
  type Clock,
  failpoint,
  fault,
  type Logger,
  type Random,
  reasonOf,
  type Timer,
} from '../core/index.ts';
import type { Attempt, JobSpec } from '../plan/index.ts';
import type { TaskReport } from '../wire/index.ts';
import { writeNote } from './job-notes.ts';
import { Requests, type StopMode } from './requests.ts';
import {
  type Effect,
  type Input,
  initialState,
  type JobEvent,
  type LeaderState,
  type NodeFacts,
  type Order,
} from './state.ts';
import { step } from './step.ts';
import { type JobView, type TaskView, viewJob, viewTasks } from './views.ts';
import { Watchers } from './watchers.ts';

/** Without a failure detector, how long a silent node is hoped for: several reconnects. */
export const ABSENT_MS = 15_000;

export interface LeaderOptions {
  readonly control: ControlLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  /** True: jobs that are found live are suspended, and go on when `resume` names them. */
  readonly hold?: boolean;
  /** How long a silent node is hoped for; null where others decide which nodes are dead. */
  readonly absentMs?: number | null;
  /** Hears each line of the job logs. */
  readonly noted?: (job: string, event: JobEvent) => void;
  /** Called once, when this leader has ended (see 4). */
  readonly ended?: (reason: unknown) => void;
}

/** The way to a node. */
export interface NodeLink {
  send(message: Order): void;
}

export interface SubmitOptions {
  /** The job's id; a new one by default. */
  readonly id?: string;
  /** Go on with this job, which must have been started from the same description. */
  readonly resumeOf?: string;
}

type Fact = Input extends infer I ? (I extends Input ? Omit<I, 'at'> : never) : never;

/** Runs jobs; see `index.ts` for its use. */
export class Leader {
  readonly #control: ControlLog;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #absentMs: number | null;
  readonly #noted: (job: string, event: JobEvent) => void;
  readonly #ended: (reason: unknown) => void;
  readonly #links = new Map<string, NodeLink>();
  readonly #absent = new Map<string, Timer>();
  readonly #watchers: Watchers;
  readonly #requests: Requests;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #inputs: Input[] = [];
  #state: LeaderState;
  #busy = false;
  #over = false;

  /**
   * A leader over `control`; with `hold`, once every job rests.
   * @throws Fault CONTROL_UNAVAILABLE when `control` is not led from here
   */
  static async open(options: LeaderOptions): Promise<Leader> {
    const leader = new Leader(options);
    const waiting = options.hold ? leader.jobs().map(({ job }) => leader.whenEnded(job)) : [];
    await Promise.all(waiting);
    return leader;
  }

  /** As `open`, without waiting for what `hold` suspends. */
  constructor(options: LeaderOptions) {
    const { control, clock, log, random, hold = false, absentMs = ABSENT_MS } = options;
    if (control.role.kind !== 'leader') {
      throw fault('CONTROL_UNAVAILABLE', { reason: control.role.kind });
    }
    this.#control = control;
    this.#clock = clock;
    this.#log = log;
    this.#absentMs = absentMs;
    this.#noted = options.noted ?? (() => undefined);
    this.#ended = options.ended ?? (() => undefined);
    this.#state = initialState(control.term, control.state);
    this.#watchers = new Watchers(clock, {
      view: (job) => viewJob(this.#state, job),
      state: (job) => this.#state.control.jobs.get(job)?.state ?? null,
    });
    this.#requests = new Requests({
      random,
      propose: (command) => control.propose({ ...command, term: control.term, at: clock.wall() }),
      control: () => control.state,
      whenResting: (job) => this.#watchers.whenResting(job),
    });
    this.#unsubscribe = [
      control.subscribe((applied) => this.#applied(applied)),
      control.onRole((role) => this.#roleChanged(role)),
    ];
    for (const node of control.state.nodes.keys()) this.#expect(node);
    this.#feed({ kind: 'began', hold });
  }

  /** `node` can be talked to. `running`: the attempts that it still runs, none when it is fresh. */
  nodeConnected(node: NodeFacts, link: NodeLink, running: readonly Attempt[] = []): void {
    this.#found(node.node);
    this.#links.set(node.node, link);
    this.#feed({ kind: 'node-connected', facts: node, running });
  }

  /** The way to `node` is gone, for now; it counts as dead after `absentMs`. */
  nodeDisconnected(node: string): void {
    this.#links.delete(node);
    this.#feed({ kind: 'node-disconnected', node });
    if (!this.#over) this.#expect(node);
  }

  /** `node` is dead: what it ran is started elsewhere. */
  nodeLost(node: string): void {
    this.#found(node);
    this.#links.delete(node);
    this.#feed({ kind: 'node-dead', node });
  }

  /** What `node` says about an attempt. */
  report(node: string, report: TaskReport): void {
    this.#feed({ kind: 'report', node, report });
  }

  /**
   * Makes `spec` a job, or goes on with `resumeOf`; resolves with the job's id once that is durable.
   * @throws Fault JOB_NAME_TAKEN, JOB_EXISTS, JOB_UNKNOWN, JOB_CHANGED, JOB_STATE_REFUSED
   */
  submit(spec: JobSpec, options: SubmitOptions = {}): Promise<string> {
    return this.#requests.submit(spec, options);
  }

  /**
   * Ends a job; resolves when that is decided. `drain`: the sources end where they are and what has
   * been read takes effect; `now`: nothing is waited for.
   * @throws Fault JOB_UNKNOWN, JOB_STATE_REFUSED
   */
  stop(job: string, mode: StopMode): Promise<void> {
    return this.#requests.stop(job, mode);
  }

  /**
   * Brings a job to rest so that it can be resumed; resolves when it rests (or has ended meanwhile).
   * @throws Fault JOB_UNKNOWN, JOB_STATE_REFUSED
   */
  suspend(job: string): Promise<JobView> {
    return this.#requests.suspend(job);
  }

  /**
   * Goes on with a suspended or failed job; resolves when that is decided. One that was to be stopped
   * goes on to stop. Nothing happens to one that is at work.
   * @throws Fault JOB_UNKNOWN, JOB_NAME_TAKEN, JOB_STATE_REFUSED when it has ended or is being stopped
   */
  resume(job: string): Promise<void> {
    return this.#requests.resume(job);
  }

  /** The job `id`; null when there is none. */
  job(id: string): JobView | null {
    return viewJob(this.#state, id);
  }

  /** Every job that is remembered, oldest first. */
  jobs(): JobView[] {
    const views = [...this.#state.control.jobs.keys()].map((id) => viewJob(this.#state, id));
    return views.filter((view) => view !== null);
  }

  /** The tasks of one job, or of all live ones. */
  tasks(job?: string): TaskView[] {
    const jobs = job === undefined ? [...this.#state.control.jobs.keys()] : [job];
    return jobs.flatMap((id) => viewTasks(this.#state, id));
  }

  /**
   * The job as it changes, a few times a second, until it rests or `signal` aborts. The state in
   * which it comes to rest is always the last one seen.
   * @throws Fault JOB_UNKNOWN; whatever ended the control log
   */
  watch(job: string, signal?: AbortSignal): AsyncIterable<JobView> {
    return this.#watchers.watch(job, signal);
  }

  /**
   * Resolves when the job rests: finished, stopped, cancelled, failed or suspended.
   * @throws Fault JOB_UNKNOWN; whatever ended the control log
   */
  whenEnded(job: string): Promise<JobView> {
    return this.#watchers.whenResting(job);
  }

  /** Leads no more. Jobs and nodes are left as they are; the control log stays open. */
  close(): void {
    this.#end(fault('CONTROL_UNAVAILABLE', { reason: 'closed' }));
  }

  #feed(fact: Fact): void {
    if (this.#over) return;
    this.#inputs.push({ ...fact, at: this.#clock.wall() });
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
        const { state, effects } = step(this.#state, input);
        this.#state = state;
        for (const effect of effects) this.#carryOut(effect);
      }
    } finally {
      this.#busy = false;
    }
  }

  #carryOut(effect: Effect): void {
    if (this.#over) return;
    switch (effect.kind) {
      case 'propose':
        if (effect.command.kind === 'task-done') failpoint('leader.finished-not-recorded');
        this.#propose(effect.command);
        break;
      case 'order':
        this.#links.get(effect.node)?.send(effect.message);
        break;
      case 'note':
        writeNote(this.#log, effect.job, effect.event);
        this.#noted(effect.job, effect.event);
        break;
      case 'changed':
        this.#watchers.changed(effect.job);
        break;
    }
  }

  #propose(command: Command): void {
    const report = (outcome: Outcome): void => {
      if (outcome.ok) return;
      this.#log.info('a decision was refused', { kind: command.kind, why: outcome.why });
    };
    this.#control.propose(command).then(report, (error: unknown) => this.#end(error));
  }

  #applied(applied: Applied): void {
    if (applied.command.kind === 'assign' && applied.outcome.ok) {
      failpoint('leader.assigned-not-started');
    }
    for (const node of this.#absent.keys()) if (!applied.state.nodes.has(node)) this.#found(node);
    this.#feed({ kind: 'applied', applied });
  }

  #roleChanged(role: Role): void {
    if (role.kind === 'leader' && role.term === this.#state.term) return;
    const reason = role.kind === 'failed' ? reasonOf(role.reason) : role.kind;
    this.#end(fault('CONTROL_UNAVAILABLE', { reason }));
  }

  #expect(node: string): void {
    this.#found(node);
    if (this.#absentMs === null) return;
    this.#absent.set(
      node,
      this.#clock.timer(this.#absentMs, () => this.nodeLost(node)),
    );
  }

  #found(node: string): void {
    this.#absent.get(node)?.cancel();
    this.#absent.delete(node);
  }

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#log.info('this leader has ended', { reason: reasonOf(reason) });
    for (const off of this.#unsubscribe) off();
    for (const timer of this.#absent.values()) timer.cancel();
    this.#absent.clear();
    this.#links.clear();
    this.#inputs.length = 0;
    this.#watchers.end(reason);
    this.#ended(reason);
  }
}
