/**
 * Shows what is being done on several hosts at once.
 *
 * On a terminal one line per host is drawn again, ten times a second at most; anywhere else a line is
 * written when a host begins something else. Ends as `ProgressView` does: the cursor is never hidden
 * and the last state stays.
 */
import type { Clock, Timer } from '../../core/index.ts';
import { humanBytes, humanPercent } from './numbers.ts';
import type { Output, Terminal } from './terminal.ts';
import { displayWidth, fitText, visible } from './text.ts';

const REDRAW_MS = 100;
const CLEAR_TO_END_OF_LINE = '\x1b[K';

export interface HostStep {
  readonly host: string;
  readonly step: string;
  readonly bytes?: { readonly done: number; readonly total: number };
}

export interface HostsViewOptions {
  readonly output: Output;
  readonly terminal: () => Terminal;
  readonly clock: Clock;
}

export class HostsView {
  readonly #options: HostsViewOptions;
  readonly #latest: Map<string, HostStep>;
  readonly #width: number;
  #timer: Timer | null = null;
  #fresh = false;
  #linesOnScreen = 0;
  #finished = false;

  constructor(hosts: readonly string[], options: HostsViewOptions) {
    this.#options = options;
    this.#latest = new Map(hosts.map((host) => [host, { host, step: 'waiting' }]));
    this.#width = Math.max(...hosts.map(displayWidth));
  }

  /** Takes what a host does now; cheap, may be called at any rate. */
  update(step: HostStep): void {
    if (this.#finished) return;
    const before = this.#latest.get(step.host);
    this.#latest.set(step.host, step);
    if (!this.#options.terminal().interactive) {
      if (before?.step !== step.step) this.#options.output.write(`${lineOf(step, 0)}\n`);
      return;
    }
    this.#fresh = true;
    if (this.#timer === null) this.#draw();
  }

  /** Draws the last state and stops. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#timer?.cancel();
    if (this.#fresh) this.#write();
  }

  #draw(): void {
    this.#timer = null;
    if (!this.#fresh) return;
    this.#write();
    this.#timer = this.#options.clock.timer(REDRAW_MS, () => this.#draw());
  }

  #write(): void {
    const { columns } = this.#options.terminal();
    const up = this.#linesOnScreen === 0 ? '' : `\r\x1b[${this.#linesOnScreen}A`;
    const lines = [...this.#latest.values()].map((step) => {
      const line = lineOf(step, this.#width);
      return `${columns === null ? line : fitText(line, columns)}${CLEAR_TO_END_OF_LINE}\n`;
    });
    this.#options.output.write(up + lines.join(''));
    this.#linesOnScreen = lines.length;
    this.#fresh = false;
  }
}

function lineOf({ host, step, bytes }: HostStep, width: number): string {
  const name = visible(host).padEnd(width);
  if (bytes === undefined) return `${name}: ${visible(step)}`;
  const share = humanPercent(bytes.done, bytes.total);
  return `${name}: ${step} ${humanBytes(bytes.done)} of ${humanBytes(bytes.total)} (${share})`;
}
