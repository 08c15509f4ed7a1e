/** The service as requests over a connection: one table, read by both ends. */
import { z } from 'zod';
import { inOnePiece } from '../core/index.ts';
import { bulkBytes, bulkItems, type FileInfo } from '../hydfs/index.ts';
import type { JobView, TaskView } from '../leader/index.ts';
import { decodeJobSpec, type JobSpec } from '../plan/index.ts';
import { type RpcClient, type RpcMethods, streaming, unary } from '../transport/index.ts';
import type { Verdict } from '../verify/index.ts';
import { type CopyService, copyMethods, RemoteCopies } from './copy-service.ts';
import { manifestSchema } from './job-package.ts';
import type { FoundLines } from './log-search.ts';
import { type LogSearch, remoteSearch, searchMethods } from './node-logs.ts';
import { type LogFile, type LogId, logIdSchema } from './node-tasks.ts';
import type { FileService, JobService, Service, SubmitRequest, Submitted } from './service.ts';

/** Bytes of one append over a connection; larger files go in several. */
export const APPEND_BYTES_MAX = 512 * 1024;
/** Appends of a file that are under way at once. */
export const APPENDS_AHEAD = 16;

const name = z.string().max(1024);
const offset = z.number().int().nonnegative();
const nothing = z.strictObject({});
const oneJob = z.strictObject({ job: name });
const oneProcess = z.strictObject({ vm: name, pid: offset });
const oneFile = z.strictObject({ name });
const submit = z.strictObject({
  spec: z.unknown(),
  overwrite: z.boolean(),
  restart: z.boolean(),
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  manifest: manifestSchema.optional(),
});
const stop = z.strictObject({ job: name, mode: z.enum(['end', 'now']) });
const range = z.strictObject({ name, from: offset.optional(), to: offset.optional() });
const follow = z.strictObject({ name, from: offset });

/** What `service` answers to requests. */
export function serviceMethods(service: Service): RpcMethods {
  return {
    ...jobMethods(() => service),
    ...fileMethods(service),
    ...copyMethods(service.copies),
    ...searchMethods(service),
  };
}

/** What is answered about jobs by the service of the moment; `prefix` keeps two apart. */
export function jobMethods(service: () => JobService, prefix = ''): RpcMethods {
  const methods: RpcMethods = {
    submit: unary(submit, async ({ spec, id, manifest, ...rest }) =>
      service().submit({
        spec: decodeJobSpec(spec),
        ...rest,
        ...(id === undefined ? {} : { id }),
        ...(manifest === undefined ? {} : { manifest }),
      }),
    ),
    jobs: streaming(nothing, () => each(service().jobs())),
    job: unary(oneJob, async ({ job }) => service().job(job)),
    tasks: streaming(z.strictObject({ job: name.optional() }), ({ job }) =>
      each(service().tasks(job)),
    ),
    watch: streaming(oneJob, ({ job }, signal) => service().watch(job, signal)),
    stop: unary(stop, async ({ job, mode }) => service().stop(job, mode)),
    suspend: unary(oneJob, async ({ job }) => service().suspend(job)),
    verify: unary(oneJob, async ({ job }) => service().verify(job)),
    'kill-task': unary(oneProcess, async ({ vm, pid }) => service().killTask(vm, pid)),
    logs: unary(oneJob, async ({ job }) => service().logs(job)),
    'read-log': streaming(z.strictObject({ vm: name, log: logIdSchema }), ({ vm, log }) =>
      service().readLog(vm, log),
    ),
    spec: unary(oneJob, async ({ job }) => service().spec(job)),
  };
  return Object.fromEntries(Object.entries(methods).map(([key, run]) => [`${prefix}${key}`, run]));
}

async function* each<T>(all: Promise<readonly T[]>): AsyncGenerator<T> {
  yield* await all;
}

/** What `service` answers about files. */
export function fileMethods(service: FileService): RpcMethods {
  return {
    'fs.create': unary(oneFile, (file) => service.create(file.name)),
    'fs.append': unary(oneFile, ({ name: file }, _signal, data) =>
      service.append(file, inOnePiece(data)),
    ),
    'fs.stat': unary(oneFile, (file) => service.stat(file.name)),
    'fs.list': unary(z.strictObject({ prefix: name }), ({ prefix }) => service.list(prefix)),
    'fs.remove': unary(oneFile, async (file) => {
      await service.remove(file.name);
      return null;
    }),
    'fs.read': streaming(range, ({ name: file, from, to }) =>
      bulkItems(service.read(file, from, to)),
    ),
    'fs.tail': streaming(follow, ({ name: file, from }, signal) =>
      bulkItems(service.tail(file, from, signal), true),
    ),
  };
}

