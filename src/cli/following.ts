/** What a run shows of its job, wherever that runs: progress, a summary, the first lines. */
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { fault } from '../core/index.ts';
import type { JobView } from '../leader/index.ts';
import type { Service } from '../node/index.ts';
import { deadLettersFileName, type JobSpec, planJob } from '../plan/index.ts';
import { destinationFileName, locate } from '../worker/index.ts';
import { FIRST_LINES_MAX, type JobSummary, ProgressView, renderSummary } from './format/index.ts';
import { type Io, write } from './io.ts';
import { progressOf, type SourceSizes } from './progress.ts';

/** Bytes of the output that are looked at for its first lines. */
const EXCERPT_BYTES = 16 * 1024;

export interface FollowingOptions {
  readonly service: Service;
  readonly spec: JobSpec;
  readonly io: Io;
  readonly quiet: boolean;
  /** on `io.clock` */
  readonly startedAt: number;
}

export class Following {
  readonly #options: FollowingOptions;
  readonly #view: ProgressView;

  constructor(options: FollowingOptions) {
    const { spec, io } = options;
    this.#options = options;
    this.#view = new ProgressView({
      title: spec.name,
      output: io.stderr,
      clock: io.clock,
      terminal: () => io.terminal('stderr'),
    });
  }

  /** Draws nothing while `isHeld`: something else is on the screen. */
  hold(isHeld: boolean): void {
    this.#view.hold(isHeld);
  }

  /** Shows the job until it rests or `signal` aborts; gives what was seen last. */
  async watch(job: string, signal?: AbortSignal): Promise<JobView> {
    const { service, quiet } = this.#options;
    const sizes = await this.#sourceSizes();
    let last = await service.job(job);
    try {
      for await (const seen of service.watch(job, signal)) {
        last = seen;
        if (!quiet) this.#view.update(progressOf(seen, sizes, this.#elapsed()));
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    } finally {
      this.#view.finish();
    }
    return last;
  }

  /**
   * Says how the job ended. `first`: where it stood when this run began.
   * @throws JOB_FAILED
   */
  async conclude(view: JobView, first: JobView): Promise<void> {
    const { io } = this.#options;
    if (view.state === 'failed') {
      throw fault('JOB_FAILED', { name: view.name, reason: view.reason ?? '' });
    }
    const summary = await this.#summary(view, first);
    await this.say(renderSummary(summary, io.terminal('stderr')));
  }

  say(text: string): Promise<void> {
    return write(this.#options.io.stderr, `${text}\n`);
  }

  async #sourceSizes(): Promise<SourceSizes> {
    const { service, spec } = this.#options;
    let total: number | null = 0;
    for (const source of spec.sources) {
      if (source.follow) total = null;
      if (total === null) break;
      const location = locate(spec, source.file);
      total +=
        location.kind === 'local'
          ? (await stat(location.path)).size
          : (await service.stat(location.name)).length;
    }
    return { total };
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
    const { spec, io } = this.#options;
    const destination = locate(spec, spec.sink.file);
    if (destination.kind === 'hydfs') return `hydfs:${destination.name}`;
    const path = relative(io.cwd, destination.path);
    return path.startsWith('..') ? destination.path : path;
  }

  async #firstLines(view: JobView): Promise<string[]> {
    const { service, spec } = this.#options;
    const name = destinationFileName(planJob(view.job, spec));
    const pieces: Uint8Array[] = [];
    const { length } = await service.stat(name);
    for await (const piece of service.read(name, 0, Math.min(length, EXCERPT_BYTES))) {
      pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString('utf8');
    return text
      .split('\n')
      .slice(0, FIRST_LINES_MAX)
      .filter((line) => line !== '');
  }

  #elapsed(): number {
    const { io, startedAt } = this.#options;
    return io.clock.now() - startedAt;
  }
}
