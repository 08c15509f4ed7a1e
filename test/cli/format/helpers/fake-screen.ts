/** A screen that obeys the few control sequences that are used, and a clock that is moved by hand. */
import type { Clock, Timer } from '../../../../src/core/index.ts';

/** Keeps every write, and what a person would see after them. */
export class FakeScreen {
  readonly isTTY: boolean;
  columns: number;
  readonly writes: string[] = [];
  readonly #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(isTTY: boolean, columns = 100) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.writes.push(text);
    for (const [piece] of text.matchAll(/\p{Cc}\[\d*(?:;\d+)*[A-Za-z]|\r|\n|\P{Cc}+/gu))
      this.#obey(piece);
    return true;
  }

  /** The lines on the screen, without colours. */
  get lines(): readonly string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  get all(): string {
    return this.writes.join('');
  }

  #obey(piece: string): void {
    if (piece === '\n') {
      this.#row += 1;
      this.#column = 0;
      if (this.#row === this.#lines.length) this.#lines.push('');
    } else if (piece === '\r') this.#column = 0;
    else if (piece.startsWith('\x1b')) this.#control(piece);
    else this.#print(piece);
  }

  #print(text: string): void {
    const line = this.#lines[this.#row].padEnd(this.#column);
    this.#lines[this.#row] =
      line.slice(0, this.#column) + text + line.slice(this.#column + text.length);
    this.#column += text.length;
  }

  #control(piece: string): void {
    const count = Number(piece.slice(2, -1)) || 1;
    const kind = piece.at(-1);
    if (kind === 'A') this.#row -= count;
    else if (kind === 'K') this.#lines[this.#row] = this.#lines[this.#row].slice(0, this.#column);
    else if (kind === 'J') this.#lines.splice(this.#row, this.#lines.length, '');
    else if (kind !== 'm') throw new Error(`the screen does not know ${JSON.stringify(piece)}`);
    if (this.#row < 0) throw new Error('the cursor left the screen');
  }
}

/** Time that passes only when told to. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  timer(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.push(timer);
    return { cancel: () => this.#drop(timer) };
  }

  /** Timers that are set. */
  get waiting(): number {
    return this.#timers.length;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at).find((timer) => timer.at <= end);
      if (next === undefined) break;
      this.#now = next.at;
      this.#drop(next);
      next.fire();
    }
    this.#now = end;
  }

  #drop(timer: { at: number; fire: () => void }): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }
}