/** Jobs that another process knows of, asked over `rpc`. */
export class RemoteJobs implements JobService {
  protected readonly rpc: RpcClient;
  readonly #prefix: string;

  constructor(rpc: RpcClient, prefix = '') {
    this.rpc = rpc;
    this.#prefix = prefix;
  }

  async submit(request: SubmitRequest): Promise<Submitted> {
    return (await this.#call('submit', request)) as Submitted;
  }

  async jobs(): Promise<readonly JobView[]> {
    return (await this.#list('jobs', {})) as JobView[];
  }

  async job(job: string): Promise<JobView> {
    return (await this.#call('job', { job })) as JobView;
  }

  async tasks(job?: string): Promise<readonly TaskView[]> {
    return (await this.#list('tasks', job === undefined ? {} : { job })) as TaskView[];
  }

  watch(job: string, signal?: AbortSignal): AsyncIterable<JobView> {
    return this.rpc.stream(`${this.#prefix}watch`, { job }, signal) as AsyncIterable<JobView>;
  }

  async stop(job: string, mode: 'end' | 'now'): Promise<JobView> {
    return (await this.#call('stop', { job, mode })) as JobView;
  }

  async suspend(job: string): Promise<JobView> {
    return (await this.#call('suspend', { job })) as JobView;
  }

  async verify(job: string): Promise<Verdict> {
    return (await this.#call('verify', { job })) as Verdict;
  }

  async killTask(vm: string, pid: number): Promise<{ readonly task: string }> {
    return (await this.#call('kill-task', { vm, pid })) as { task: string };
  }

  async logs(job: string): Promise<readonly LogFile[]> {
    return (await this.#call('logs', { job })) as LogFile[];
  }

  readLog(vm: string, log: LogId): AsyncIterable<Uint8Array> {
    const { job, stage, index, older } = log;
    const params = { vm, log: { job, stage, index, older } };
    return this.rpc.stream(`${this.#prefix}read-log`, params) as AsyncIterable<Uint8Array>;
  }

  async spec(job: string): Promise<JobSpec> {
    return decodeJobSpec(await this.#call('spec', { job }));
  }

  /** What is answered item by item, as there may be more than a frame can carry. */
  async #list(method: string, params: unknown): Promise<unknown[]> {
    const items: unknown[] = [];
    for await (const item of this.rpc.stream(`${this.#prefix}${method}`, params)) items.push(item);
    return items;
  }

  #call(method: string, params: unknown): Promise<unknown> {
    return this.rpc.call(`${this.#prefix}${method}`, params);
  }
}

/** A service in another process, asked over `rpc`. */
export class RemoteService extends RemoteJobs implements Service {
  readonly copies: CopyService;
  readonly #logs: LogSearch;
  readonly #close: () => void;

  constructor(rpc: RpcClient, close: () => void) {
    super(rpc);
    this.copies = new RemoteCopies(rpc);
    this.#logs = remoteSearch(rpc);
    this.#close = close;
  }

  searchLogs(pattern: string, signal?: AbortSignal): AsyncIterable<FoundLines> {
    return this.#logs.searchLogs(pattern, signal);
  }

  async create(file: string): Promise<FileInfo> {
    return (await this.rpc.call('fs.create', { name: file })) as FileInfo;
  }

  async append(file: string, data: Uint8Array): Promise<number> {
    let length = 0;
    let at = 0;
    do {
      const piece = data.subarray(at, at + APPEND_BYTES_MAX);
      length = (await this.rpc.call('fs.append', { name: file }, undefined, [piece])) as number;
      at += piece.length;
    } while (at < data.length);
    return length;
  }

  async stat(file: string): Promise<FileInfo> {
    return (await this.rpc.call('fs.stat', { name: file })) as FileInfo;
  }

  async list(prefix: string): Promise<readonly FileInfo[]> {
    return (await this.rpc.call('fs.list', { prefix })) as FileInfo[];
  }

  async remove(file: string): Promise<void> {
    await this.rpc.call('fs.remove', { name: file });
  }

  read(file: string, from?: number, to?: number): AsyncIterable<Uint8Array> {
    const params = {
      name: file,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    return bulkBytes(this.rpc.stream('fs.read', params));
  }

  tail(file: string, from: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return bulkBytes(this.rpc.stream('fs.tail', { name: file, from }, signal));
  }

  async close(): Promise<void> {
    this.#close();
  }
}
