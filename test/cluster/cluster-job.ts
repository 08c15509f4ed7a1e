/**
 * One job on a cluster of real processes, looked at from outside while something happens to it.
 *
 *   const job = await ClusterJob.submit(cluster, { name: 'count', seed: 1, lines: 20_000, rate: 2000 });
 *   await job.reaches(5000);                    // lines in the destination
 *   await victim.kill();
 *   t.log(await job.isExact());                 // waits for its end; the oracle's word, and verify's
 *
 * 1. The job is submitted and asked about as a user does it, at any node that lives.
 * 2. It counts as exact when it has finished, the independent oracle finds each effect once in its
 *    destination, and its logs prove it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFault, present } from '../../src/core/index.ts';
import type { JobView, TaskView } from '../../src/leader/index.ts';
import { reachService, type Service } from '../../src/node/index.ts';
import { type CrashJob, type JobName, writeJob } from '../crash/jobs.ts';
import { askOracle } from '../crash/kills.ts';
import { until } from '../helpers/poll.ts';
import { type Cluster, type ClusterProcess, type Exit, LONG_MS } from './cluster.ts';

/** A job that was disturbed, on a busy machine. */
const END_MS = 150_000;

export interface ClusterJobOptions {
  readonly name: JobName;
  readonly seed: number;
  readonly lines: number;
  /** Tuples a second, so that the job lasts. */
  readonly rate: number;
  readonly tasks?: number;
  /** More lines of the job file. */
  readonly more?: string;
}

export class ClusterJob {
  readonly title: string;
  readonly #cluster: Cluster;
  readonly #job: CrashJob;
  readonly #output: string;
  /** Who is asked; null: whoever lives. */
  readonly #nodes: readonly ClusterProcess[] | null;

  private constructor(
    cluster: Cluster,
    job: CrashJob,
    output: string,
    nodes: readonly ClusterProcess[] | null = null,
  ) {
    this.#cluster = cluster;
    this.#job = job;
    this.#output = output;
    this.#nodes = nodes;
    this.title = job.title;
  }

