/**
 * One place for an operator process, and the batches that wait for it. Processes come and go; the
 * lane stays.
 *
 * L1. The n-th answer of a process belongs to the n-th input that it was sent. A fresh process has a
 *     fresh scanner; a torn answer dies with its process.
 * L2. Events record facts and call `#resume()`; only it starts, feeds and collects.
 * L3. Inputs have places 0, 1, 2, ... in the order of `add`; `Blame` reasons about places.
 * L4. A stateless lane keeps answers that were complete when its process died. A stateful lane
 *     throws away those of a batch that was not delivered: the batch runs again from its start on
 *     the rebuilt state, so answers and state cannot come from different runs.
 * L5. Nothing is sent before the script began to read, where the shim can tell: a death before that
 *     is the script's own fault and not an input's.
 * L6. The very first input goes alone: an operator that answers it twice, or only when more input
 *     comes, is found out before anything else is sent.
 * L7. What cannot be answered by trying again (wrong protocol, early exit, closed stdout) fails the
 *     pool at once; an input is only given up by `Blame`.
 */
import {
  assert,
  type Clock,
  type Fault,
  type FaultCode,
  type FaultParameters,
  fault,
  present,
  reasonOf,
  type Timer,
} from '../core/index.ts';
import { AnswerScanner } from '../plan/index.ts';
import { Blame } from './blame.ts';
import type { GroupsFile } from './groups.ts';
import type { Job } from './job.ts';
import { type Exit, OperatorProcess } from './operator-process.ts';
import { operatorName } from './resolve.ts';
import { quoteTrace } from './stderr-tail.ts';
import type { InputBatch, OperatorCommand, OperatorEvent, TaskLogSink } from './types.ts';
import { Watch } from './watch.ts';

/** Batches held by one lane, so that a queue of tiny ones stays short. */
const JOBS_MAX = 256;
/** Starts that may fail in a row before the script is declared broken. */
const START_TRIES = 2;
/** Dead inputs in a row, without an answer between, after which the operator is declared broken. */
const DEAD_RUN_MAX = 10;
/** How long a process may live after it closed its stdout. */
const CLOSED_STDOUT_MS = 1000;
/** How long a silent operator is watched after the end of its input, to see whether it buffers. */
const BUFFER_PROBE_MS = 1000;
/** From the end of input to the exit. */
const END_MS = 5000;
const EXPECTED = 'an answer (`filter`, or `forward` with a `key: ` and a `value: ` line)';

type Phase =
  | { readonly kind: 'down' }
  | { readonly kind: 'starting' | 'replaying' | 'running'; readonly process: OperatorProcess }
  | { readonly kind: 'probing'; readonly process: OperatorProcess; readonly answered: number }
  | { readonly kind: 'ending'; readonly process: OperatorProcess }
  | { readonly kind: 'closed'; readonly process: OperatorProcess | null };

