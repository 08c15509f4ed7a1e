/** `rainstorm run`: a job in this process, followed to its end. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fault, isFault, reasonOf } from '../core/index.ts';
import type { JobView } from '../leader/index.ts';
import { Exporter, type LocalService, Node, type Submitted } from '../node/index.ts';
import {
  deadLettersFileName,
  type JobSpec,
  type Location,
  parseJobFile,
  parsePositional,
  planJob,
} from '../plan/index.ts';
import { destinationFileName, locate } from '../worker/index.ts';
import type { ExitCode } from './command.ts';
import type { CommandLine, Flags } from './command-line.ts';
import { FIRST_LINES_MAX, type JobSummary, ProgressView, renderSummary } from './format/index.ts';
import { type Io, write } from './io.ts';
import { progressOf, type SourceSizes } from './progress.ts';

/** Bytes of the output that are looked at for its first lines. */
const EXCERPT_BYTES = 16 * 1024;
/** Exit code of a run that was interrupted and can be resumed (128 + SIGINT). */
const INTERRUPTED = 130;

/** Runs the job that `line` names, by a job file or in the positional form. */
export async function run(line: CommandLine, io: Io): Promise<ExitCode> {
  const spec = await readSpec(line, io);
  const options = nodeOptions(line.flags, io);
  const node = await Node.open(options);
  try {
    return await new Run(node.service, spec, io, line.flags).follow();
  } finally {
    await node.close();
  }
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
  readonly #startedAt: number;
  #interrupts = 0;

  constructor(service: LocalService, spec: JobSpec, io: Io, flags: Flags) {
    this.#service = service;
    this.#spec = spec;
    this.#io = io;
    this.#flags = flags;
    this.#destination = locate(spec, spec.sink.file);
    this.#startedAt = io.clock.now();
  }

  async follow(): Promise<ExitCode> {
    const { overwrite, restart } = this.#flags;
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
      const view = await Promise.race([this.#watch(job), broken.promise]);
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

  async #watch(job: string): Promise<JobView> {
    const view = new ProgressView({
      title: this.#spec.name,
      output: this.#io.stderr,
      clock: this.#io.clock,
      terminal: () => this.#io.terminal('stderr'),
    });
    const sizes = await this.#sourceSizes();
    let last = await this.#service.job(job);
    try {
      for await (const seen of this.#service.watch(job)) {
        last = seen;
        if (!this.#flags.quiet) view.update(progressOf(seen, sizes, this.#elapsed()));
      }
    } finally {
      view.finish();
    }
    return last;
  }

  async #sourceSizes(): Promise<SourceSizes> {
    let total: number | null = 0;
    for (const source of this.#spec.sources) {
      if (source.follow) total = null;
      if (total === null) break;
      const location = locate(this.#spec, source.file);
      total +=
        location.kind === 'local'
          ? (await stat(location.path)).size
          : (await this.#service.stat(location.name)).length;
    }
    return { total };
  }

  async #conclude(view: JobView, first: JobView): Promise<ExitCode> {
    if (view.state === 'failed')
      throw fault('JOB_FAILED', { name: view.name, reason: view.reason ?? '' });
    await this.#say(renderSummary(await this.#summary(view, first), this.#io.terminal('stderr')));
    if (view.state !== 'suspended') return 0;
    await this.#say('run the same command again to go on from here');
    return this.#spec.sources.some(({ follow }) => follow) ? 0 : INTERRUPTED;
  }

  async #summary(view: JobView, first: JobView): Promise<JobSummary> {
    const sum = (count: string): number =>
      view.stages.reduce((total, stage) => total + (stage.counts[count] ?? 0), 0);
    const source = view.stages[0]?.counts ?? {};
    const elapsedMs = this.#elapsed();
    const deadLetters = sum('dead');
    const sourceIn = source.in ?? 0;
    const before = first.stages[0]?.counts.in ?? 0;
    return {
      name: view.name,
      outcome: view.state === 'finished' ? 'done' : 'stopped',
      tuplesIn: sourceIn,
      filtered: sum('filtered'),
      tuplesOut: view.stages.at(-1)?.counts.out ?? 0,
      duplicatesDropped: sum('duplicates'),
      retries: sum('resent'),
      deadLetters,
      deadLettersFile: deadLetters === 0 ? null : `hydfs:${deadLettersFileName(view.job)}`,
      elapsedMs,
      rate: elapsedMs === 0 ? 0 : ((sourceIn - before) * 1000) / elapsedMs,
      output: this.#outputName(),
      firstLines: await this.#firstLines(view),
    };
  }

  #outputName(): string {
    if (this.#destination.kind === 'hydfs') return `hydfs:${this.#destination.name}`;
    const path = relative(this.#io.cwd, this.#destination.path);
    return path.startsWith('..') ? this.#destination.path : path;
  }

  async #firstLines(view: JobView): Promise<string[]> {
    const name = destinationFileName(planJob(view.job, this.#spec));
    const pieces: Uint8Array[] = [];
    const { length } = await this.#service.stat(name);
    for await (const piece of this.#service.read(name, 0, Math.min(length, EXCERPT_BYTES))) {
      pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString('utf8');
    return text
      .split('\n')
      .slice(0, FIRST_LINES_MAX)
      .filter((line) => line !== '');
  }

  #elapsed(): number {
    return this.#io.clock.now() - this.#startedAt;
  }

  #say(text: string): Promise<void> {
    return write(this.#io.stderr, `${text}\n`);
  }
}
