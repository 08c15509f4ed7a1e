/**
 * The processes of one task's operator.
 *
 * 1. Batches are answered in the order of `submit`: a batch that is ready waits for those before it.
 * 2. With several processes, a batch goes to the one that holds the least unanswered input. A batch
 *    stays with its process, and comes back to it when that process is started again.
 * 3. A process holds at most `maxInFlightBytes` of unanswered input (or one batch); what is between
 *    dispatch and delivery is at most twice that per process. Everything else waits here: callers
 *    keep this queue short with `room()`.
 * 4. A stateful pool has one process. `rebuild` yields every input whose answers were delivered (its
 *    `submit` resolved), in order, without the dead ones. It is asked for each fresh process, the
 *    first included.
 * 5. The first fault ends the pool: every open and later `submit` is rejected with it.
 */
import { assert, type Fault, fault } from '../core/index.ts';
import { GroupsFile } from './groups.ts';
import { Job } from './job.ts';
import { Lane } from './lane.ts';
import { operatorName } from './resolve.ts';
import { TaskLog } from './task-log.ts';
import type {
  BatchAnswer,
  InputBatch,
  OperatorEvent,
  OperatorPoolOptions,
  TaskLogSink,
} from './types.ts';

const DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 120_000;
const IN_FLIGHT_BYTES_MAX = 1024 * 1024;
const CRASH_LIMIT = 3;
/** Dispatched and not delivered, as a multiple of what the processes may hold (2, 3). */
const UNDELIVERED_FACTOR = 2;

interface Ticket {
  readonly job: Job;
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: Fault) => void;
}

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly fault: Fault }
  | { readonly kind: 'closed' };

export class OperatorPool {
  readonly #options: OperatorPoolOptions;
  readonly #lanes: readonly Lane[];
  readonly #log: TaskLogSink | null;
  readonly #ownLog: TaskLog | null;
  readonly #inFlightMax: number;
  #state: State = { kind: 'open' };
  /** In the order of `submit`; the first `#dispatched` are in lanes. */
  #tickets: Ticket[] = [];
  #dispatched = 0;
  #undeliveredBytes = 0;
  #queuedBytes = 0;
  #wake = Promise.withResolvers<void>();
  #settling = false;

  constructor(options: OperatorPoolOptions) {
    const processes = options.processes ?? 1;
    assert(processes >= 1, 'a pool has a process');
    assert(processes === 1 || options.rebuild === undefined, 'a stateful pool has one process');
    this.#options = options;
    this.#inFlightMax = options.maxInFlightBytes ?? IN_FLIGHT_BYTES_MAX;
    const { log, clock, logger } = options;
    this.#ownLog = typeof log === 'string' ? new TaskLog({ path: log, clock, logger }) : null;
    this.#log = typeof log === 'string' ? this.#ownLog : (log ?? null);
    const groups = new GroupsFile(options.groupsFile);
    this.#lanes = Array.from({ length: processes }, () => this.#newLane(groups));
  }

