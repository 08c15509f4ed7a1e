/**
 * Answers what people ask about jobs, beside the leader that runs them.
 *
 * Invariants
 *   B1  Submissions are dealt with one after the other: what one has found out holds until it is done.
 *   B2  A submission that comes again, with the id of a job that is there, is that job: who has lost
 *       the answer asks again.
 *   B3  Nothing of others is touched before it is certain that jobs are still led from here, and a
 *       destination is cleared only when no earlier job writes to it any more.
 */
import type { ControlLog, ControlState, JobRecord } from '../control/index.ts';
import { isLive } from '../control/index.ts';
import { Fault, fault, isFault, type Random, randomId } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { isResting, type JobView, type Leader, type TaskView } from '../leader/index.ts';
import {
  decodeJobSpec,
  exportedFileName,
  formatLocation,
  type JobPlan,
  type JobSpec,
  planJob,
  specFingerprint,
} from '../plan/index.ts';
import { type Verdict, verifyJob } from '../verify/index.ts';
import { locate } from '../worker/index.ts';
import { checkDestination, checkSources, clearDestination } from './checks.ts';
import { Exporter, isExported, outputLength } from './export.ts';
import { adoptPackage } from './job-package.ts';
import type { LogFile, LogId, NodeTasks } from './node-tasks.ts';
import type { JobOperators } from './operators.ts';
import { resumePoints } from './resume-points.ts';
import type { JobService, SubmitRequest, Submitted } from './service.ts';

export interface LocalJobsOptions {
  readonly leader: Leader;
  readonly control: ControlLog;
  readonly fs: FileSystem;
  readonly operators: JobOperators;
  /** the tasks of this node */
  readonly here: NodeTasks;
  readonly random: Random;
}

