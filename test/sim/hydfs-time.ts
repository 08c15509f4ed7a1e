/**
 * Time that passes only when nothing is left to do, for code that is made of promises.
 *
 * Everything that happens to a program (a timer, a message, a disk that is done) is an event. One
 * runs, then the program until it waits again, then the next: the order depends on the seed alone.
 */
import { setImmediate } from 'node:timers/promises';
import { assert, type Clock, crc32, type Timer } from '../../src/core/index.ts';
import { Events } from './raft-events.ts';

/** When the simulated history begins: some day in 2023, so that times of files look like ones. */
const WALL_START = 1_700_000_000_000;

/** Events of one run: many times what a life takes, unless something goes round in circles. */
const EVENTS_MAX = 400_000;

export class SimTime {
  readonly events = new Events();
  /** A hash of everything that happened. */
  trace = 0;
  /** Called after each event; what it throws ends the run. */
  after: () => void = () => undefined;
  readonly #problems: unknown[] = [];
  #count = 0;

  get now(): number {
    return this.events.now;
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** Lets time pass until `done`, at most `ms`; whether it came to that. */
  async until(done: () => boolean, ms: number): Promise<boolean> {
    const end = this.now + ms;
    await this.#settle();
    while (!done()) {
      if (!this.events.next(end)) return false;
      this.#count += 1;
      assert(this.#count < EVENTS_MAX, 'a life comes to an end');
      await this.#settle();
    }
    return true;
  }

  mark(...facts: readonly (string | number)[]): void {
    this.trace = crc32(Buffer.from(`${this.now} ${facts.join(' ')}`), this.trace);
  }

  /** The run ends with `problem`. */
  broken(problem: unknown): void {
    this.#problems.push(problem);
  }

  /** All that is ready to run runs before this timer, however long its chain of promises is. */
  async #settle(): Promise<void> {
    await setImmediate();
    this.after();
    if (this.#problems.length > 0) throw this.#problems[0];
  }
}

/**
 * A process: what happens to it reaches it while it runs, waits while it is stopped, and is lost when
 * it has ended. What it waits for then never comes, so that nothing of it goes on.
 */
export class SimProcess {
  readonly name: string;
  readonly time: SimTime;
  /** Its clock and its timers end with it. */
  readonly clock: Clock;
  #state: 'running' | 'stopped' | 'ended' = 'running';
  #missed: (() => void)[] = [];

  constructor(time: SimTime, name: string) {
    this.time = time;
    this.name = name;
    this.clock = {
      now: () => time.now,
      wall: () => WALL_START + time.now,
      timer: (delayMs, fire) => this.#timer(delayMs, fire),
    };
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get running(): boolean {
    return this.#state === 'running';
  }

  end(): void {
    this.#state = 'ended';
    this.#missed = [];
  }

  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped';
  }

  resume(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    for (const run of this.#missed.splice(0)) this.post(0, run);
  }

  /** After `delayMs`, does `run` to the process. */
  post(delayMs: number, run: () => void): void {
    this.time.events.plan(delayMs, () => this.#take(run));
  }

  /** Resolves after `delayMs`, unless the process ends before. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.post(delayMs, resolve));
  }

  #take(run: () => void): void {
    if (this.#state === 'running') run();
    else if (this.#state === 'stopped') this.#missed.push(run);
  }

  #timer(delayMs: number, fire: () => void): Timer {
    let set = true;
    this.post(Math.max(0, delayMs), () => {
      if (!set) return;
      set = false;
      this.time.mark(this.name, 'timer');
      fire();
    });
    return {
      cancel: () => {
        set = false;
      },
    };
  }
}
