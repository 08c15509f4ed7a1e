import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;

/** How busy this process has been between two readings. */
export interface ProcessLoad {
  /** share of one core that was used, in thousandths */
  readonly busyPermille: number;
  /** how late the event loop was at the worst, in milliseconds */
  readonly loopDelayMs: number;
  readonly memoryMiB: number;
}

/** Measures this process; each `read` begins a new span. */
export class LoadMeter {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #cpu = process.cpuUsage();
  #at = performance.now();

  constructor() {
    this.#delay.enable();
  }

  read(): ProcessLoad {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const spanMs = Math.max(1, now - this.#at);
    const load = {
      busyPermille: (user + system) / spanMs,
      loopDelayMs: Math.max(0, this.#delay.max / 1e6 - RESOLUTION_MS),
      memoryMiB: process.memoryUsage.rss() / 2 ** 20,
    };
    this.#cpu = process.cpuUsage();
    this.#at = now;
    this.#delay.reset();
    return load;
  }

  close(): void {
    this.#delay.disable();
  }
}