export class LocalJobs implements JobService {
  readonly #options: LocalJobsOptions;
  /** ends when the last submission is dealt with (B1) */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: LocalJobsOptions) {
    this.#options = options;
  }

  /**
   * Makes `spec` a job, or goes on with it when it is unfinished.
   * @throws JOB_UNFINISHED, DESTINATION_TAKEN, DESTINATION_EXISTS, SOURCE_MISSING, OPERATOR_NOT_FOUND, ...
   */
  submit(request: SubmitRequest): Promise<Submitted> {
    const submitted = this.#turn.then(() => this.#submit(request));
    this.#turn = submitted.catch(() => undefined); // told to whoever submits
    return submitted;
  }

  async #submit(request: SubmitRequest): Promise<Submitted> {
    const { spec, overwrite, restart } = request;
    const { jobs } = await this.#certain();
    if (request.id !== undefined && jobs.has(request.id)) return { kind: 'new', job: request.id };
    await this.#endCancelled(spec.name);
    const before = this.#unfinished(spec);
    const same = before?.fingerprint === specFingerprint(spec);
    if (before !== null && same && !restart) return this.#goOn(before, request);
    const replace = restart || overwrite;
    if (before !== null && !replace) {
      throw fault('JOB_UNFINISHED', { name: before.name, job: before.job.slice(0, 8) });
    }
    const rivals = this.#rivals(spec);
    if (rivals.length > 0 && !replace) throw destinationTaken(spec, rivals[0]);
    if (before === null && !replace) {
      const ended = await this.#endedButNotExported(spec);
      if (ended !== null) return { kind: 'ended', job: ended };
    }
    const id = request.id ?? randomId(this.#options.random);
    await this.#check(id, request, replace);
    for (const rival of rivals) {
      await this.#giveUp(rival);
      await this.#forget(rival);
    }
    if (before !== null) await this.#giveUp(before);
    if (replace) await this.#clear(spec);
    for (const view of this.#options.leader.jobs()) {
      if (view.name === spec.name && !isLive(view.state)) await this.#forget(view);
    }
    await this.#options.leader.submit(spec, { id });
    return { kind: 'new', job: id };
  }

  /** The state of now, decided here (B3). @throws CONTROL_UNAVAILABLE */
  async #certain(): Promise<ControlState> {
    const { control } = this.#options;
    const state = await control.read();
    const { kind } = control.role;
    if (kind !== 'leader') throw fault('CONTROL_UNAVAILABLE', { reason: kind });
    return state;
  }

  async jobs(): Promise<readonly JobView[]> {
    return this.#options.leader.jobs();
  }

  async job(job: string): Promise<JobView> {
    return this.#find(job);
  }

  async tasks(job?: string): Promise<readonly TaskView[]> {
    const { leader } = this.#options;
    return job === undefined ? leader.tasks() : leader.tasks(this.#find(job).job);
  }

  watch(job: string, signal?: AbortSignal): AsyncIterable<JobView> {
    return this.#options.leader.watch(this.#find(job).job, signal);
  }

  async stop(job: string, mode: 'end' | 'now'): Promise<JobView> {
    const { job: id } = this.#find(job);
    await this.#options.leader.stop(id, mode === 'end' ? 'drain' : 'now');
    return this.#find(id);
  }

  async suspend(job: string): Promise<JobView> {
    return this.#options.leader.suspend(this.#find(job).job);
  }

  async verify(job: string): Promise<Verdict> {
    return verifyJob({ record: this.#record(job), fs: this.#options.fs });
  }

  async killTask(vm: string, pid: number): Promise<{ readonly task: string }> {
    return this.#here(vm).kill(pid);
  }

  async logs(job: string): Promise<readonly LogFile[]> {
    return this.#options.here.logs(this.#find(job).job);
  }

  readLog(vm: string, log: LogId): AsyncIterable<Uint8Array> {
    return this.#here(vm).readLog(log);
  }

  #here(vm: string): NodeTasks {
    const { here } = this.#options;
    if (vm !== here.vm) throw fault('VM_UNKNOWN', { vm, vms: here.vm });
    return here;
  }

  async spec(job: string): Promise<JobSpec> {
    return decodeJobSpec(this.#record(job).spec);
  }

  #record(job: string): JobRecord {
    const record = this.#options.control.state.jobs.get(this.#find(job).job);
    if (record === undefined) throw fault('JOB_UNKNOWN', { job });
    return record;
  }

  /** Completes the local destination of a job that has ended, when its run has not done it. */
  async completeExport(job: string): Promise<void> {
    const { control, fs } = this.#options;
    const record = control.state.jobs.get(this.#find(job).job);
    if (record?.state !== 'finished' && record?.state !== 'stopped') return;
    const plan = planJob(record.job, decodeJobSpec(record.spec));
    const location = locate(plan.spec, plan.spec.sink.file);
    if (location.kind === 'hydfs' || (await isExported(fs, plan))) return;
    const exporter = await Exporter.open(fs, plan, location.path);
    await exporter.finish(true);
  }

  /** A job by id, by the only id that begins so, or by name: the newest of that name. */
  #find(job: string): JobView {
    const all = this.#options.leader.jobs();
    const byId = all.filter(
      (view) => view.job === job || (job.length >= 6 && view.job.startsWith(job)),
    );
    if (byId.length === 1) return byId[0];
    const named = all.filter((view) => view.name === job);
    const live = named.find((view) => isLive(view.state));
    const newest = live ?? named.sort((a, b) => b.submittedAt - a.submittedAt).at(0);
    if (newest === undefined) throw fault('JOB_UNKNOWN', { job });
    return newest;
  }

  /** The unfinished job of the same name; refuses one that says something else. */
  #unfinished(spec: JobSpec): JobView | null {
    const candidates = this.#options.leader
      .jobs()
      .filter((view) => view.name === spec.name && isResumable(view))
      .sort((a, b) => b.submittedAt - a.submittedAt);
    const [newest] = candidates;
    return newest ?? null;
  }

  async #goOn(view: JobView, request: SubmitRequest): Promise<Submitted> {
    const { leader, fs } = this.#options;
    const { spec } = request;
    await checkSources(spec, fs);
    await this.#adopt(view.job, request);
    const from = await resumePoints(fs, planJob(view.job, spec));
    if (view.state === 'stopping') await leader.stop(view.job, 'drain');
    else await leader.resume(view.job);
    return { kind: 'resumed', job: view.job, from, atWork: !isResting(view.state) };
  }

  /** A job that was being cancelled when its process died is cancelled now. */
  async #endCancelled(name: string): Promise<void> {
    for (const view of this.#options.leader.jobs()) {
      if (view.name === name && view.state === 'cancelling') await this.#giveUp(view);
    }
  }

  async #giveUp(view: JobView): Promise<void> {
    if (!isLive(view.state)) return;
    await this.#options.leader.stop(view.job, 'now');
    await this.#options.leader.whenEnded(view.job);
  }

  /** Unfinished jobs of other names that write where `spec` is to write. */
  #rivals(spec: JobSpec): JobView[] {
    const { leader, control } = this.#options;
    const wanted = formatLocation(locate(spec, spec.sink.file));
    return leader.jobs().filter((view) => {
      const record = control.state.jobs.get(view.job);
      if (view.name === spec.name || record === undefined || !isResumable(view)) return false;
      const other = decodeJobSpec(record.spec);
      return formatLocation(locate(other, other.sink.file)) === wanted;
    });
  }

  /** Removes what an ended job has kept, and its record; its destination stays. */
  async #forget({ job }: JobView): Promise<void> {
    const { control, fs } = this.#options;
    const marker = exportedFileName(job);
    const files = await fs.list(`jobs/${job}/`);
    // The marker goes last: a job without it, but with an output, would be taken for unexported.
    for (const file of files) if (file !== marker) await this.#remove(file);
    if (files.includes(marker)) await this.#remove(marker);
    await control.propose({ kind: 'job-forget', term: control.term, job, at: 0 });
  }

  async #endedButNotExported(spec: JobSpec): Promise<string | null> {
    if (locate(spec, spec.sink.file).kind === 'hydfs') return null;
    const fingerprint = specFingerprint(spec);
    const ended = this.#options.leader
      .jobs()
      .filter(
        (view) =>
          view.fingerprint === fingerprint &&
          (view.state === 'finished' || view.state === 'stopped'),
      )
      .sort((a, b) => b.submittedAt - a.submittedAt)
      .at(0);
    if (ended === undefined) return null;
    const plan = planJob(ended.job, spec);
    if (await isExported(this.#options.fs, plan)) return null;
    return (await outputLength(this.#options.fs, plan)) === null ? null : ended.job;
  }

  /** Takes over what the job brings; its operators can be started from it, or it is not taken. */
  async #adopt(job: string, { spec, id, manifest }: SubmitRequest): Promise<void> {
    if (manifest === undefined) return;
    await adoptPackage(this.#options.fs, job, { from: id ?? job, manifest });
    if (id !== job) await this.#checkOperators({ id: job, spec });
  }

  async #checkOperators(plan: Pick<JobPlan, 'id' | 'spec'>): Promise<void> {
    const { operators } = this.#options;
    for (let stage = 1; stage <= plan.spec.stages.length; stage++) await operators.of(plan, stage);
  }

  async #check(id: string, request: SubmitRequest, replace: boolean): Promise<void> {
    const { fs } = this.#options;
    const { spec } = request;
    await checkSources(spec, fs);
    try {
      await this.#adopt(id, request);
      await this.#checkOperators({ id, spec });
      await checkDestination(spec, fs).catch((error: unknown) => {
        if (!replace || !isFault(error, 'DESTINATION_EXISTS')) throw error;
      });
    } catch (error) {
      // What was brought stays when the same request may come again, and is swept away otherwise.
      if (error instanceof Fault && error.domain !== 'user') throw error;
      for (const file of await fs.list(`jobs/${id}/`)) await this.#remove(file);
      await this.#options.operators.forget(id);
      throw error;
    }
  }

  async #clear(spec: JobSpec): Promise<void> {
    const { fs } = this.#options;
    await this.#certain();
    await checkDestination(spec, fs).catch(async (error: unknown) => {
      if (!isFault(error, 'DESTINATION_EXISTS')) throw error;
      await clearDestination(spec, fs);
    });
  }

  async #remove(file: string): Promise<void> {
    await this.#options.fs.remove(file).catch((error: unknown) => {
      if (!isFault(error, 'FILE_MISSING')) throw error; // the sweep was there first
    });
  }
}

function destinationTaken(spec: JobSpec, { name, job }: JobView): Error {
  return fault('DESTINATION_TAKEN', { destination: spec.sink.file, name, job: job.slice(0, 8) });
}

function isResumable(view: JobView): boolean {
  return isLive(view.state) || view.state === 'failed';
}
