/**
 * The processes that a process started, found through /proc.
 *
 * 1. A process is a pid and its start time: a number that was given out again is another process.
 * 2. Operators have sessions and groups of their own and a scrubbed environment, and after the death
 *    of their parent they belong to init. So they are noted while the parent lives: `watchTree` looks
 *    again and again, and `freeze` stops the parent first, so that nothing is missed before a kill.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../../src/core/index.ts';

/** One process, for all time. */
export interface ProcessId {
  readonly pid: number;
  readonly startedAt: string;
  readonly command: string;
}

const LOOK_EVERY_MS = 50;

/** Notes the descendants of `pid` until `close`. */
export function watchTree(pid: number, clock: Clock = systemClock): ProcessTree {
  return new ProcessTree(pid, clock);
}

export class ProcessTree {
  readonly #pid: number;
  readonly #clock: Clock;
  readonly #seen = new Map<string, ProcessId>();
  #timer: Timer | null = null;

  constructor(pid: number, clock: Clock) {
    this.#pid = pid;
    this.#clock = clock;
    this.#lookAgain();
  }

  /** Stops the process, notes all that it started, and leaves it stopped: for a kill that follows. */
  freeze(): void {
    signal(this.#pid, 'SIGSTOP');
    this.look();
  }

  look(): void {
    for (const pid of descendantsOf(this.#pid)) {
      const found = identify(pid);
      if (found !== null) this.#seen.set(`${found.pid} ${found.startedAt}`, found);
    }
  }

  /** Those of the noted descendants that are alive now. */
  alive(): ProcessId[] {
    return [...this.#seen.values()].filter(isAlive);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookAgain(): void {
    this.look();
    this.#timer = this.#clock.timer(LOOK_EVERY_MS, () => this.#lookAgain());
  }
}

/** The process `pid` as it is now, or null when there is none (a zombie is none). */
export function identify(pid: number): ProcessId | null {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  const command = readProc(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';
  return { pid, startedAt: fields[19], command };
}

export function isAlive(process: ProcessId): boolean {
  return identify(process.pid)?.startedAt === process.startedAt;
}

/** The children of `pid`, their children, and so on. */
export function descendantsOf(pid: number): number[] {
  const found = childrenOf(pid);
  return found.concat(...found.map(descendantsOf));
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    (readProc(`/proc/${pid}/task/${thread}/children`) ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number),
  );
}

function threadsOf(pid: number): string[] {
  return orNothing(() => readdirSync(`/proc/${pid}/task`)) ?? [];
}

function readProc(path: string): string | null {
  return orNothing(() => readFileSync(path, 'utf8'));
}

/** Sends a signal to exactly this process; nothing happens when it is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  orNothing(() => process.kill(pid, name));
}

/** Null when the process is gone in the meantime. */
function orNothing<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
