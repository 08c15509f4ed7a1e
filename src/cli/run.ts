/** `rainstorm run`: a job in this process, or one of a cluster, followed to its end. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fault, isFault, reasonOf } from '../core/index.ts';
import type { JobView } from '../leader/index.ts';
import {
  Exporter,
  type LocalService,
  Node,
  type NodeAddresses,
  ownerOf,
  type Submitted,
} from '../node/index.ts';
import {
  type JobSpec,
  type Location,
  parseJobFile,
  parsePositional,
  planJob,
} from '../plan/index.ts';
import { destinationFileName, locate } from '../worker/index.ts';
import { runInCluster } from './cluster-run.ts';
import type { ExitCode } from './command.ts';
import type { CommandLine, Flags } from './command-line.ts';
import { targetOf } from './commands/reach.ts';
import { Following } from './following.ts';
import { type Io, write } from './io.ts';
import { tellOfPackages } from './packages-note.ts';
import { clusterOnHosts, givenHosts } from './provisioning.ts';

/** Exit code of a run that was interrupted and can be resumed (128 + SIGINT). */
const INTERRUPTED = 130;

/** Runs the job that `line` names, by a job file or in the positional form. */
export async function run(line: CommandLine, io: Io): Promise<ExitCode> {
  const spec = await readSpec(line, io);
  const run = { spec, io, flags: line.flags };
  if (wantsHosts(line, io)) {
    return runInCluster({ ...run, target: await clusterOnHosts(line, io, programOf(line)) });
  }
  const target = targetOf(line, io);
  if (target.kind === 'cluster') return runInCluster({ ...run, target });
  const forCluster = (['detach', 'print'] as const).find((flag) => line.given.includes(flag));
  if (forCluster !== undefined) {
    const owner = await ownerOf(target.dir);
    if (owner !== null) return runInCluster({ ...run, target: owner });
    throw fault('USAGE', {
      problem: `--${forCluster} is for jobs of a cluster, give --cluster or the --data of a node`,
    });
  }
  const node = await openNode(line, io, target.dir);
  if (!(node instanceof Node)) return runInCluster({ ...run, target: node });
  try {
    return await new Run(node.service, spec, io, line.flags).follow();
  } finally {
    await node.close();
  }
}

/** A node of its own for the run; the directory's owner instead, when that is one of a cluster. */
async function openNode(line: CommandLine, io: Io, dir: string): Promise<Node | NodeAddresses> {
  try {
    return await Node.open(nodeOptions(line.flags, io));
  } catch (error) {
    const owner = isFault(error, 'DATA_DIR_LOCKED') ? await ownerOf(dir) : null;
    if (owner !== null) return owner;
    throw error;
  }
}

/** --hosts, or RAINSTORM_HOSTS when the line does not say otherwise where the job runs. */
function wantsHosts({ flags, given }: CommandLine, io: Io): boolean {
  const elsewhere = given.includes('cluster') || given.includes('data');
  if (flags.hosts !== undefined && elsewhere) {
    throw fault('USAGE', { problem: '--hosts, --cluster and --data each say where, give one' });
  }
  return !elsewhere && givenHosts(flags, io) !== null;
}

/** The positional form names the file that is deployed. */
function programOf({ positional, words, flags }: CommandLine): string | undefined {
  return flags.bin ?? (positional ? words[0] : undefined);
}

async function readSpec(line: CommandLine, io: Io): Promise<JobSpec> {
  if (line.positional) return parsePositional(line.words, io.cwd).spec;
  const path = resolve(io.cwd, line.words[1]);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fault('JOB_FILE_UNREADABLE', { path: line.words[1], reason: reasonOf(error) }, error);
  });
  return parseJobFile(text, line.words[1], dirname(path));
}

function nodeOptions(flags: Flags, io: Io): Parameters<typeof Node.open>[0] {
  const { transport, sync, threads } = flags;
  if (transport !== 'in-process' && transport !== 'tcp') {
    throw fault('USAGE', { problem: `--transport is in-process or tcp, not ${transport}` });
  }
  if (sync !== 'always' && sync !== 'group' && sync !== 'os') {
    throw fault('USAGE', { problem: `--sync is always, group or os, not ${sync}` });
  }
  return { data: resolve(io.cwd, flags.data), transport, sync, threads };
}

/** One run of one job, from submission to the summary. */
class Run {
  readonly #service: LocalService;
  readonly #spec: JobSpec;
  readonly #io: Io;
  readonly #flags: Flags;
  readonly #destination: Location;
  readonly #following: Following;
  #interrupts = 0;

  constructor(service: LocalService, spec: JobSpec, io: Io, flags: Flags) {
    this.#service = service;
    this.#spec = spec;
    this.#io = io;
    this.#flags = flags;
    this.#destination = locate(spec, spec.sink.file);
    const startedAt = io.clock.now();
    this.#following = new Following({ service, spec, io, quiet: flags.quiet, startedAt });
  }

  async follow(): Promise<ExitCode> {
    const { overwrite, restart } = this.#flags;
    await tellOfPackages(this.#spec, this.#io);
    const submitted = await this.#service.submit({ spec: this.#spec, overwrite, restart });
    await this.#announce(submitted);
    const { job } = submitted;
    const exporter = await this.#openExport(job);
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => undefined); // raced below; a failure after the end is finish()'s
    exporter?.start(broken.reject);
    const off = this.#io.onInterrupt(() => this.#interrupted(job));
    try {
      const first = await this.#service.job(job);
      const view = await Promise.race([this.#following.watch(job), broken.promise]);
      await exporter?.finish(view.state === 'finished' || view.state === 'stopped');
      return await this.#conclude(view, first);
    } finally {
      off();
    }
  }

  async #announce(submitted: Submitted): Promise<void> {
    const { name } = this.#spec;
    const id = submitted.job.slice(0, 8);
    if (submitted.kind === 'new') return this.#say(`job ${name} (${id}) starts`);
    if (submitted.kind === 'ended') {
      return this.#say(`job ${name} (${id}) had finished; its output is being completed`);
    }
    const from = submitted.from.map(({ file, line }) => `${file} line ${line + 1}`).join(', ');
    await this.#say(`job ${name} (${id}) is resumed; reading goes on at ${from}`);
  }

  async #openExport(job: string): Promise<Exporter | null> {
    if (this.#destination.kind === 'hydfs') return null;
    const plan = planJob(job, this.#spec);
    // The last stage makes the file at its start; following begins with it, empty or not.
    await this.#service.fs.create(destinationFileName(plan)).catch((error: unknown) => {
      if (!isFault(error, 'FILE_EXISTS')) throw error;
    });
    return Exporter.open(this.#service.fs, plan, this.#destination.path);
  }

  /** Ctrl-C: the first one winds down, the second one leaves at once; both lose nothing. */
  #interrupted(job: string): void {
    this.#interrupts += 1;
    if (this.#interrupts > 1) this.#io.exit(INTERRUPTED);
    void this.#say('stopping: what is in flight is being committed (again to leave at once)');
    this.#service.suspend(job).catch((error: unknown) => {
      if (!isFault(error, 'JOB_STATE_REFUSED')) void this.#say(reasonOf(error));
    });
  }

  async #conclude(view: JobView, first: JobView): Promise<ExitCode> {
    await this.#following.conclude(view, first);
    if (view.state !== 'suspended') return 0;
    await this.#say('run the same command again to go on from here');
    return this.#spec.sources.some(({ follow }) => follow) ? 0 : INTERRUPTED;
  }

  #say(text: string): Promise<void> {
    return write(this.#io.stderr, `${text}\n`);
  }
}
