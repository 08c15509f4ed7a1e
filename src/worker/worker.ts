/**
 * The worker of a node: runs the attempts that the leader orders, and says how they are.
 *
 * Invariants
 *   W1  Orders of a term older than the highest ever seen are not obeyed.
 *   W2  At most one attempt of a task lives here, the one with the highest epoch ordered; an older one
 *       is stopped, with its operators, before the next starts.
 *   W3  Every change of an attempt's state is reported to whoever gave the last order; so is, once
 *       more, everything that is alive when a new leader connects.
 *   W4  A finished or failed attempt stays listed until the leader stops it.
 *   W5  Who asks for the attempts in a term leads in that term, as if it had given an order: it hears
 *       what is reported from then on.
 */
import { z } from 'zod';
import {
  type Clock,
  cutTo,
  fault,
  type Logger,
  present,
  type Random,
  reasonOf,
  type Timer,
} from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import type { KernelPool } from '../kernels/index.ts';
import { signalGroup } from '../operator/index.ts';
import {
  type Attempt,
  attemptName,
  consumersOf,
  evenSlots,
  isLastStage,
  type JobPlan,
  type JobSpec,
  planJob,
  stageOf,
  taskName,
} from '../plan/index.ts';
import {
  type Connection,
  type Receiver,
  type RpcMethods,
  type Transport,
  unary,
} from '../transport/index.ts';
import type {
  ChannelOpen,
  Message,
  TaskReport,
  TaskRoutes,
  TaskStart,
  TaskStop,
} from '../wire/index.ts';
import { toWireFault } from '../wire/index.ts';
import { ChannelHub, type Consumer, isChannelMessage } from './channel-hub.ts';
import type { ChannelPort } from './output-port.ts';
import { Peers } from './peers.ts';
import { producerIndex } from './producers.ts';
import { Routes } from './routes.ts';
import { SourceTask } from './source-task.ts';
import { StageTask } from './stage-task.ts';
import type { Task, TaskContext, TaskServices, TaskState } from './task-context.ts';
import { TaskJournal } from './task-journal.ts';

/** How often counts and rates of running attempts are reported. */
const REPORT_MS = 250;
/** Of a command line with long arguments, so much is told: reports are many and frames bounded. */
const OPERATOR_CHARS_MAX = 256;

