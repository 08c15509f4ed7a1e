/** Answers what people ask of a node in this process: jobs here, files there. */
import type { FileInfo, FileSystem } from '../hydfs/index.ts';
import type { JobView, TaskView } from '../leader/index.ts';
import type { JobSpec } from '../plan/index.ts';
import type { Verdict } from '../verify/index.ts';
import type { CopyService } from './copy-service.ts';
import type { FoundLines } from './log-search.ts';
import type { LogSearch } from './node-logs.ts';
import type { LogFile, LogId } from './node-tasks.ts';
import type { JobService, Service, SubmitRequest, Submitted } from './service.ts';

export interface NodeServiceOptions {
  readonly jobs: JobService;
  readonly fs: FileSystem;
  readonly copies: CopyService;
  readonly logs: LogSearch;
  /** ends the node that this is the service of */
  close(): Promise<void>;
}

export class NodeService implements Service {
  readonly #options: NodeServiceOptions;
  readonly #jobs: JobService;

  constructor(options: NodeServiceOptions) {
    this.#options = options;
    this.#jobs = options.jobs;
  }

  get fs(): FileSystem {
    return this.#options.fs;
  }

  get copies(): CopyService {
    return this.#options.copies;
  }

  searchLogs(pattern: string, signal?: AbortSignal): AsyncIterable<FoundLines> {
    return this.#options.logs.searchLogs(pattern, signal);
  }

  /** As `JobService.submit`. */
  submit(request: SubmitRequest): Promise<Submitted> {
    return this.#jobs.submit(request);
  }

  jobs(): Promise<readonly JobView[]> {
    return this.#jobs.jobs();
  }

  job(job: string): Promise<JobView> {
    return this.#jobs.job(job);
  }

  tasks(job?: string): Promise<readonly TaskView[]> {
    return this.#jobs.tasks(job);
  }

  watch(job: string, signal?: AbortSignal): AsyncIterable<JobView> {
    return this.#jobs.watch(job, signal);
  }

  stop(job: string, mode: 'end' | 'now'): Promise<JobView> {
    return this.#jobs.stop(job, mode);
  }

  suspend(job: string): Promise<JobView> {
    return this.#jobs.suspend(job);
  }

  verify(job: string): Promise<Verdict> {
    return this.#jobs.verify(job);
  }

  killTask(vm: string, pid: number): Promise<{ readonly task: string }> {
    return this.#jobs.killTask(vm, pid);
  }

  logs(job: string): Promise<readonly LogFile[]> {
    return this.#jobs.logs(job);
  }

  readLog(vm: string, log: LogId): AsyncIterable<Uint8Array> {
    return this.#jobs.readLog(vm, log);
  }

  spec(job: string): Promise<JobSpec> {
    return this.#jobs.spec(job);
  }

  create(name: string): Promise<FileInfo> {
    return this.#options.fs.create(name);
  }

  async append(name: string, data: Uint8Array): Promise<number> {
    return (await this.#options.fs.append(name, data)).length;
  }

  stat(name: string): Promise<FileInfo> {
    return this.#options.fs.stat(name);
  }

  async list(prefix: string): Promise<readonly FileInfo[]> {
    const names = await this.#options.fs.list(prefix);
    return Promise.all(names.map((name) => this.#options.fs.stat(name)));
  }

  remove(name: string): Promise<void> {
    return this.#options.fs.remove(name);
  }

  read(name: string, from?: number, to?: number): AsyncIterable<Uint8Array> {
    return this.#options.fs.read(name, {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
  }

  tail(name: string, from: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#options.fs.tail(name, { from, signal });
  }

  close(): Promise<void> {
    return this.#options.close();
  }
}