  /** The same job, asked about at `nodes` only. */
  at(nodes: readonly ClusterProcess[]): ClusterJob {
    return new ClusterJob(this.#cluster, this.#job, this.#output, nodes);
  }

  /** Writes the job and its source, stores the source, and submits the job at one of the nodes. */
  static async submit(
    cluster: Cluster,
    options: ClusterJobOptions,
    at: ClusterProcess = present(cluster.living.at(0), 'a node lives'),
  ): Promise<ClusterJob> {
    const job = prepare(cluster, options);
    const output = `${job.title}.txt`;
    const made = new ClusterJob(cluster, job, output);
    const source = present(job.sources.at(0), 'a job has a source');
    await made.#run(at, ['fs', 'create', `${job.title}.csv`]);
    await made.#run(at, ['fs', 'append', `${job.title}.csv`, source]);
    await made.#submit(at, []);
    return made;
  }

  /** Submits the same job under the same name once more, with `flags`. */
  async submitAgain(flags: readonly string[], nodes = this.#cluster.living): Promise<void> {
    await this.#submit(present(nodes.at(0), 'a node lives'), flags);
  }

  async #submit(at: ClusterProcess, flags: readonly string[]): Promise<void> {
    const where = ['--cluster', at.address, ...this.#cluster.keyFlags];
    const file = join(this.#job.dir, 'job.yaml');
    const ended = await this.#cluster.run(['run', file, '--detach', ...flags, ...where], at);
    if (ended.code !== 0) throw new Error(`${this.title} was not submitted: ${ended.stderr}`);
  }

  /** Asks a node that lives; another one when the first does not answer. */
  async ask<T>(body: (service: Service) => Promise<T>): Promise<T> {
    const errors: unknown[] = [];
    for (const node of this.#nodes ?? this.#cluster.living) {
      try {
        return await askAt(node, body);
      } catch (error) {
        errors.push(error);
      }
    }
    throw errors.at(-1) ?? new Error('no node lives');
  }

  view(): Promise<JobView> {
    return this.ask((service) => service.job(this.title));
  }

  tasks(): Promise<readonly TaskView[]> {
    return this.ask((service) => service.tasks(this.title));
  }

  /** The last lines of the job's log. */
  async story(): Promise<string> {
    const { events } = await this.view();
    return events
      .slice(-30)
      .map(({ at, text }) => `${new Date(at).toISOString()} ${text}`)
      .join('\n');
  }

  /** Resolves with the tasks once the job has read `lines` lines of its source. */
  async reads(lines: number): Promise<readonly TaskView[]> {
    const read = ({ stages }: JobView): boolean => (stages.at(0)?.counts.in ?? 0) >= lines;
    await this.#until(read, `${lines} lines read by ${this.title}`, LONG_MS);
    return this.tasks();
  }

  /** Bytes in the destination. */
  async length(): Promise<number> {
    return this.ask((service) => service.stat(this.#output)).then(
      (info) => info.length,
      (error: unknown) => {
        if (isFault(error, 'FILE_MISSING')) return 0;
        throw error;
      },
    );
  }

  /** Resolves with the length once the destination holds `bytes` bytes. */
  async writes(bytes: number): Promise<number> {
    return until(
      async () => {
        const length = await this.length().catch(() => 0);
        return length >= bytes ? length : null;
      },
      { what: `${bytes} bytes written by ${this.title}`, deadlineMs: LONG_MS },
    );
  }

  /** Resolves when the job is in `state`. */
  async ends(state: JobView['state']): Promise<void> {
    await this.#until((view) => view.state === state, `${this.title} ${state}`, LONG_MS);
  }

  /** Waits for the end: finished, and by the oracle and by its logs exact. What the oracle says. */
  async isExact(): Promise<string> {
    const ended = ({ state }: JobView): boolean => ['finished', 'failed'].includes(state);
    const view = await this.#until(ended, `the end of ${this.title}`, END_MS);
    if (view.state !== 'finished') throw new Error(`${this.title} ${view.state}: ${view.reason}`);
    const { dir, oracle, sources } = this.#job;
    const destination = join(dir, 'out.txt');
    await this.#anywhere(['fs', 'get', this.#output, destination]);
    const verdict = await this.ask((service) => service.verify(this.title));
    if (!verdict.proved)
      throw new Error(`verify refutes ${this.title}: ${JSON.stringify(verdict)}`);
    return askOracle([...oracle, '--destination', destination, '--sources', ...sources]);
  }

  /** Runs a command at any node that lives. */
  async #anywhere(args: readonly string[]): Promise<Exit> {
    return this.#run(present(this.#cluster.living.at(0), 'a node lives'), args);
  }

  async #run(at: ClusterProcess, args: readonly string[]): Promise<Exit> {
    const ended = await this.#cluster.run([...args, '--data', at.data]);
    if (ended.code === 0) return ended;
    throw new Error(`${args.join(' ')} at ${at.address} ended with ${ended.code}: ${ended.stderr}`);
  }

  async #until(
    holds: (view: JobView) => boolean,
    what: string,
    deadlineMs: number,
  ): Promise<JobView> {
    let last = 'it was never answered';
    const look = async (): Promise<JobView | null> => {
      const view = await this.view().catch((error: Error) => error);
      if (view instanceof Error) last = view.message;
      else {
        last = JSON.stringify({
          state: view.state,
          stages: view.stages,
          events: view.events.slice(-20),
        });
        if (holds(view)) return view;
      }
      return null;
    };
    try {
      return await until(look, { what, deadlineMs });
    } catch (error) {
      throw new Error(`${(error as Error).message}; last seen: ${last}`, { cause: error });
    }
  }
}

async function askAt<T>(node: ClusterProcess, body: (service: Service) => Promise<T>): Promise<T> {
  const service = await reachService(node.data, { make: false });
  try {
    return await body(service);
  } finally {
    await service.close();
  }
}

/** The job with names of its own: all jobs of a cluster share one file system. */
function prepare(cluster: Cluster, options: ClusterJobOptions): CrashJob {
  const { name, seed, lines, rate, more = '', tasks } = options;
  const dir = join(cluster.dir, `job-${name}-${seed}`);
  mkdirSync(dir);
  const source = `rate: ${rate}`;
  const written = {
    seed,
    lines,
    padding: 40,
    source,
    more,
    ...(tasks === undefined ? {} : { tasks }),
  };
  const job = writeJob(dir, name, written);
  const local = join(dir, `${job.title}.csv`);
  renameSync(join(dir, 'in.csv'), local);
  const file = join(dir, 'job.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace('in.csv', `${job.title}.csv`).replace('out.txt', `${job.title}.txt`),
  );
  return { ...job, sources: [local] };
}
