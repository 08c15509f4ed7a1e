/**
 * Shows a running job.
 *
 * V1. On a terminal the same lines are drawn again, ten times a second at most; anywhere else one
 *     line is written every two seconds. A snapshot that arrives in between replaces the one that
 *     waits: the view never makes the job wait.
 * V2. The cursor is never hidden and no terminal mode is changed, so there is nothing to restore:
 *     not after Ctrl-C, and not after SIGKILL, when nothing could.
 * V3. A frame is one `write` and leaves the cursor at the start of the line below it, where whatever
 *     comes next belongs.
 * V4. While something else is on the screen (`hold`) nothing is drawn; afterwards the frame begins
 *     below it.
 * V5. `finish` draws the last snapshot and leaves it on the screen; afterwards the view is silent.
 */
import type { Clock, Timer } from '../../core/index.ts';
import { type ProgressSnapshot, progressLine, progressLines } from './progress-frame.ts';
import type { Output, Terminal } from './terminal.ts';
import { visible } from './text.ts';

const REDRAW_MS = 100;
const LINE_MS = 2000;
/** The estimate of the end follows the byte rate of about this long. */
const ETA_WINDOW_MS = 5000;
/** No estimate before this much was seen. */
const ETA_AFTER_MS = 1000;

export interface ProgressViewOptions {
  readonly title: string;
  readonly output: Output;
  /** What `terminalOf(output, env)` says; asked again for each frame, since windows change size. */
  readonly terminal: () => Terminal;
  readonly clock: Clock;
}

export class ProgressView {
  readonly #options: ProgressViewOptions;
  readonly #eta = new EtaEstimate();
  #latest: ProgressSnapshot | null = null;
  #fresh = false;
  #timer: Timer | null = null;
  #linesOnScreen = 0;
  #finished = false;
  #held = false;

  constructor(options: ProgressViewOptions) {
    this.#options = options;
  }

  /** Takes where the job stands now; cheap, may be called at any rate. */
  update(snapshot: ProgressSnapshot): void {
    if (this.#finished) return;
    this.#latest = snapshot;
    this.#fresh = true;
    if (this.#timer === null && !this.#held) this.#tick();
  }

  /** Draws nothing while `isHeld` (V4). */
  hold(isHeld: boolean): void {
    if (this.#finished || this.#held === isHeld) return;
    this.#held = isHeld;
    this.#linesOnScreen = 0;
    if (isHeld) this.#timer?.cancel();
    this.#timer = null;
    if (!isHeld) this.#tick();
  }

  /** Writes a line that stays, above whatever is being redrawn. */
  note(text: string): void {
    this.#write(`${this.#rewind()}${visible(text)}\n`);
    this.#linesOnScreen = 0;
    if (!this.#finished && this.#latest !== null && this.#options.terminal().interactive) {
      this.#draw(this.#latest);
    }
  }

  /** Draws the end and stops (V5); `snapshot` replaces the last one. May be called again. */
  finish(snapshot?: ProgressSnapshot): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#held) this.#write('\n'); // below what was on the screen
    this.#held = false;
    const last = snapshot ?? (this.#fresh ? this.#latest : null);
    if (last !== null) this.#draw(last);
  }

  #tick(): void {
    const { clock, terminal } = this.#options;
    this.#timer = null;
    if (!this.#fresh || this.#latest === null) return;
    this.#draw(this.#latest);
    const delay = terminal().interactive ? REDRAW_MS : LINE_MS;
    this.#timer = clock.timer(delay, () => this.#tick());
  }

  #draw(snapshot: ProgressSnapshot): void {
    const { title } = this.#options;
    const terminal = this.#options.terminal();
    const eta = this.#eta.observe(snapshot);
    this.#fresh = false;
    if (!terminal.interactive) {
      this.#write(`${progressLine(title, snapshot, eta)}\n`);
      return;
    }
    const lines = progressLines(title, snapshot, eta, terminal);
    const text = lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('');
    this.#write(`${this.#rewind()}${text}`);
    this.#linesOnScreen = lines.length;
  }

  /** To the first line of the frame on the screen, with all of it cleared. */
  #rewind(): string {
    return this.#linesOnScreen === 0 ? '' : `\r\x1b[${this.#linesOnScreen}A${CLEAR_BELOW}`;
  }

  #write(text: string): void {
    this.#options.output.write(text);
  }
}

const CLEAR_TO_END_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** Guesses the time that is left from the bytes read so far in this run. */
class EtaEstimate {
  #first: ProgressSnapshot | null = null;
  #previous: ProgressSnapshot | null = null;
  /** Bytes per millisecond, an exponential mean; null until known. */
  #speed: number | null = null;

  /** Milliseconds left, or null when nobody can know. */
  observe(snapshot: ProgressSnapshot): number | null {
    this.#first ??= snapshot;
    const elapsed = snapshot.elapsedMs - (this.#previous ?? snapshot).elapsedMs;
    if (elapsed > 0) {
      const speed = (snapshot.source.bytes - (this.#previous ?? snapshot).source.bytes) / elapsed;
      const weight = 1 - Math.exp(-elapsed / ETA_WINDOW_MS);
      this.#speed = this.#speed === null ? speed : this.#speed + weight * (speed - this.#speed);
    }
    this.#previous = snapshot;
    const { bytes, totalBytes } = snapshot.source;
    const seen = snapshot.elapsedMs - this.#first.elapsedMs;
    if (totalBytes === null || bytes >= totalBytes || seen < ETA_AFTER_MS) return null;
    return this.#speed === null || this.#speed <= 0 ? null : (totalBytes - bytes) / this.#speed;
  }
}
