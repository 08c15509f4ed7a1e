/**
 * The log of a job: what its leaders noted, one JSON object a line, in HyDFS as `jobs/<id>/log`, so
 * that it outlives them and can be read at any node.
 *
 * Invariants
 *   O1  The file is made when the job is submitted, or with the first line of a later leader when the one
 *       that took it in died before; never for a job that is forgotten.
 *   O2  Lines of a job are appended in their order, those that wait together; a job never waits for
 *       them, and what waits is bounded.
 *   O3  A line that cannot be written is told in the log of the node, and is no fault of the job.
 */
import { isFault, type Logger, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import type { JobEvent } from '../leader/index.ts';

/** Lines of one job that may wait. */
const WAITING_MAX = 1024;

/** The HyDFS name of the log of `job`. */
export function jobLogName(job: string): string {
  return `jobs/${job}/log`;
}

interface Waiting {
  make: boolean;
  lines: string[];
  dropped: number;
}

export interface JobLogOptions {
  readonly fs: FileSystem;
  readonly log: Logger;
  /** whether a job is remembered */
  readonly isKnown: (job: string) => boolean;
}

export class JobLog {
  readonly #fs: FileSystem;
  readonly #log: Logger;
  readonly #isKnown: (job: string) => boolean;
  readonly #waiting = new Map<string, Waiting>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor({ fs, log, isKnown }: JobLogOptions) {
    this.#fs = fs;
    this.#log = log;
    this.#isKnown = isKnown;
  }

  /** Adds a line to the log of `job`. */
  note(job: string, event: JobEvent): void {
    const waiting = this.#waiting.get(job) ?? { make: false, lines: [], dropped: 0 };
    this.#waiting.set(job, waiting);
    if (event.kind === 'job-submitted') waiting.make = true;
    if (waiting.lines.length < WAITING_MAX) waiting.lines.push(JSON.stringify(event));
    else waiting.dropped += 1;
    if (this.#writing.has(job)) return;
    const writing = this.#write(job).finally(() => this.#writing.delete(job));
    this.#writing.set(job, writing);
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async #write(job: string): Promise<void> {
    for (;;) {
      const waiting = this.#waiting.get(job);
      if (waiting === undefined) return;
      this.#waiting.delete(job);
      const { lines, dropped } = waiting;
      try {
        if (waiting.make) await this.#make(job);
        await this.#append(job, Buffer.from(`${lines.join('\n')}\n`));
        if (dropped > 0) this.#log.warn('lines of a job log were dropped', { job, dropped });
      } catch (error) {
        if (isFault(error, 'FILE_MISSING')) continue; // O1
        this.#log.warn('a job log was not written', { job, reason: reasonOf(error) });
      }
    }
  }

  /** O1. */
  async #append(job: string, lines: Uint8Array): Promise<void> {
    const name = jobLogName(job);
    try {
      await this.#fs.append(name, lines);
    } catch (error) {
      if (!isFault(error, 'FILE_MISSING') || !this.#isKnown(job)) throw error;
      await this.#make(job);
      await this.#fs.append(name, lines);
    }
  }

  async #make(job: string): Promise<void> {
    await this.#fs.create(jobLogName(job)).catch((error: unknown) => {
      if (!isFault(error, 'FILE_EXISTS')) throw error;
    });
  }
}
