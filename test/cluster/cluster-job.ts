/**
 * One job on a cluster of real processes, looked at from outside while something happens to it.
 *
 *   const job = await ClusterJob.submit(cluster, { name: 'count', seed: 1, lines: 20_000, rate: 2000 });
 *   await job.reaches(5000);                    // lines in the destination
 *   await victim.kill();
 *   t.log(await job.isExact());                 // waits for its end; the oracle's word, and verify's
 *
 * 1. The job is submitted and asked about as a user does it, at any node that lives.
 * 2. It counts as exact when it has finished or was drained, the independent oracle finds each
 *    effect once in its destination, and its logs prove it.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isFault, present } from '../../src/core/index.ts';
import type { JobView, TaskView } from '../../src/leader/index.ts';
import { reachService, type Service } from '../../src/node/index.ts';
import { deadLettersFileName } from '../../src/plan/index.ts';
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
  /** Width of a line. */
  readonly padding?: number;
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

  /** The job's log, as it is in HyDFS. */
  async log(): Promise<string> {
    const { job } = await this.view();
    return this.ask(async (service) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of service.read(`jobs/${job}/log`)) pieces.push(piece);
      return Buffer.concat(pieces).toString();
    });
  }

  /** What the leader says about the last events. */
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

  /** Resolves with the task called `name` once `holds` is true of it. */
  async untilTask(name: string, holds: (task: TaskView) => boolean): Promise<TaskView> {
    const look = async (): Promise<TaskView | undefined> =>
      (await this.tasks()).find((task) => task.name === name && holds(task));
    return until(look, { what: `a state of ${name}`, deadlineMs: LONG_MS });
  }

  /** Resolves with the tasks once all of them run, or have run. */
  async settled(): Promise<readonly TaskView[]> {
    const names = (await this.tasks()).map(({ name }) => name);
    await this.movedOn(names, []);
    return this.tasks();
  }

  /** Resolves when each of the tasks `names` runs again, in an attempt later than in `before`. */
  async movedOn(names: readonly string[], before: readonly TaskView[]): Promise<void> {
    const epochs = new Map(before.map(({ name, epoch }) => [name, epoch]));
    const isOn = ({ name, epoch, state }: TaskView): boolean =>
      epoch > (epochs.get(name) ?? 0) && ['running', 'finished', 'done'].includes(state);
    let last = '';
    const areOn = async (): Promise<boolean> => {
      const tasks = await this.tasks().catch((error: Error) => error);
      if (tasks instanceof Error) {
        last = tasks.message;
        return false;
      }
      last = tasks
        .map(({ name, state, epoch, vm }) => `${name} ${state} ${epoch} ${vm}`)
        .join(', ');
      return names.every((name) => tasks.some((task) => task.name === name && isOn(task)));
    };
    const what = `the next attempts of ${names.join(', ')}`;
    await until(areOn, { what, deadlineMs: LONG_MS }).catch(async (error: Error) => {
      const story = await this.story();
      throw new Error(`${error.message}; last seen: ${last}; ${story}`, { cause: error });
    });
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

  /**
   * Waits for the end: finished or drained, and by the oracle and by its logs exact for all that was
   * read. What the oracle says.
   */
  async isExact(): Promise<string> {
    const ended = ({ state }: JobView): boolean =>
      ['finished', 'stopped', 'failed'].includes(state);
    const view = await this.#until(ended, `the end of ${this.title}`, END_MS);
    if (view.state === 'failed') throw new Error(`${this.title} failed: ${view.reason}`);
    const { dir, oracle } = this.#job;
    const destination = join(dir, 'out.txt');
    await this.#anywhere(['fs', 'get', this.#output, destination]);
    const verdict = await this.ask((service) => service.verify(this.title));
    if (!verdict.proved)
      throw new Error(`verify refutes ${this.title}: ${JSON.stringify(verdict)}`);
    const letters = oracle.includes('--poison') ? ['--letters', await this.#letters(view.job)] : [];
    const files = ['--destination', destination, '--sources', ...this.#readOf(view)];
    return askOracle([...oracle, ...letters, ...files]);
  }

  /** Ends the job where its sources are, then `isExact`. */
  async drainsExactly(): Promise<string> {
    await this.ask((service) => service.stop(this.title, 'end'));
    return this.isExact();
  }

  /** The sources; of a job that was stopped the lines that it has read, which are never all of them. */
  #readOf(view: JobView): readonly string[] {
    if (view.state === 'finished') return this.#job.sources;
    const count = view.stages.at(0)?.counts.in ?? 0;
    return this.#job.sources.map((path) => {
      const lines = readFileSync(path, 'utf8').split('\n');
      const read = join(this.#job.dir, 'read', basename(path));
      mkdirSync(dirname(read), { recursive: true });
      writeFileSync(read, `${lines.slice(0, count).join('\n')}\n`);
      return read;
    });
  }

  /** The dead letter file, as a file here; an empty one when there is none. */
  async #letters(job: string): Promise<string> {
    const path = join(this.#job.dir, 'letters.jsonl');
    const name = deadLettersFileName(job);
    const isThere = await this.ask((service) => service.list(name));
    if (isThere.length === 0) writeFileSync(path, '');
    else await this.#anywhere(['fs', 'get', name, path]);
    return path;
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
  const { name, seed, lines, rate, more = '', padding = 40, tasks } = options;
  const dir = join(cluster.dir, `job-${name}-${seed}`);
  mkdirSync(dir);
  const source = `rate: ${rate}`;
  const written = {
    seed,
    lines,
    padding,
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
