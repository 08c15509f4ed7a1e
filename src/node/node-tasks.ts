/**
 * What can be asked about the tasks of one node: their log files, and that an operator be killed.
 *
 * Invariants
 *   M1  Only a process that is an operator of a task of this node is ever signalled: with its group,
 *       and without a word to anybody, as if it had crashed.
 *   M2  A log file is named by job, stage, index and part; no request can name a path.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { fault, isFault } from '../core/index.ts';
import { type RpcMethods, streaming, unary } from '../transport/index.ts';
import type { Worker } from '../worker/index.ts';
import type { DataDir } from './data-dir.ts';

/** What a job is called in requests: hexadecimal digits, as its id, and nothing that leads elsewhere. */
const jobId = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/);
const index = z.int().nonnegative();
const logId = z.strictObject({ job: jobId, stage: index, index, older: z.boolean() });
const FILE_FORM = /^(\d+)-(\d+)\.log(\.1)?$/;

/** One part of the log of a task; the older part was filled before the other began. */
export type LogId = z.infer<typeof logId>;

/** A log file and where it is. */
export interface LogFile extends LogId {
  /** address of the node that keeps it */
  readonly vm: string;
  readonly path: string;
  readonly bytes: number;
}

export interface NodeTasksOptions {
  readonly worker: Worker;
  readonly dir: DataDir;
  /** what the node is called in lists */
  readonly vm: string;
}

export class NodeTasks {
  readonly vm: string;
  readonly #worker: Worker;
  readonly #dir: DataDir;

  constructor({ worker, dir, vm }: NodeTasksOptions) {
    this.vm = vm;
    this.#worker = worker;
    this.#dir = dir;
  }

  /** Kills the operator with the process id `pid` (M1); says whose it was. @throws PID_UNKNOWN */
  kill(pid: number): { readonly task: string } {
    const task = this.#worker.killOperator(pid);
    if (task === null) throw fault('PID_UNKNOWN', { vm: this.vm, pid });
    return { task };
  }

  /** The log files of a job that are kept here, oldest part first. */
  async logs(job: string): Promise<LogFile[]> {
    const folder = dirname(this.#dir.taskLog({ job, stage: 0, index: 0 }));
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const files: LogFile[] = [];
    for (const name of names) {
      const found = FILE_FORM.exec(name);
      if (found === null) continue;
      const [, stage, task, older] = found;
      const id = { job, stage: Number(stage), index: Number(task), older: older !== undefined };
      const path = this.#path(id);
      const size = await stat(path).catch(() => null); // rotated at this moment
      if (size !== null) files.push({ ...id, vm: this.vm, path, bytes: size.size });
    }
    return files.sort(
      (a, b) => a.stage - b.stage || a.index - b.index || Number(b.older) - Number(a.older),
    );
  }

  /** The bytes of a log file. @throws LOG_FILE_MISSING */
  async *readLog(id: LogId): AsyncGenerator<Uint8Array> {
    const path = this.#path(id);
    try {
      for await (const bytes of createReadStream(path)) yield bytes as Uint8Array;
    } catch (error) {
      if (isFault(error) || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw fault('LOG_FILE_MISSING', { file: basename(path), vm: this.vm }, error);
    }
  }

  /** The same as requests of other nodes. */
  methods(): RpcMethods {
    return {
      'node.kill-operator': unary(z.strictObject({ pid: index }), async ({ pid }) =>
        this.kill(pid),
      ),
      'node.logs': unary(z.strictObject({ job: jobId }), ({ job }) => this.logs(job)),
      'node.read-log': streaming(logId, (id) => this.readLog(id)),
    };
  }

  #path(id: LogId): string {
    return `${this.#dir.taskLog(id)}${id.older ? '.1' : ''}`;
  }
}

export { logId as logIdSchema };
