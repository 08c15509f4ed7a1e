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
  type Fault,
  type FaultParameters,
  fault,
  present,
  reasonOf,
  type Timer,
} from '../core/index.ts';
import type { AnswerMismatch } from '../plan/index.ts';
import { Blame } from './blame.ts';
import { Conversation } from './conversation.ts';
import type { Job } from './job.ts';
import type { LaneFault, LaneOptions, LaneParameters } from './lane-options.ts';
import { type Exit, OperatorProcess } from './operator-process.ts';
import { operatorName } from './resolve.ts';
import { quoteTrace } from './stderr-tail.ts';
import { Watch } from './watch.ts';

/** Batches held by one lane, so that a queue of tiny ones stays short. */
const JOBS_MAX = 256;
/** Starts that may fail in a row before the script is declared broken. */
const START_TRIES = 2;
/** The same for a process that was killed: that is rarely the script's doing. */
const START_TRIES_KILLED = 10;
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
  | { readonly kind: 'starting' | 'replaying' | 'running' | 'ending'; readonly talk: Conversation }
  | { readonly kind: 'probing'; readonly talk: Conversation; readonly answered: number }
  | { readonly kind: 'closed'; readonly talk: Conversation | null };

export class Lane {
  readonly #options: LaneOptions;
  readonly #blame: Blame;
  readonly #watch: Watch;
  readonly #jobs: Job[] = [];
  #feedAt = 0;
  #held = 0;
  #phase: Phase = { kind: 'down' };
  #nextPlace = 0;
  /** Place before which every input was answered at some time. */
  #highest = 0;
  #restarts = 0;
  #started = 0;
  #startFailures = 0;
  #rebuildFailures = 0;
  #deadRun = 0;
  #probed = false;
  #overdue: string | null = null;
  #timer: Timer | null = null;
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
        if (options.command.shim && this.#phase.kind !== 'starting') this.#talk?.process.poke();
      },
      overdue: () => this.#onOverdue(),
    });
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | null {
    const process = this.#talk?.process;
    return process?.isAlive ? process.pid : null;
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
    const { talk } = this.#phase;
    this.#become({ kind: 'ending', talk });
    talk.process.endInput();
    this.#timer = this.#options.clock.timer(END_MS, () => talk.process.kill());
    return this.#gone.promise;
  }

  /** Kills the process group, drops what is unanswered, waits until it is gone. */
  kill(): Promise<void> {
    const talk = this.#talk;
    if (this.#phase.kind !== 'closed') this.#become({ kind: 'closed', talk });
    this.#jobs.length = this.#feedAt = this.#held = 0;
    const operator = operatorName(this.#options.command);
    this.#running.reject(fault('OPERATOR_CLOSED', { operator }));
    talk?.process.kill();
    if (talk === null || talk.process.hasEnded) this.#gone.resolve();
    talk?.wake();
    return this.#gone.promise;
  }

  get #talk(): Conversation | null {
    return this.#phase.kind === 'down' ? null : this.#phase.talk;
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
    const phase = this.#phase;
    if (phase.kind === 'running' || phase.kind === 'replaying') return phase.talk.outstanding > 0;
    return phase.kind === 'starting';
  }

  /** The one place that decides what happens next (L2). */
  #resume(): void {
    if (this.#phase.kind === 'down' && this.#jobs.length > 0) this.#spawn();
    if (this.#phase.kind === 'replaying') this.#phase.talk.wake();
    if (this.#phase.kind !== 'running') return;
    const { talk } = this.#phase;
    this.#collect(talk, false);
    if (talk.outstanding === 0) this.#blame.cleared(this.#answered);
    this.#feed(talk);
  }

  #spawn(): void {
    this.#overdue = null;
    if (this.#started > 0) this.#restarts += 1;
    this.#started += 1;
    const talk: Conversation = new Conversation(
      new OperatorProcess({
        ...this.#options,
        owner: {
          output: (chunk) => this.#onOutput(talk, chunk),
          began: () => this.#onBegan(talk),
          drained: () => this.#resume(),
          closedStdout: () => this.#onClosedStdout(talk),
          exited: (exit) => this.#onExit(talk, exit),
        },
      }),
    );
    const { pid } = talk.process;
    this.#become({ kind: 'starting', talk });
    this.#watch.progress();
    this.#options.onEvent({ kind: 'started', pid });
    if (!this.#options.command.shim && pid !== 0) this.#onBegan(talk);
  }

  #onBegan(talk: Conversation): void {
    if (this.#phase.kind !== 'starting') return;
    const { rebuild, maxInFlightBytes } = this.#options;
    if (rebuild === null) {
      this.#run(talk);
      return;
    }
    this.#become({ kind: 'replaying', talk });
    const isWanted = (): boolean => this.#phase.kind === 'replaying' && this.#phase.talk === talk;
    const onSend = (): void => this.#watch.progress();
    talk.replay(rebuild(), maxInFlightBytes, isWanted, onSend).then(
      () => {
        if (isWanted()) this.#run(talk);
      },
      (error: unknown) => {
        const reason = reasonOf(error);
        if (isWanted()) this.#fail('OPERATOR_REBUILD_FAILED', { inputs: talk.sent, reason });
      },
    );
  }

  #run(talk: Conversation): void {
    this.#become({ kind: 'running', talk });
    if (this.#options.command.shim) this.#startFailures = 0;
    this.#rebuildFailures = 0;
    this.#running.resolve();
    this.#resume();
  }

  // --- feeding and collecting

  #feed(talk: Conversation): void {
    while (this.#feedAt < this.#jobs.length) {
      const job = this.#jobs[this.#feedAt];
      job.skipDeadToSend();
      if (job.isSent) {
        this.#feedAt += 1;
        continue;
      }
      const allowed = this.#blame.allowance(job.base + job.sent, this.#answered);
      const n = Math.min(job.aliveFrom(job.sent), allowed);
      if (n === 0 || !talk.process.canWrite) return;
      if (talk.outstanding === 0) this.#watch.progress();
      talk.send(job.send(n), n);
    }
  }

  /** Hands finished batches over; with `torn`, also takes answers of unfinished runs. */
  #collect(talk: Conversation, torn: boolean): void {
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
      const n = torn ? Math.min(run, talk.ready) : run;
      if (n === 0 || n > talk.ready) return;
      head.accept(talk.take(n), n);
      this.#note(head.base + head.answered);
    }
  }

  #note(place: number): void {
    this.#startFailures = 0;
    if (place <= this.#highest) return;
    this.#highest = place;
    this.#deadRun = 0;
  }

  #onOutput(talk: Conversation, chunk: Buffer): void {
    const { scanner } = talk;
    const before = scanner.answered;
    scanner.push(chunk);
    if (this.#phase.kind === 'closed' || this.#phase.kind === 'ending') return;
    if (scanner.answered > before) this.#watch.progress();
    if (scanner.mismatch !== null) this.#onMismatch(talk, scanner.mismatch);
    else if (scanner.answered > talk.sent) this.#fail('OPERATOR_TOO_MANY_ANSWERS', {});
    else this.#resume();
  }

  #onMismatch(talk: Conversation, { answer, line }: AnswerMismatch): void {
    const key = this.#keyOf(answer - talk.taken);
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

  // --- the end of a process

  #onExit(talk: Conversation, exit: Exit): void {
    this.#options.onEvent({ kind: 'exited', pid: exit.pid, how: exit.how });
    const phase = this.#phase;
    if (phase.kind === 'closed') {
      this.#gone.resolve();
      return;
    }
    if (phase.kind === 'ending') {
      this.#onEnded(talk, exit);
      return;
    }
    if (phase.kind === 'starting' || this.#neverRead(talk, exit)) {
      this.#onFailedStart(exit);
      return;
    }
    if (phase.kind === 'replaying') {
      this.#onFailedReplay(talk, exit);
      return;
    }
    if (phase.kind === 'probing' && talk.scanner.answered > phase.answered) {
      this.#fail('OPERATOR_BUFFERS_OUTPUT', {});
      return;
    }
    if (exit.code === 0 && !exit.stopped && phase.kind === 'running') {
      this.#fail('OPERATOR_STOPPED_EARLY', { unanswered: this.#unanswered() });
      return;
    }
    this.#onDeath(talk, exit);
  }

  /** Without the shim: an exit before anything was sent, or what a shell says for "cannot run". */
  #neverRead(talk: Conversation, exit: Exit): boolean {
    if (exit.began !== null || exit.stopped || this.#highest > 0) return false;
    return talk.sent === 0 || exit.code === 126 || exit.code === 127;
  }

  #onFailedStart(exit: Exit): void {
    this.#startFailures += 1;
    const tries = exit.signal === 'SIGKILL' && !exit.stopped ? START_TRIES_KILLED : START_TRIES;
    if (this.#startFailures >= tries || exit.pid === 0) {
      this.#fail('OPERATOR_START_FAILED', { how: this.#overdue ?? exit.how });
      return;
    }
    this.#restart(exit);
  }

  #onFailedReplay(talk: Conversation, exit: Exit): void {
    this.#rebuildFailures += 1;
    if (exit.code === 0 || this.#rebuildFailures >= this.#options.crashLimit) {
      const reason = this.#overdue ?? exit.how;
      this.#fail('OPERATOR_REBUILD_FAILED', { inputs: talk.sent, reason });
      return;
    }
    this.#restart(exit);
    talk.wake();
  }

  #onDeath(talk: Conversation, exit: Exit): void {
    this.#collect(talk, true);
    const first = this.#answered;
    const end = this.#endOfSent(talk, first);
    const verdict = this.#blame.died({ first, end, exact: exit.exact });
    const [head] = this.#jobs;
    if (verdict === 'dead') {
      const reason = this.#overdue ?? exit.how;
      const trace = talk.process.stderr.sinceMark();
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
  #endOfSent(talk: Conversation, first: number): number {
    if (talk.outstanding <= 1) return first + talk.outstanding;
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

  #onEnded(talk: Conversation, exit: Exit): void {
    this.#become({ kind: 'closed', talk });
    if (!exit.stopped && talk.scanner.answered > talk.sent) {
      this.#gone.reject(this.#faultOf('OPERATOR_TOO_MANY_ANSWERS', {}));
    } else {
      this.#gone.resolve();
    }
  }

  #onClosedStdout(talk: Conversation): void {
    if (this.#talk !== talk) return;
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
    const { process } = present(this.#talk, 'somebody is silent');
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
    this.#probe(present(this.#talk, 'somebody is silent'));
  }

  /** Once per lane: does the operator answer as soon as its input ends? */
  #probe(talk: Conversation): void {
    this.#probed = true;
    this.#become({ kind: 'probing', talk, answered: talk.scanner.answered });
    talk.process.endInput();
    this.#timer = this.#options.clock.timer(BUFFER_PROBE_MS, () => talk.process.stop());
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
    const trace = quoteTrace(this.#talk?.process.stderr.all() ?? '');
    const all = { ...parameters, operator, trace } as unknown as FaultParameters<C>;
    return fault(code, all);
  }
}
