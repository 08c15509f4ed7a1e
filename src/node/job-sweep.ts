/**
 * Removes what jobs leave in HyDFS when they are forgotten.
 *
 * 1. A job that disappears from the control log takes its files along, whichever way it went: by the
 *    next run of its name, or because too many ended ones were remembered.
 * 2. Files of jobs that no control log knows are leftovers of a leader that died while it removed them,
 *    or of someone who died while submitting; they go when they are old, at the next change of leader.
 */
import type { ControlLog } from '../control/index.ts';
import { type Clock, isFault, type Logger, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { onForgotten } from './forgotten-jobs.ts';

/** Longer than any submission takes. */
const LEFTOVER_MS = 3_600_000;
/** Only what belongs to a job by its id: `jobs/` may begin names of files of people as well. */
const JOB_FILE = /^jobs\/([0-9a-f]{32})\//;

export interface JobSweepOptions {
  readonly control: ControlLog;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly log: Logger;
}

export class JobSweep {
  readonly #options: JobSweepOptions;
  readonly #unsubscribe: () => void;
  readonly #working = new Set<Promise<void>>();

  constructor(options: JobSweepOptions) {
    this.#options = options;
    this.#unsubscribe = onForgotten(options.control, (job) => {
      this.#attempt(() => this.#forget(job));
    });
    this.#attempt(() => this.#leftovers());
  }

  close(): void {
    this.#unsubscribe();
  }

  /** Resolves when what was begun is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  #attempt(work: () => Promise<void>): void {
    const working = work()
      .catch((error: unknown) => {
        this.#options.log.warn('files of a forgotten job stay', { reason: reasonOf(error) });
      })
      .finally(() => this.#working.delete(working));
    this.#working.add(working);
  }

  async #forget(job: string): Promise<void> {
    for (const name of await this.#options.fs.list(`jobs/${job}/`)) await this.#remove(name);
  }

  async #leftovers(): Promise<void> {
    const { control, fs, clock } = this.#options;
    const isKnown = (job: string): boolean => control.state.jobs.has(job);
    for (const name of await fs.list('jobs/')) {
      const job = JOB_FILE.exec(name)?.at(1);
      if (job === undefined || isKnown(job)) continue;
      const info = await fs.stat(name).catch((error: unknown) => {
        if (isFault(error, 'FILE_MISSING')) return null;
        throw error;
      });
      if (info === null || clock.wall() - info.createdAt < LEFTOVER_MS) continue;
      if (!isKnown(job)) await this.#remove(name);
    }
  }

  async #remove(name: string): Promise<void> {
    await this.#options.fs.remove(name).catch((error: unknown) => {
      if (!isFault(error, 'FILE_MISSING')) throw error;
    });
  }
}
