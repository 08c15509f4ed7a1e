/**
 * A task of an operator stage: receive, run, commit, acknowledge, send.
 *
 * Invariants
 *   T1  The log (or destination) is opened with this attempt's epoch before it is read, so what is
 *       read is final: an older attempt cannot add to it any more.
 *   T2  Channels are accepted only after recovery, with the recovered watermarks, and when the task's
 *       own channels are open: readiness spreads from the last stage to the sources.
 *   T3  Inputs are acknowledged only by `Inbox.committed`, which only the commit's promise calls.
 *   T4  The task is finished when every producer's end is durable, every output is acknowledged by
 *       its receiver, and the operator has exited.
 *   T5  `stop` ends everything this attempt owns: operators, ports, pipeline. It is the only way out,
 *       also after a failure or a fence.
 */
import { type Fault, failpoint } from '../core/index.ts';
import { type OperatorCommand, OperatorPool } from '../operator/index.ts';
import { stageSpecOf, taskName } from '../plan/index.ts';
import { countsFrom, noCounts, type TaskCounts } from './counts.ts';
import { Inbox } from './inbox.ts';
import { keptInputs } from './kept-inputs.ts';
import { Pipeline } from './pipeline.ts';
import type { Task, TaskContext, TaskState } from './task-context.ts';
import { TaskLife } from './task-life.ts';
import { openOutputs, type TaskOutputs } from './task-outputs.ts';

/** Output bytes that wait for their receivers before the task stops taking inputs. */
const OUTPUT_BYTES_MAX = 6 * 1024 * 1024;

/** What a running attempt works with. */
interface Live {
  readonly inbox: Inbox;
  readonly outputs: TaskOutputs;
  readonly pool: OperatorPool | null;
  readonly pipeline: Pipeline | null;
}

export class StageTask implements Task {
  readonly #context: TaskContext;
  readonly #life: TaskLife<Live>;
  #pausing = false;
  #operatorGone = false;
  operator = '';

