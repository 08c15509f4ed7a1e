/**
 * What a person or a program can ask of a node, whether it runs in this process or another.
 *
 * `LocalService` answers from a node in this process; `RemoteService` asks over a connection. Most
 * commands see only this interface.
 */
import type { FileInfo } from '../hydfs/index.ts';
import type { JobView, TaskView } from '../leader/index.ts';
import type { JobSpec } from '../plan/index.ts';
import type { Verdict } from '../verify/index.ts';
import type { CopyService } from './copy-service.ts';
import type { PackageManifest } from './job-package.ts';
import type { LogSearch } from './node-logs.ts';
import type { LogFile, LogId } from './node-tasks.ts';

/** Where a source of a resumed job goes on. */
export interface ResumePoint {
  readonly file: string;
  /** lines before this one need not be read again */
  readonly line: number;
  readonly offset: number;
}

/** What `submit` did. */
export type Submitted =
  | { readonly kind: 'new'; readonly job: string }
  /** the same job was unfinished and goes on; `atWork`: it did before it was asked to */
  | {
      readonly kind: 'resumed';
      readonly job: string;
      readonly from: readonly ResumePoint[];
      readonly atWork: boolean;
    }
  /** the same job had ended, but its local destination was not complete */
  | { readonly kind: 'ended'; readonly job: string };

export interface SubmitRequest {
  readonly spec: JobSpec;
  /** replace an existing destination that is not this job's own unfinished one */
  readonly overwrite: boolean;
  /** give up what an unfinished run of this job has done, and begin anew */
  readonly restart: boolean;
  /** the id of the job if it is a new one; a random one unless given */
  readonly id?: string;
  /** what the job brings, whose bytes are stored under `id` already */
  readonly manifest?: PackageManifest;
}

/** What may be asked about jobs. */
export interface JobService {
  /**
   * Makes a description a job, or goes on with it when it is unfinished.
   * @throws JOB_UNFINISHED, DESTINATION_TAKEN, DESTINATION_EXISTS, SOURCE_MISSING, OPERATOR_NOT_FOUND, ...
   */
  submit(request: SubmitRequest): Promise<Submitted>;
  jobs(): Promise<readonly JobView[]>;
  /** `job`: an id or a name. @throws JOB_UNKNOWN */
  job(job: string): Promise<JobView>;
  tasks(job?: string): Promise<readonly TaskView[]>;
  /** The job as it changes, a few times a second, until it has ended or rests. */
  watch(job: string, signal?: AbortSignal): AsyncIterable<JobView>;
  /** `end`: sources end here and what is in flight is finished; `now`: at once. */
  stop(job: string, mode: 'end' | 'now'): Promise<JobView>;
  /** Winds the job down so that the same command goes on later. */
  suspend(job: string): Promise<JobView>;
  verify(job: string): Promise<Verdict>;
  /**
   * Kills the operator `pid` of a task at the node `vm`, as a crash would; tells nobody.
   * @throws VM_UNKNOWN, PID_UNKNOWN
   */
  killTask(vm: string, pid: number): Promise<{ readonly task: string }>;
  /** The log files of the tasks of a job, wherever they are kept. */
  logs(job: string): Promise<readonly LogFile[]>;
  /** The bytes of one of them. */
  readLog(vm: string, log: LogId): AsyncIterable<Uint8Array>;
  /** What the job was started from. */
  spec(job: string): Promise<JobSpec>;
}

/** What may be asked about files. */
export interface FileService {
  create(name: string): Promise<FileInfo>;
  /** Gives the length after it. */
  append(name: string, data: Uint8Array): Promise<number>;
  stat(name: string): Promise<FileInfo>;
  list(prefix: string): Promise<readonly FileInfo[]>;
  remove(name: string): Promise<void>;
  read(name: string, from?: number, to?: number): AsyncIterable<Uint8Array>;
  tail(name: string, from: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** What any process may ask, here or over a connection. */
export interface Service extends JobService, FileService, LogSearch {
  readonly copies: CopyService;
  close(): Promise<void>;
}
