/**
 * The file into which a task's operators write their stderr.
 *
 * 1. At `LOG_BYTES_MAX` the file becomes `<path>.1` (the older one is dropped) and begins anew.
 * 2. More than `RATE_BYTES_MAX` in a second is dropped, and a line says how much: a script that
 *    prints for every tuple must not fill the disk or stop the job.
 * 3. A log that cannot be written is given up with one warning; the job matters more.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, type Logger, reasonOf } from '../core/index.ts';
import type { TaskLogSink } from './types.ts';

const LOG_BYTES_MAX = 4 * 1024 * 1024;
const RATE_BYTES_MAX = 512 * 1024;
const RATE_WINDOW_MS = 1000;

export interface TaskLogOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Size at which the file is rotated. */
  readonly bytesMax?: number;
  /** Bytes accepted per second. */
  readonly rateMax?: number;
}

/** A bounded, rotated log file; opened at the first write. */
export class TaskLog implements TaskLogSink {
  readonly #options: TaskLogOptions;
  #fd: number | null = null;
  #size = 0;
  #windowStart = Number.NEGATIVE_INFINITY;
  #windowBytes = 0;
  #dropped = 0;
  #broken = false;

  constructor(options: TaskLogOptions) {
    this.#options = options;
  }

  write(bytes: Uint8Array): void {
    if (this.#broken) return;
    const now = this.#options.clock.now();
    if (now - this.#windowStart >= RATE_WINDOW_MS) {
      this.#windowStart = now;
      this.#windowBytes = 0;
      this.#tellDropped();
    }
    this.#windowBytes += bytes.length;
    if (this.#windowBytes > (this.#options.rateMax ?? RATE_BYTES_MAX))
      this.#dropped += bytes.length;
    else this.#append(bytes);
  }

  close(): void {
    this.#tellDropped();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#broken = true;
  }

  #tellDropped(): void {
    if (this.#dropped === 0 || this.#broken) return;
    const line = `... ${this.#dropped} bytes of stderr dropped, too many per second\n`;
    this.#dropped = 0;
    this.#append(Buffer.from(line));
  }

  #append(bytes: Uint8Array): void {
    try {
      const fd = this.#open();
      this.#size += writeSync(fd, bytes);
      if (this.#size >= (this.#options.bytesMax ?? LOG_BYTES_MAX)) this.#rotate(fd);
    } catch (error) {
      this.#broken = true;
      const { logger, path } = this.#options;
      logger.warn('the task log cannot be written any more', { path, reason: reasonOf(error) });
    }
  }

  #open(): number {
    if (this.#fd !== null) return this.#fd;
    mkdirSync(dirname(this.#options.path), { recursive: true });
    this.#fd = openSync(this.#options.path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
    return this.#fd;
  }

  #rotate(fd: number): void {
    closeSync(fd);
    this.#fd = null;
    renameSync(this.#options.path, `${this.#options.path}.1`);
  }
}