  /**
   * Starts every process and waits until each can take input (a script: until it begins to read; a
   * stateful one: until it is rebuilt).
   * @throws OPERATOR_START_FAILED, OPERATOR_REBUILD_FAILED, OPERATOR_PROTOCOL
   */
  async start(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.start()));
  }

  /**
   * Queues a batch. Promises settle in the order of the calls. The text must not change until then.
   * @throws the fault that ended the pool; OPERATOR_CLOSED after `end` or `kill`
   */
  submit(batch: InputBatch): Promise<BatchAnswer> {
    if (this.#state.kind !== 'open') return Promise.reject(this.#refusal());
    const { promise, resolve, reject } = Promise.withResolvers<BatchAnswer>();
    this.#tickets.push({ job: new Job(batch), resolve, reject });
    this.#queuedBytes += batch.text.length;
    this.#dispatch();
    return promise;
  }

  /** Resolves when less input is queued than the processes may hold, or the pool is not open. */
  async room(): Promise<void> {
    const limit = this.#inFlightMax * this.#lanes.length;
    while (this.#state.kind === 'open' && this.#queuedBytes >= limit) await this.#wake.promise;
  }

  /** Process ids of the live processes. */
  pids(): number[] {
    return this.#lanes.map((lane) => lane.pid).filter((pid) => pid !== null);
  }

  /** How many processes were started again after a death. */
  get restarts(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.restarts, 0);
  }

  /**
   * Waits for every answer, closes stdin and waits for the exit, for 5 s at most; then kills.
   * @throws the fault that ended the pool; OPERATOR_TOO_MANY_ANSWERS
   */
  async end(): Promise<void> {
    while (this.#state.kind === 'open' && this.#tickets.length > 0) await this.#wake.promise;
    if (this.#state.kind !== 'open') {
      await this.kill();
      if (this.#state.kind === 'failed') throw this.#state.fault;
      return;
    }
    this.#state = { kind: 'closed' };
    const results = await Promise.allSettled(this.#lanes.map((lane) => lane.end()));
    this.#ownLog?.close();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Kills every process group, rejects what is open, waits until the processes are gone. */
  async kill(): Promise<void> {
    if (this.#state.kind === 'open') this.#state = { kind: 'closed' };
    const gone = Promise.allSettled(this.#lanes.map((lane) => lane.kill()));
    this.#rejectAll();
    await gone;
    this.#ownLog?.close();
  }

  #newLane(groups: GroupsFile): Lane {
    const { command, clock, rebuild, crashLimit, deadlineMs, startDeadlineMs } = this.#options;
    return new Lane({
      command,
      clock,
      groups,
      log: this.#log,
      rebuild: rebuild ?? null,
      crashLimit: crashLimit ?? CRASH_LIMIT,
      deadlineMs: deadlineMs ?? DEADLINE_MS,
      startDeadlineMs: startDeadlineMs ?? START_DEADLINE_MS,
      maxInFlightBytes: this.#inFlightMax,
      onAnswered: () => this.#settleSoon(),
      onFailed: (error) => this.#fail(error),
      onEvent: (event) => this.#tell(event),
    });
  }

  #dispatch(): void {
    const limit = this.#inFlightMax * this.#lanes.length * UNDELIVERED_FACTOR;
    while (this.#dispatched < this.#tickets.length) {
      const { job } = this.#tickets[this.#dispatched];
      const bytes = job.text.length;
      const lane = this.#idlest();
      const fits = this.#undeliveredBytes === 0 || this.#undeliveredBytes + bytes <= limit;
      if (!fits || !lane.hasRoom(bytes)) return;
      this.#dispatched += 1;
      this.#undeliveredBytes += bytes;
      this.#queuedBytes -= bytes;
      lane.add(job);
    }
  }

  #idlest(): Lane {
    return this.#lanes.reduce((a, b) => (b.heldBytes < a.heldBytes ? b : a));
  }

  /** Lanes call in the middle of their own work; delivery waits until they are done. */
  #settleSoon(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => {
      this.#settling = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#state.kind === 'failed') return;
    let ready = 0;
    while (ready < this.#dispatched && this.#tickets[ready].job.isAnswered) ready += 1;
    for (const { job, resolve } of this.#tickets.splice(0, ready)) {
      this.#undeliveredBytes -= job.text.length;
      resolve(job.result());
    }
    this.#dispatched -= ready;
    this.#dispatch();
    this.#signal();
  }

  #fail(error: Fault): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'failed', fault: error };
    this.#tell({ kind: 'failed', fault: error });
    for (const lane of this.#lanes) void lane.kill();
    this.#rejectAll();
  }

  #rejectAll(): void {
    const tickets = this.#tickets;
    this.#tickets = [];
    this.#dispatched = this.#undeliveredBytes = this.#queuedBytes = 0;
    for (const { reject } of tickets) reject(this.#refusal());
    this.#signal();
  }

  #refusal(): Fault {
    if (this.#state.kind === 'failed') return this.#state.fault;
    return fault('OPERATOR_CLOSED', { operator: operatorName(this.#options.command) });
  }

  #signal(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  #tell(event: OperatorEvent): void {
    this.#options.onEvent?.(event);
    if (event.kind === 'restarting') {
      this.#options.logger.warn('the operator is started again', {
        operator: operatorName(this.#options.command),
        why: event.why,
      });
    }
  }
}