  constructor(context: TaskContext) {
    this.#context = context;
    this.#life = new TaskLife({
      taskName: taskName(context.plan, context.attempt),
      log: context.log,
      changed: context.changed,
    });
  }

  get state(): TaskState {
    return this.#life.state;
  }

  get fault(): Fault | null {
    return this.#life.fault;
  }

  get counts(): TaskCounts {
    const { phase, live } = this.#life;
    if (phase.kind === 'finished') return phase.counts;
    if (live === null) return countsFrom(noCounts);
    const { inbox, outputs, pool } = live;
    return {
      ...countsFrom(outputs.strategy.counts),
      duplicates: inbox.duplicates,
      resent: outputs.ports.reduce((sum, port) => sum + port.resent, 0),
      restarts: pool?.restarts ?? 0,
    };
  }

  /** The inbox, once channels may open (T2); null before and after. */
  get inbox(): Inbox | null {
    return this.#life.live?.inbox ?? null;
  }

  /** Every producer's end is durable; a producer that asks again is told so. */
  get inputsFinished(): boolean {
    return this.#life.phase.kind === 'finished' || (this.inbox?.finished ?? false);
  }

  pids(): readonly number[] {
    return this.#life.live?.pool?.pids() ?? [];
  }

  async start(): Promise<void> {
    try {
      this.#life.enter({ kind: 'recovering' });
      const { plan, attempt, services } = this.#context;
      // may have to be fetched and tried: that takes no longer than opening the log
      const command = services.resolveOperator(plan, attempt.stage);
      command.catch(() => {}); // told by whoever needs it
      const outputs = await this.#openOutputs();
      if (this.#life.over) return;
      outputs.redeliver();
      const live = outputs.recovered.complete
        ? this.#ended(outputs)
        : await this.#startOperator(outputs, await command);
      await outputs.ready();
      if (this.#life.over) return;
      this.#life.enter({ kind: 'running', live });
      this.#resume();
    } catch (error) {
      this.#fail(error);
    }
  }

  wind(mode: 'pause' | 'end'): void {
    if (mode === 'pause') this.#pausing = true;
    this.#resume();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  #fail(error: unknown): void {
    this.#life.fail(error);
  }

  async #openOutputs(): Promise<TaskOutputs> {
    const outputs = await openOutputs(this.#context, {
      progressed: () => this.#resume(),
      broken: (error) => this.#fail(error),
    });
    this.#life.own(() => outputs.close());
    return outputs;
  }

  /** Everything was consumed by an earlier attempt; only outputs are owed. */
  #ended(outputs: TaskOutputs): Live {
    return { inbox: this.#makeInbox(outputs), outputs, pool: null, pipeline: null };
  }

  async #startOperator(outputs: TaskOutputs, command: OperatorCommand): Promise<Live> {
    const { plan, attempt, services } = this.#context;
    const spec = stageSpecOf(plan, attempt.stage);
    this.operator = command.argv.join(' ');
    const stateful = outputs.keepsInputs;
    let pipeline: Pipeline | null = null;
    const pool = new OperatorPool({
      command,
      processes: spec.processes,
      deadlineMs: spec.deadlineMs,
      log: this.#context.journal,
      groupsFile: services.groupsFile,
      clock: services.clock,
      random: services.random,
      logger: this.#context.log,
      onEvent: (event) => {
        this.#context.journal.operator(event);
        this.#context.changed();
      },
      ...(stateful
        ? { rebuild: () => keptInputs(this.#context, () => pipeline?.whenDeliveredIsDurable()) }
        : {}),
    });
    this.#life.own(() => pool.kill());
    await pool.start();
    const inbox = this.#makeInbox(outputs);
    pipeline = new Pipeline({
      kernels: services.kernels,
      pool,
      strategy: outputs.strategy,
      shape: outputs.shape,
      keepsInputs: stateful,
      sources: plan.spec.sources.map(({ file }) => file),
      taskName: taskName(plan, attempt),
      committed: (batch, staged) => {
        inbox.committed(batch.inputs);
        this.#context.journal.emitted(staged, outputs.shape.kind);
        failpoint('task.acked-not-sent');
        this.#resume();
      },
      broken: (error) => this.#fail(error),
    });
    return { inbox, outputs, pool, pipeline };
  }

  #makeInbox(outputs: TaskOutputs): Inbox {
    const inbox = new Inbox({
      watermarks: outputs.recovered.watermarks,
      ended: outputs.recovered.ended,
      restartOnNewEpoch: !this.#context.plan.spec.exactlyOnce,
      arrived: () => this.#resume(),
      rejected: (block, count) => this.#context.journal.rejected(block, count),
      broken: (error) => this.#fail(error),
    });
    this.#life.own(() => this.#context.disconnect(inbox));
    return inbox;
  }

  /** The one place that decides what happens next; called after every event. */
  #resume(): void {
    const { phase } = this.#life;
    if (phase.kind !== 'running' && phase.kind !== 'ending') return;
    const { inbox, outputs, pipeline } = phase.live;
    outputs.strategy.progressed();
    while (pipeline !== null && !pipeline.full && !this.#choked(outputs)) {
      const batch = inbox.take(pipeline.tuplesMax);
      if (batch === null) break;
      failpoint('task.first-block');
      pipeline.run(batch);
    }
    const worked = inbox.empty && (pipeline?.idle ?? true);
    if (phase.kind === 'running' && worked && inbox.finished) this.#end(phase.live);
    else if (phase.kind === 'ending' && this.#operatorGone && outputs.settled) {
      this.#life.enter({ kind: 'finished', counts: this.counts });
    } else if (this.#pausing && worked && outputs.settled) this.#life.becameQuiet();
  }

  #choked(outputs: TaskOutputs): boolean {
    let kept = 0;
    for (const port of outputs.ports) kept += port.keptBytes;
    return kept > OUTPUT_BYTES_MAX;
  }

  /** All inputs are in and durable: the operator may go, the ends follow the last outputs. */
  #end(live: Live): void {
    this.#life.enter({ kind: 'ending', live });
    failpoint('task.end-recorded');
    const ended = live.pool === null ? Promise.resolve() : live.pool.end();
    ended.then(
      () => {
        this.#operatorGone = true;
        for (const port of live.outputs.ports) port.end();
        this.#resume();
      },
      (error: unknown) => this.#fail(error),
    );
  }
}