export interface WorkerOptions extends TaskServices {
  readonly fs: FileSystem;
  readonly kernels: KernelPool;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Running {
  readonly attempt: Attempt;
  readonly plan: JobPlan;
  readonly task: Task;
  readonly journal: TaskJournal;
  noted: TaskState | null;
  reportDue: boolean;
  lastIn: number;
  lastAt: number;
  rate: number;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #peers: Peers;
  readonly #hub: ChannelHub;
  readonly #routes = new Routes();
  readonly #running = new Map<string, Running>();
  /** attempts that are off the list and still letting go of what they own, by task */
  readonly #stopping = new Map<string, Promise<void>>();
  #leader: Connection | null = null;
  #term = 0;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#peers = new Peers({
      transport: options.transport,
      receiver: (connection) => this.receiverFor(connection),
    });
    this.#hub = new ChannelHub({
      peers: this.#peers,
      clock: options.clock,
      log: options.log,
      consumer: (open) => this.#consumer(open),
      route: (from, port) => this.#routes.find(from.job, port.toStage, port.toIndex),
    });
  }

  /** Serves the channels and orders that come over `connection`. */
  receiverFor(connection: Connection): Receiver {
    return {
      receive: (message) => this.#receive(connection, message),
      closed: () => this.#lost(connection),
    };
  }

  /** Kills the operator with this process id, with its group; null when it is of no task here. */
  killOperator(pid: number): string | null {
    for (const { plan, attempt, task } of this.#running.values()) {
      if (task.pids().includes(pid) && signalGroup(pid, 'SIGKILL')) return taskName(plan, attempt);
    }
    return null;
  }

  /** What `connection` may ask. */
  methods(connection: Connection): RpcMethods {
    return {
      'worker.attempts': unary(z.strictObject({ term: z.int().nonnegative() }), async (order) =>
        this.#listFor(connection, order),
      ),
    };
  }

  /** W5. */
  #listFor(connection: Connection, order: { term: number }): Attempt[] {
    if (!this.#obeys(connection, order)) {
      const reason = `term ${order.term} is over, the newest heard of is ${this.#term}`;
      throw fault('CONTROL_UNAVAILABLE', { reason });
    }
    return [...this.#running.values()].map(({ attempt }) => attempt);
  }

  #receive(connection: Connection, message: Message): boolean {
    if (isChannelMessage(message)) {
      this.#hub.receive(connection, message);
      return true;
    }
    switch (message.kind) {
      case 'task-start':
        if (this.#obeys(connection, message)) this.#start(message);
        return true;
      case 'task-routes':
        if (this.#obeys(connection, message)) this.#reroute(message);
        return true;
      case 'task-stop':
        if (this.#obeys(connection, message)) this.#stop(message);
        return true;
      default:
        return false;
    }
  }

  #lost(connection: Connection): void {
    this.#hub.lost(connection);
    if (this.#leader === connection) this.#leader = null;
  }

  /** Stops every attempt and closes every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    for (const key of [...this.#running.keys()]) this.#drop(key);
    await Promise.all(this.#stopping.values());
    await this.#peers.close();
  }

  #obeys(connection: Connection, { term }: { term: number }): boolean {
    if (this.#closed) return false;
    if (term < this.#term) {
      this.#options.log.warn('an order of an old term was not obeyed', {
        term,
        newest: this.#term,
      });
      return false;
    }
    this.#term = term;
    if (this.#leader !== connection) {
      this.#leader = connection;
      for (const running of this.#running.values()) this.#reportSoon(running);
    }
    return true;
  }

  #start(order: TaskStart): void {
    const { job, stage, index, epoch } = order;
    const key = keyOf(order);
    const present_ = this.#running.get(key);
    if (present_ !== undefined && present_.attempt.epoch >= epoch)
      return this.#reportSoon(present_);
    const before = this.#drop(key);
    const attempt = { job, stage, index, epoch };
    const plan = planJob(job, order.spec as JobSpec);
    const [toStage] = consumersOf(plan, stage);
    if (toStage !== undefined) this.#routes.update(job, toStage, order.routes);
    const journal = this.#openJournal(plan, attempt);
    const running: Running = {
      attempt,
      plan,
      task: this.#make(plan, attempt, journal, order.slots),
      journal,
      noted: null,
      reportDue: false,
      lastIn: 0,
      lastAt: this.#options.clock.now(),
      rate: 0,
    };
    this.#running.set(key, running);
    this.#reportSoon(running);
    this.#keepReporting();
    this.#options.log.info('attempt started', { attempt: attemptName(plan, attempt) });
    before
      .then(() => running.task.start())
      .catch((error: unknown) =>
        this.#options.log.error('an attempt could not start', { reason: reasonOf(error) }),
      );
  }

  #openJournal(plan: JobPlan, attempt: Attempt): TaskJournal {
    const { clock, log, node, taskLogPath } = this.#options;
    return new TaskJournal({
      path: taskLogPath(attempt),
      task: taskName(plan, attempt),
      epoch: attempt.epoch,
      node,
      outputs: plan.spec.logOutputs,
      sources: plan.spec.sources.map(({ file }) => file),
      clock,
      logger: log,
    });
  }

  /** Writes into the log of a task that it has begun or ended, once each. */
  #note(running: Running): void {
    const { task, journal, noted } = running;
    if (task.state === noted) return;
    running.noted = task.state;
    if (task.state === 'running' && noted !== 'quiet') journal.started(task.pids(), task.operator);
    const over = task.state === 'finished' || task.state === 'failed' || task.state === 'fenced';
    if (over) journal.ended(task.fault === null ? task.state : task.fault.message);
  }

  #make(plan: JobPlan, attempt: Attempt, journal: TaskJournal, slots: Uint8Array | null): Task {
    const key = keyOf(attempt);
    const context: TaskContext = {
      plan,
      attempt,
      services: this.#options,
      log: this.#options.log.child({ attempt: attemptName(plan, attempt) }),
      journal,
      slots: slotsOf(plan, attempt.stage, slots),
      connect: (port: ChannelPort) => this.#hub.connect(attempt, port),
      disconnect: (inbox) => this.#hub.disconnect(inbox),
      changed: () => {
        const running = this.#running.get(key);
        if (running?.attempt !== attempt) return;
        this.#note(running);
        this.#reportSoon(running);
      },
    };
    return attempt.stage === 0 ? new SourceTask(context) : new StageTask(context);
  }

  #reroute({ job, stage, routes }: TaskRoutes): void {
    this.#routes.update(job, stage, routes);
    this.#hub.routesChanged();
  }

  #stop(order: TaskStop): void {
    const key = keyOf(order);
    const running = this.#running.get(key);
    if (running === undefined || running.attempt.epoch > order.epoch) return;
    if (order.mode !== 'now') return running.task.wind(order.mode);
    void this.#drop(key);
    const others = [...this.#running.values()].some(({ attempt }) => attempt.job === order.job);
    if (!others) this.#routes.forget(order.job);
  }

  /** Takes the attempt off the list; resolves when everything it owned is gone. */
  #drop(key: string): Promise<void> {
    const before = this.#stopping.get(key) ?? Promise.resolve();
    const running = this.#running.get(key);
    if (running === undefined) return before;
    this.#running.delete(key);
    const stopped = Promise.all([before, running.task.stop()]).then(() => {
      if (running.task.state === 'stopped') running.journal.ended('stopped');
      running.journal.close();
      if (this.#stopping.get(key) === stopped) this.#stopping.delete(key);
    });
    this.#stopping.set(key, stopped);
    return stopped;
  }

  #consumer(open: ChannelOpen): Consumer {
    const { job, toStage, toIndex, fromStage, fromIndex } = open;
    const running = this.#running.get(keyOf({ job, stage: toStage, index: toIndex }));
    if (running === undefined || !(running.task instanceof StageTask)) return { kind: 'unknown' };
    const { task, attempt } = running;
    if (task.inputsFinished) return { kind: 'finished' };
    const { inbox } = task;
    if (inbox === null) return { kind: 'starting' };
    const producer = producerIndex(running, fromStage, fromIndex);
    return { kind: 'ready', inbox, epoch: attempt.epoch, producer };
  }

  #reportSoon(running: Running): void {
    if (running.reportDue) return;
    running.reportDue = true;
    queueMicrotask(() => {
      running.reportDue = false;
      this.#leader?.send(this.#report(running));
    });
  }

  #keepReporting(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#options.clock.timer(REPORT_MS, () => {
      this.#timer = null;
      for (const running of this.#running.values()) {
        this.#measure(running);
        this.#reportSoon(running);
      }
      if (this.#running.size > 0) this.#keepReporting();
    });
  }

  #measure(running: Running): void {
    const now = this.#options.clock.now();
    const count = running.task.counts.in;
    const seconds = (now - running.lastAt) / 1000;
    if (seconds > 0) running.rate = Math.max(0, (count - running.lastIn) / seconds);
    running.lastIn = count;
    running.lastAt = now;
  }

  #report({ attempt, task, rate }: Running): TaskReport {
    const { job, stage, index, epoch } = attempt;
    return {
      kind: 'task-report',
      job,
      stage,
      index,
      epoch,
      state: task.state,
      fault: task.fault === null ? null : toWireFault(task.fault),
      counts: { ...task.counts },
      pids: [...task.pids()],
      operator: cutTo(task.operator, OPERATOR_CHARS_MAX),
      logFile: this.#options.taskLogPath(attempt),
      rate,
    };
  }
}

function keyOf({ job, stage, index }: { job: string; stage: number; index: number }): string {
  return `${job}/${stage}-${index}`;
}

/** The slot table of the consumer stage as it came with the order. */
function slotsOf(plan: JobPlan, stage: number, slots: Uint8Array | null): Uint16Array {
  if (isLastStage(plan, stage)) return new Uint16Array(0);
  const [consumer] = consumersOf(plan, stage);
  if (slots === null)
    return evenSlots(stageOf(plan, present(consumer, 'a consumer')).tasks, 1).tasks;
  const view = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
  return Uint16Array.from({ length: slots.length / 2 }, (_, i) => view.getUint16(i * 2, true));
}