/** What a lane needs to know and whom it tells. */
export interface LaneOptions {
  readonly command: OperatorCommand;
  readonly clock: Clock;
  readonly groups: GroupsFile;
  readonly log: TaskLogSink | null;
  readonly deadlineMs: number;
  readonly startDeadlineMs: number;
  readonly maxInFlightBytes: number;
  readonly crashLimit: number;
  readonly rebuild: (() => AsyncIterable<InputBatch>) | null;
  /** A batch has all its answers. */
  readonly onAnswered: () => void;
  readonly onFailed: (error: Fault) => void;
  readonly onEvent: (event: OperatorEvent) => void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #blame: Blame;
  readonly #watch: Watch;
  readonly #jobs: Job[] = [];
  #feedAt = 0;
  #held = 0;
  #phase: Phase = { kind: 'down' };
  #scanner = new AnswerScanner();
  /** Of the present process: inputs sent, answers taken. */
  #sent = 0;
  #taken = 0;
  #nextPlace = 0;
  /** Place before which every input was answered at some time. */
  #highest = 0;
  #restarts = 0;
  #started = 0;
  #startFailures = 0;
  #rebuildFailures = 0;
  #deadRun = 0;
  #replayBytes = 0;
  #probed = false;
  #overdue: string | null = null;
  #timer: Timer | null = null;
  #wakeReplay: (() => void) | null = null;
  readonly #running = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#running.promise.catch(() => {}); // who waits in start() hears it, others hear onFailed
    this.#gone.promise.catch(() => {}); // who waits in end() hears it
    this.#blame = new Blame(options.crashLimit);
    this.#watch = new Watch({
      clock: options.clock,
      isWaiting: () => this.#isWaiting(),
      limitMs: () =>
        this.#phase.kind === 'starting' ? options.startDeadlineMs : options.deadlineMs,
      poke: () => {
        if (options.command.shim && this.#phase.kind !== 'starting') this.#process?.poke();
      },
      overdue: () => this.#onOverdue(),
    });
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | null {
    const pid = this.#process?.pid ?? 0;
    return pid === 0 ? null : pid;
  }

  /** Bytes of unanswered input in this lane. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Whether a batch of `bytes` may be added. */
  hasRoom(bytes: number): boolean {
    if (this.#jobs.length === 0) return true;
    return this.#jobs.length < JOBS_MAX && this.#held + bytes <= this.#options.maxInFlightBytes;
  }

  /** Starts the process; resolves when it can take input (a stateful one: when it is rebuilt). */
  start(): Promise<void> {
    this.#spawn();
    return this.#running.promise;
  }

  /** Adds a batch; `onAnswered` tells when some batch has its answers. */
  add(job: Job): void {
    job.base = this.#nextPlace;
    this.#nextPlace += job.count;
    this.#jobs.push(job);
    this.#held += job.text.length;
    this.#resume();
  }

  /** Closes stdin and waits for the exit, in bounded time. For a lane without unanswered input. */
  async end(): Promise<void> {
    assert(this.#jobs.length === 0, 'a lane ends when everything is answered');
    if (this.#phase.kind !== 'running') return this.kill();
    const { process } = this.#phase;
    this.#become({ kind: 'ending', process });
    process.endInput();
    this.#timer = this.#options.clock.timer(END_MS, () => process.kill());
    return this.#gone.promise;
  }

  /** Kills the process group, drops what is unanswered, waits until it is gone. */
  kill(): Promise<void> {
    const process = this.#process;
    if (this.#phase.kind !== 'closed') this.#become({ kind: 'closed', process });
    this.#jobs.length = this.#feedAt = this.#held = 0;
    const operator = operatorName(this.#options.command);
    this.#running.reject(fault('OPERATOR_CLOSED', { operator }));
    process?.kill();
    if (process === null || process.hasEnded) this.#gone.resolve();
    this.#wakeReplay?.();
    return this.#gone.promise;
  }

  get #process(): OperatorProcess | null {
    return this.#phase.kind === 'down' ? null : this.#phase.process;
  }

  /** Place of the first unanswered input. */
  get #answered(): number {
    const [head] = this.#jobs;
    return head === undefined ? this.#nextPlace : head.base + head.answered;
  }

  #become(phase: Phase): void {
    this.#phase = phase;
    this.#timer?.cancel();
    this.#timer = null;
    if (phase.kind === 'down' || phase.kind === 'ending' || phase.kind === 'closed') {
      this.#watch.cancel();
    }
  }

  #isWaiting(): boolean {
    const { kind } = this.#phase;
    if (kind === 'starting') return true;
    return (kind === 'running' || kind === 'replaying') && this.#sent > this.#taken;
  }

  /** The one place that decides what happens next (L2). */
  #resume(): void {
    if (this.#phase.kind === 'down' && this.#jobs.length > 0) this.#spawn();
    if (this.#phase.kind === 'replaying') this.#collectReplay();
    if (this.#phase.kind !== 'running') return;
    this.#collect(false);
    if (this.#sent === this.#taken) this.#blame.cleared(this.#answered);
    this.#feed(this.#phase.process);
  }

  #spawn(): void {
    this.#scanner = new AnswerScanner();
    this.#sent = this.#taken = this.#replayBytes = 0;
    this.#overdue = null;
    if (this.#started > 0) this.#restarts += 1;
    this.#started += 1;
    const { command, clock, groups, log } = this.#options;
    const process: OperatorProcess = new OperatorProcess({
      command,
      clock,
      groups,
      log,
      owner: {
        output: (chunk) => this.#onOutput(chunk),
        began: () => this.#onBegan(process),
        drained: () => this.#resume(),
        closedStdout: () => this.#onClosedStdout(process),
        exited: (exit) => this.#onExit(process, exit),
      },
    });
    this.#become({ kind: 'starting', process });
    this.#watch.progress();
    this.#options.onEvent({ kind: 'started', pid: process.pid });
    if (!command.shim && process.pid !== 0) this.#onBegan(process);
  }

  #onBegan(process: OperatorProcess): void {
    if (this.#phase.kind !== 'starting') return;
    if (this.#options.rebuild === null) {
      this.#run(process);
      return;
    }
    this.#become({ kind: 'replaying', process });
    this.#replay(process, this.#options.rebuild()).catch((error: unknown) => {
      const reason = reasonOf(error);
      this.#fail('OPERATOR_REBUILD_FAILED', { inputs: this.#sent, reason });
    });
  }

  #run(process: OperatorProcess): void {
    this.#become({ kind: 'running', process });
    if (this.#options.command.shim) this.#startFailures = 0;
    this.#rebuildFailures = 0;
    this.#running.resolve();
    this.#resume();
  }

  // --- feeding and collecting

  #feed(process: OperatorProcess): void {
    while (this.#feedAt < this.#jobs.length) {
      const job = this.#jobs[this.#feedAt];
      job.skipDeadToSend();
      if (job.isSent) {
        this.#feedAt += 1;
        continue;
      }
      const allowed = this.#blame.allowance(job.base + job.sent, this.#answered);
      const n = Math.min(job.aliveFrom(job.sent), allowed);
      if (n === 0 || !process.canWrite) return;
      this.#send(process, job.send(n), n);
    }
  }

  #send(process: OperatorProcess, text: Buffer, inputs: number): void {
    if (this.#sent === this.#taken) {
      process.stderr.mark();
      this.#watch.progress();
    }
    this.#sent += inputs;
    process.write(text);
  }

  /** Hands finished batches over; with `torn`, also takes answers of unfinished runs. */
  #collect(torn: boolean): void {
    for (let head = this.#jobs[0]; head !== undefined; head = this.#jobs[0]) {
      head.passDead();
      if (head.isAnswered) {
        this.#jobs.shift();
        this.#held -= head.text.length;
        this.#feedAt = Math.max(0, this.#feedAt - 1);
        this.#options.onAnswered();
        continue;
      }
      const run = Math.min(head.aliveFrom(head.answered), head.sent - head.answered);
      const ready = this.#scanner.answered - this.#taken;
      const n = torn ? Math.min(run, ready) : run;
      if (n === 0 || n > ready) return;
      this.#taken += n;
      head.accept(present(this.#scanner.takeUpTo(this.#taken), 'they are complete'), n);
      this.#note(head.base + head.answered);
    }
  }

  #note(place: number): void {
    this.#startFailures = 0;
    if (place <= this.#highest) return;
    this.#highest = place;
    this.#deadRun = 0;
  }

  #onOutput(chunk: Buffer): void {
    const before = this.#scanner.answered;
    this.#scanner.push(chunk);
    if (this.#phase.kind === 'closed' || this.#phase.kind === 'ending') return;
    if (this.#scanner.answered > before) this.#watch.progress();
    if (this.#scanner.mismatch !== null) {
      this.#onMismatch(this.#scanner.mismatch);
      return;
    }
    if (this.#scanner.answered > this.#sent) {
      this.#fail('OPERATOR_TOO_MANY_ANSWERS', {});
      return;
    }
    this.#resume();
  }

  #onMismatch({ answer, line }: { answer: number; line: string }): void {
    const key = this.#keyOf(answer - this.#taken);
    this.#fail('OPERATOR_PROTOCOL', { line: JSON.stringify(line), expected: EXPECTED, key });
  }

  /** The key of the `nth` unanswered input, as a quoted text. */
  #keyOf(nth: number): string {
    let left = nth;
    for (const job of this.#jobs) {
      if (left < job.sent - job.answered) return JSON.stringify(job.keyOf(job.answered + left));
      left -= job.sent - job.answered;
    }
    return '(no input was waiting)';
  }

  // --- rebuilding state

  async #replay(process: OperatorProcess, batches: AsyncIterable<InputBatch>): Promise<void> {
    for await (const { text, count } of batches) {
      const room = (): boolean =>
        this.#sent === this.#taken ||
        this.#replayBytes + text.length <= this.#options.maxInFlightBytes;
      await this.#untilReplay(process, room);
      if (!this.#isReplaying(process)) return;
      this.#replayBytes += text.length;
      this.#send(process, Buffer.from(text.buffer, text.byteOffset, text.byteLength), count);
    }
    await this.#untilReplay(process, () => this.#sent === this.#taken);
    if (this.#isReplaying(process)) this.#run(process);
  }

  #isReplaying(process: OperatorProcess): boolean {
    return this.#phase.kind === 'replaying' && this.#phase.process === process;
  }

  async #untilReplay(process: OperatorProcess, ready: () => boolean): Promise<void> {
    while (this.#isReplaying(process) && !ready()) {
      await new Promise<void>((resolve) => {
        this.#wakeReplay = resolve;
      });
    }
  }

  #collectReplay(): void {
    if (this.#scanner.answered === this.#taken) return;
    this.#taken = this.#scanner.answered;
    this.#scanner.takeUpTo(this.#taken);
    if (this.#taken === this.#sent) this.#replayBytes = 0;
    this.#wakeReplay?.();
  }

  // --- the end of a process

  #onExit(process: OperatorProcess, exit: Exit): void {
    this.#options.onEvent({ kind: 'exited', pid: exit.pid, how: exit.how });
    const phase = this.#phase;
    if (phase.kind === 'closed') {
      this.#gone.resolve();
      return;
    }
    if (phase.kind === 'ending') {
      this.#onEnded(exit);
      return;
    }
    if (phase.kind === 'starting' || this.#neverRead(exit)) {
      this.#onFailedStart(exit);
      return;
    }
    if (phase.kind === 'replaying') {
      this.#onFailedReplay(exit);
      return;
    }
    if (phase.kind === 'probing' && this.#scanner.answered > phase.answered) {
      this.#fail('OPERATOR_BUFFERS_OUTPUT', {});
      return;
    }
    if (exit.code === 0 && !exit.stopped && phase.kind === 'running') {
      this.#fail('OPERATOR_STOPPED_EARLY', { unanswered: this.#unanswered() });
      return;
    }
    this.#onDeath(process, exit);
  }

  /** Without the shim: an exit before anything was sent, or what a shell says for "cannot run". */
  #neverRead(exit: Exit): boolean {
    if (exit.began !== null || exit.stopped || this.#highest > 0) return false;
    return this.#sent === 0 || exit.code === 126 || exit.code === 127;
  }

  #onFailedStart(exit: Exit): void {
    this.#startFailures += 1;
    if (this.#startFailures >= START_TRIES || exit.pid === 0) {
      this.#fail('OPERATOR_START_FAILED', { how: this.#overdue ?? exit.how });
      return;
    }
    this.#restart(exit);
  }

  #onFailedReplay(exit: Exit): void {
    this.#rebuildFailures += 1;
    if (exit.code === 0 || this.#rebuildFailures >= this.#options.crashLimit) {
      const reason = this.#overdue ?? exit.how;
      this.#fail('OPERATOR_REBUILD_FAILED', { inputs: this.#sent, reason });
      return;
    }
    this.#restart(exit);
    this.#wakeReplay?.();
  }

  #onDeath(process: OperatorProcess, exit: Exit): void {
    this.#collect(true);
    const first = this.#answered;
    const end = this.#endOfSent(first);
    const verdict = this.#blame.died({ first, end, exact: exit.exact });
    const [head] = this.#jobs;
    if (verdict === 'dead') {
      const reason = this.#overdue ?? exit.how;
      const trace = process.stderr.sinceMark();
      head.bury({ index: first - head.base, reason, trace });
      this.#options.onEvent({ kind: 'dead-input', reason, trace });
      this.#deadRun += 1;
      if (this.#deadRun >= DEAD_RUN_MAX) {
        this.#fail('OPERATOR_CRASHES_ALWAYS', { count: this.#deadRun, reason });
        return;
      }
    }
    this.#takeBack();
    this.#restart(exit);
  }

  /** Everything unanswered is to be sent again (L4). */
  #takeBack(): void {
    for (const job of this.#jobs) {
      if (this.#options.rebuild === null) job.rewind();
      else job.restart();
    }
    this.#feedAt = 0;
  }

  /** Place after the last input sent, when those from `first` on are unanswered. */
  #endOfSent(first: number): number {
    const outstanding = this.#sent - this.#taken;
    if (outstanding <= 1) return first + outstanding;
    const job = this.#jobs[this.#feedAt];
    return job === undefined ? this.#nextPlace : job.base + job.sent;
  }

  /** Nobody waits: started again with the next batch. */
  #restart(exit: Exit): void {
    const wanted = this.#phase.kind === 'starting' || this.#phase.kind === 'replaying';
    this.#become({ kind: 'down' });
    this.#options.onEvent({ kind: 'restarting', restarts: this.#restarts + 1, why: exit.how });
    if (wanted) this.#spawn();
    else this.#resume();
  }

  #onEnded(exit: Exit): void {
    this.#become({ kind: 'closed', process: null });
    if (!exit.stopped && this.#scanner.answered > this.#sent) {
      this.#gone.reject(this.#faultOf('OPERATOR_TOO_MANY_ANSWERS', {}));
    } else {
      this.#gone.resolve();
    }
  }

  #onClosedStdout(process: OperatorProcess): void {
    if (this.#process !== process) return;
    const { kind } = this.#phase;
    if (kind !== 'running' && kind !== 'replaying') return;
    this.#timer = this.#options.clock.timer(CLOSED_STDOUT_MS, () =>
      this.#fail('OPERATOR_CLOSED_STDOUT', { unanswered: this.#unanswered() }),
    );
  }

  #unanswered(): number {
    return this.#jobs.reduce((sum, job) => sum + job.count - job.answered, 0);
  }

  // --- silence

  #onOverdue(): void {
    const { process } = this.#phase as { process: OperatorProcess };
    const { startDeadlineMs, deadlineMs, command } = this.#options;
    if (this.#phase.kind === 'starting') {
      this.#overdue = `did not begin to read for ${startDeadlineMs / 1000} s`;
      this.#startFailures = START_TRIES;
      process.stop();
      return;
    }
    this.#overdue = `gave no answer for ${deadlineMs / 1000} s`;
    const mayBuffer = !command.shim || this.#highest === 0;
    if (this.#phase.kind === 'replaying' || this.#probed || !mayBuffer) {
      process.stop();
      return;
    }
    this.#probe(process);
  }

  /** Once per lane: does the operator answer as soon as its input ends? */
  #probe(process: OperatorProcess): void {
    this.#probed = true;
    this.#become({ kind: 'probing', process, answered: this.#scanner.answered });
    process.endInput();
    this.#timer = this.#options.clock.timer(BUFFER_PROBE_MS, () => process.stop());
  }

  // --- failing

  #fail<C extends LaneFault>(code: C, parameters: LaneParameters<C>): void {
    if (this.#phase.kind === 'closed') return;
    const error = this.#faultOf(code, parameters);
    this.#running.reject(error);
    this.#options.onFailed(error);
  }

  #faultOf<C extends LaneFault>(code: C, parameters: LaneParameters<C>): Fault {
    const operator = operatorName(this.#options.command);
    const trace = quoteTrace(this.#process?.stderr.all() ?? '');
    const all = { ...parameters, operator, trace } as unknown as FaultParameters<C>;
    return fault(code, all);
  }
}

type LaneFault = Extract<
  FaultCode,
  | 'OPERATOR_START_FAILED'
  | 'OPERATOR_PROTOCOL'
  | 'OPERATOR_TOO_MANY_ANSWERS'
  | 'OPERATOR_CLOSED_STDOUT'
  | 'OPERATOR_STOPPED_EARLY'
  | 'OPERATOR_CRASHES_ALWAYS'
  | 'OPERATOR_BUFFERS_OUTPUT'
  | 'OPERATOR_REBUILD_FAILED'
>;
type LaneParameters<C extends LaneFault> = Omit<FaultParameters<C>, 'operator' | 'trace'>;
