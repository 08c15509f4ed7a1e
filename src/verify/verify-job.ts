/**
 * Reads everything that a job has written, once, and lets each rule look at it.
 *
 * 1. Nothing is believed because the engine that wrote it would not write otherwise: rules are stated
 *    over entries, and an entry that breaks one is the counter-example.
 * 2. One violation refutes one check. Where something is missing, what depends on it is not looked at.
 * 3. Memory does not grow with the data, only with the number of batches of the last stage (24 bytes
 *    each) and of dead letters.
 * 4. A job at work is looked at as it was at one moment (see `cut.ts`).
 */
import { isLive, type JobRecord, taskKey } from '../control/index.ts';
import { isFault } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import {
  consumersOf,
  deadLettersFileName,
  decodeJobSpec,
  evenSlots,
  exportedFileName,
  isLastStage,
  isStateful,
  type JobPlan,
  planJob,
  producersOf,
  stageOf,
  type TaskRef,
  tasksOf,
  taskWriterName,
  walFileName,
} from '../plan/index.ts';
import { destinationFileName, locate } from '../worker/index.ts';
import { checkChannel } from './channels.ts';
import { type CutFile, cutFile } from './cut.ts';
import { Destination, type LastCommit } from './destination.ts';
import { Findings } from './findings.ts';
import { Letters } from './letters.ts';
import { checkLocalCopy } from './local-copy.ts';
import { sourceLines } from './source-lines.ts';
import { SourceLog } from './source-log.ts';
import { summaryOf } from './summary.ts';
import { TaskLog } from './task-log.ts';
import { TaskRules } from './task-rules.ts';
import type { Verdict } from './verdict.ts';

export interface VerifyOptions {
  readonly record: JobRecord;
  readonly fs: FileSystem;
}

/** A job at work may trim a log while it is read; then everything is read again. */
const ATTEMPTS_MAX = 5;

/**
 * Proves or refutes what a job promises, from its logs.
 * @throws JOB_SPEC_INVALID; faults of the disk. Damage is no fault: it refutes `intact`.
 */
export async function verifyJob(options: VerifyOptions): Promise<Verdict> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await new Verification(options).run();
    } catch (error) {
      if (!isFault(error, 'FILE_TRIMMED') || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** How far the sources of a job go, for each task of the first stage. */
interface SourceSide {
  readonly name: string;
  /** numbers placed: exactly these when the job is complete, at most these otherwise; null: unknown */
  readonly placed: readonly number[] | null;
  /** numbers that a logged position says are durable at the consumers */
  readonly acked: readonly number[];
}

class Verification {
  readonly #record: JobRecord;
  readonly #fs: FileSystem;
  readonly #plan: JobPlan;
  readonly #findings = new Findings();
  readonly #complete: boolean;
  readonly #atWork: boolean;
  readonly #exactlyOnce: boolean;
  /** By `taskKey`, tasks of operator stages of an exactly-once job. */
  readonly #rules = new Map<string, TaskRules>();
  readonly #sources: SourceSide[] = [];

  constructor({ record, fs }: VerifyOptions) {
    this.#record = record;
    this.#fs = fs;
    this.#plan = planJob(record.job, decodeJobSpec(record.spec));
    this.#complete = record.state === 'finished' || record.state === 'stopped';
    this.#atWork = isLive(record.state) && record.state !== 'suspended';
    this.#exactlyOnce = this.#plan.spec.exactlyOnce;
  }

  async run(): Promise<Verdict> {
    const plan = this.#plan;
    const findings = this.#findings;
    const letters = new Letters(findings, deadLettersFileName(plan.id), this.#newestOf);
    const destination = this.#destination(letters);
    const lettersFile = await cutFile(this.#fs, deadLettersFileName(plan.id));
    const destinationFile = await cutFile(this.#fs, destinationFileName(plan));
    const logs = await this.#cutLogs();
    if (lettersFile !== null) await letters.read(this.#fs, lettersFile);
    if (destinationFile === null) this.#noDestination();
    else await destination.read(this.#fs, destinationFile);
    const unseen = await this.#readLogs(logs, letters, destination);
    if (findings.isRefuted('intact')) this.#skipAfterDamage();
    else {
      if (this.#exactlyOnce) this.#compare(letters, destination, unseen);
      await this.#copy();
    }
    if (!this.#exactlyOnce) this.#skipAtLeastOnce();
    return this.#verdict();
  }

  #newestOf = (writer: string): number | null =>
    this.#newestAmong(writer, this.#plan.tasks) ?? null;

  /** The newest epoch given out to `writer`; undefined when it is none of `tasks`. */
  #newestAmong(writer: string, tasks: readonly TaskRef[]): number | null | undefined {
    const task = tasks.find((each) => taskWriterName(each) === writer);
    return task === undefined ? undefined : this.#newest(task);
  }

  /** Null at a job at work: the leader may have given out more since its record was read. */
  #newest({ stage, index }: TaskRef): number | null {
    if (this.#atWork) return null;
    return this.#record.tasks.get(taskKey(stage, index))?.epoch ?? 0;
  }

  get #lastStage(): number {
    return this.#plan.stages.length - 1;
  }

  get #lastCommit(): LastCommit {
    if (!this.#exactlyOnce) return 'relay';
    return isStateful(this.#plan, this.#lastStage) ? 'log' : 'append';
  }

  #destination(letters: Letters): Destination {
    const tasks = tasksOf(this.#plan, this.#lastStage);
    return new Destination({
      findings: this.#findings,
      name: destinationFileName(this.#plan),
      commit: this.#lastCommit,
      newest: (writer) => this.#newestAmong(writer, tasks),
      committed: (writer, batch) => {
        const task = tasks.find((each) => taskWriterName(each) === writer);
        if (task === undefined) return;
        this.#rulesOf(task, true).take(batch);
        const first = batch.counts.dead - batch.dead.length + 1;
        batch.dead.forEach((letter, i) => {
          letters.claim(writer, first + i, letter, this.#complete);
        });
      },
    });
  }

  #rulesOf(task: TaskRef, fromStart: boolean): TaskRules {
    const key = taskKey(task.stage, task.index);
    const known = this.#rules.get(key);
    if (known !== undefined) return known;
    const [consumer] = consumersOf(this.#plan, task.stage);
    const rules = new TaskRules({
      findings: this.#findings,
      producers: this.#producers(task.stage).length,
      ports: consumer === undefined ? 1 : stageOf(this.#plan, consumer).tasks,
      toFile: consumer === undefined,
      fromStart,
    });
    this.#rules.set(key, rules);
    return rules;
  }

  /** The producers of a task of `stage`, in the order in which it counts them. */
  #producers(stage: number): TaskRef[] {
    return producersOf(this.#plan, stage).flatMap((from) => tasksOf(this.#plan, from));
  }

  /** The logs of all tasks, last stage first. */
  async #cutLogs(): Promise<{ task: TaskRef; file: CutFile }[]> {
    const logs: { task: TaskRef; file: CutFile }[] = [];
    for (const task of [...this.#plan.tasks].reverse()) {
      if (!this.#hasLog(task)) continue;
      const file = await cutFile(this.#fs, walFileName(task));
      if (file !== null) logs.push({ task, file });
      else this.#missingLog(task);
    }
    return logs;
  }

  #hasLog({ stage }: TaskRef): boolean {
    if (stage === 0) return true;
    if (!this.#exactlyOnce) return false;
    return !isLastStage(this.#plan, stage) || this.#lastCommit === 'log';
  }

  #missingLog(task: TaskRef): void {
    const name = walFileName(task);
    this.#findings.expect('intact', !this.#complete, () => `the log ${name} is missing`);
    if (!this.#complete) this.#findings.note('intact', `${name} was never begun`);
  }

  #noDestination(): void {
    const name = destinationFileName(this.#plan);
    this.#findings.expect('intact', !this.#complete, () => `the destination ${name} is missing`);
  }

  /** Reads all logs; names the writers of which something cannot be seen any more. */
  async #readLogs(
    logs: readonly { task: TaskRef; file: CutFile }[],
    letters: Letters,
    destination: Destination,
  ): Promise<Set<string>> {
    const unseen = new Set<string>();
    for (const { task, file } of logs) {
      if (task.stage === 0) await this.#readSource(task, file);
      else if (await this.#readTask(task, file, letters, destination))
        unseen.add(taskWriterName(task));
    }
    return unseen;
  }

  async #readTask(
    task: TaskRef,
    file: CutFile,
    letters: Letters,
    destination: Destination,
  ): Promise<boolean> {
    const writer = taskWriterName(task);
    const toFile = isLastStage(this.#plan, task.stage);
    const log = new TaskLog({
      findings: this.#findings,
      file,
      rules: this.#rulesOf(task, file.trimmedTo === 0),
      toFile,
      newest: this.#newest(task),
      recorded: (record, firstLetter) => {
        record.dead.forEach((letter, i) => {
          letters.claim(writer, firstLetter + i, letter, this.#complete);
        });
        if (!toFile) return;
        for (const { firstSeq, block } of record.outputs) {
          destination.claim(writer, firstSeq, block, this.#complete);
        }
      },
    });
    await log.read(this.#fs);
    return log.incomplete;
  }

  async #readSource(task: TaskRef, file: CutFile): Promise<void> {
    const log = new SourceLog({ findings: this.#findings, file, newest: this.#newest(task) });
    await log.read(this.#fs);
    const { spec } = this.#plan;
    const source = spec.sources[task.index];
    const name = `source ${source.file}`;
    const state = log.last;
    if (state === null) return;
    const [stage] = consumersOf(this.#plan, 0);
    const again = await sourceLines({
      location: locate(spec, source.file),
      fs: this.#fs,
      state,
      follow: source.follow,
      sourceIndex: task.index,
      file: source.file,
      consumers: stageOf(this.#plan, stage).tasks,
      slots: this.#slots(stage),
    });
    const acked = state.position.placed;
    if (typeof again === 'string') {
      this.#findings.note('counts', `${name}: ${again}, so its lines were not counted again`);
      this.#sources[task.index] = { name, placed: state.stopAt?.placed ?? null, acked };
      return;
    }
    this.#findings.examined('counts', 'source lines', again.lines);
    this.#countedLines(task, name, again.lines);
    this.#sources[task.index] = { name, placed: again.placed, acked };
  }

  #countedLines(task: TaskRef, name: string, lines: number): void {
    const done = this.#record.tasks.get(taskKey(task.stage, task.index))?.done?.in;
    this.#findings.expect('counts', done === undefined || done === lines, () => {
      return `${name} has ${lines} lines, ${done} were read`;
    });
  }

  #slots(stage: number): Uint16Array {
    const table = this.#record.slots.get(stage)?.table;
    if (table === undefined) return evenSlots(stageOf(this.#plan, stage).tasks, 1).tasks;
    const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
    return Uint16Array.from({ length: table.length / 2 }, (_, i) => view.getUint16(i * 2, true));
  }

  /** What only shows when several logs are seen together. */
  #compare(letters: Letters, destination: Destination, unseen: ReadonlySet<string>): void {
    if (!this.#atWork && this.#lastCommit === 'log') destination.conclude(unseen);
    if (!this.#atWork) letters.conclude(unseen);
    for (const task of this.#plan.tasks) {
      if (task.stage === 0) continue;
      const rules = this.#rulesOf(task, true);
      this.#channelsInto(task, rules);
      this.#final(task, rules, letters);
      if (isLastStage(this.#plan, task.stage)) this.#delivered(task, rules, destination);
    }
  }

  #channelsInto(task: TaskRef, rules: TaskRules): void {
    this.#producers(task.stage).forEach((from, producer) => {
      checkChannel({
        findings: this.#findings,
        from: this.#producerSide(from, task.index),
        to: { name: this.#nameOf(task), rules, producer },
        complete: this.#complete,
        atWork: this.#atWork,
      });
    });
  }

  #producerSide(from: TaskRef, port: number): Parameters<typeof checkChannel>[0]['from'] {
    if (from.stage > 0) {
      const { placed, acked } = this.#rulesOf(from, true);
      return { name: this.#nameOf(from), placed: placed[port], acked: acked[port] };
    }
    const side = this.#sources[from.index];
    const name = side?.name ?? this.#nameOf(from);
    return { name, placed: side?.placed?.[port] ?? null, acked: side?.acked[port] ?? 0 };
  }

  /** The counts that the control log kept are those of the last batch. */
  #final(task: TaskRef, rules: TaskRules, letters: Letters): void {
    const { counts } = rules;
    if (counts === null) return;
    const done = this.#record.tasks.get(taskKey(task.stage, task.index))?.done ?? null;
    for (const name of ['in', 'out', 'filtered', 'dead'] as const) {
      if (done === null) break;
      this.#findings.expect('counts', done[name] === counts[name], () => {
        return `${this.#nameOf(task)} finished with ${name} = ${done[name]}, its log says ${counts[name]}`;
      });
    }
    const written = letters.count(taskWriterName(task));
    this.#findings.examined('letters', 'tasks');
    this.#findings.expect('letters', !this.#complete || written === counts.dead, () => {
      return `${this.#nameOf(task)} recorded ${counts.dead} dead letters, the file has ${written}`;
    });
  }

  /** The destination has what a task of the last stage counted. */
  #delivered(task: TaskRef, rules: TaskRules, destination: Destination): void {
    const writer = taskWriterName(task);
    const lines = destination.lines(writer);
    const { counts } = rules;
    this.#findings.expect(
      'sink',
      !this.#complete || counts === null || lines === counts.out,
      () => {
        return `${this.#nameOf(task)} counted ${counts?.out} outputs, the destination has ${lines} lines of it`;
      },
    );
    if (this.#lastCommit !== 'log') return;
    const [acked] = rules.acked;
    this.#findings.expect('sink', this.#atWork || acked <= destination.lastSeq(writer), () => {
      return `${this.#nameOf(task)} had ${acked} appends acknowledged, the destination has ${destination.lastSeq(writer)}`;
    });
  }

  async #copy(): Promise<void> {
    const { spec } = this.#plan;
    const location = locate(spec, spec.sink.file);
    if (location.kind === 'hydfs') {
      this.#findings.skip('copy', 'the destination is in HyDFS');
      return;
    }
    await checkLocalCopy({
      findings: this.#findings,
      fs: this.#fs,
      name: destinationFileName(this.#plan),
      path: location.path,
      exported: (await cutFile(this.#fs, exportedFileName(this.#plan.id))) !== null,
    });
  }

  #skipAfterDamage(): void {
    const reason = 'not all of it was looked at, because a log is damaged';
    for (const id of ['inputs', 'outputs', 'sink', 'counts', 'letters', 'copy'] as const) {
      this.#findings.skip(id, reason);
    }
  }

  #skipAtLeastOnce(): void {
    const reason = 'the job is at-least-once: its stages keep no log to be compared with';
    for (const id of ['outputs', 'letters'] as const) this.#findings.skip(id, reason);
    this.#findings.skip('inputs', 'the job is at-least-once: an input may be processed again');
    this.#findings.note('sink', 'at-least-once: only the numbering of appends was looked at');
    this.#findings.note('counts', 'at-least-once: only the lines of the sources were counted');
  }

  #nameOf({ stage, index }: TaskRef): string {
    return `${stageOf(this.#plan, stage).name}[${index}]`;
  }

  #verdict(): Verdict {
    const { job, name, state } = this.#record;
    const checks = this.#findings.checks();
    const facts = { job, name, state, exactlyOnce: this.#exactlyOnce, complete: this.#complete };
    const [intact] = checks;
    const proved =
      intact.outcome === 'proved' && checks.every(({ outcome }) => outcome !== 'refuted');
    return { ...facts, proved, checks, summary: summaryOf({ ...facts, checks }) };
  }
}
