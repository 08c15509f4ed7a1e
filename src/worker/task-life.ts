/**
 * The life of an attempt, the same for every kind of task: which phase it is in, what it owns, and
 * the one way out.
 *
 * Invariants
 *   A1  Phases follow `edges`; any other step is a bug.
 *   A2  What was given to `own` is released exactly once, last first, when the attempt is over:
 *       finished, failed, fenced or stopped.
 *   A3  Only the first failure counts; after the end nothing is reported any more.
 */
import { assert, Fault, fault, isFault, type Logger, reasonOf } from '../core/index.ts';
import type { TaskCounts } from './counts.ts';
import type { TaskState } from './task-context.ts';

export type Phase<Live> =
  | { readonly kind: 'starting' }
  | { readonly kind: 'recovering' }
  | { readonly kind: 'running'; readonly live: Live }
  | { readonly kind: 'ending'; readonly live: Live }
  | { readonly kind: 'finished'; readonly counts: TaskCounts }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly fenced: boolean }
  | { readonly kind: 'stopped' };

type PhaseKind = Phase<never>['kind'];

const edges = {
  starting: ['recovering', 'failed', 'stopped'],
  recovering: ['running', 'failed', 'stopped'],
  running: ['ending', 'failed', 'stopped'],
  ending: ['finished', 'failed', 'stopped'],
  finished: [],
  failed: [],
  stopped: [],
} as const satisfies Record<PhaseKind, readonly PhaseKind[]>;

export class TaskLife<Live> {
  readonly #taskName: string;
  readonly #log: Logger;
  readonly #changed: () => void;
  readonly #owned: (() => void | Promise<void>)[] = [];
  #phase: Phase<Live> = { kind: 'starting' };
  #released: Promise<void> | null = null;
  #quiet = false;

  constructor(options: { taskName: string; log: Logger; changed: () => void }) {
    this.#taskName = options.taskName;
    this.#log = options.log;
    this.#changed = options.changed;
  }

  get phase(): Phase<Live> {
    return this.#phase;
  }

  /** What the running attempt works with; null before and after. */
  get live(): Live | null {
    const phase = this.#phase;
    return phase.kind === 'running' || phase.kind === 'ending' ? phase.live : null;
  }

  /** The phase in the words of reports. */
  get state(): TaskState {
    const phase = this.#phase;
    if (phase.kind === 'failed') return phase.fenced ? 'fenced' : 'failed';
    if (phase.kind === 'stopped') return 'stopped';
    if (phase.kind === 'ending') return 'running';
    if (phase.kind === 'running' && this.#quiet) return 'quiet';
    return phase.kind;
  }

  get fault(): Fault | null {
    return this.#phase.kind === 'failed' ? this.#phase.fault : null;
  }

  /** Finished, failed, fenced or stopped. */
  get over(): boolean {
    return edges[this.#phase.kind].length === 0;
  }

  /** `release` runs when the attempt is over, or now when it already is (A2). */
  own(release: () => void | Promise<void>): void {
    this.#owned.push(release);
    if (this.over) void this.#release();
  }

  /** Takes the next phase (A1). A finished attempt lets go of what it owns. */
  enter(phase: Phase<Live>): void {
    const legal: readonly PhaseKind[] = edges[this.#phase.kind];
    assert(legal.includes(phase.kind), `a task goes from ${this.#phase.kind} to ${phase.kind}`);
    this.#phase = phase;
    this.#changed();
    if (this.over) void this.#release();
  }

  /** Says once that a paused task has nothing under way. */
  becameQuiet(): void {
    if (this.#quiet) return;
    this.#quiet = true;
    this.#changed();
  }

  /** Ends the attempt with `error` (A3). */
  fail(error: unknown): void {
    if (this.over) return;
    const known = error instanceof Fault ? error : this.#internal(error);
    this.#log.error(known.message, { code: known.code });
    this.enter({ kind: 'failed', fault: known, fenced: isFault(error, 'FENCED') });
  }

  /** Ends the attempt from outside and waits until everything it owned is gone. Idempotent. */
  async stop(): Promise<void> {
    if (!this.over) this.enter({ kind: 'stopped' });
    await this.#release();
  }

  async #release(): Promise<void> {
    const before = this.#released;
    const owned = this.#owned.splice(0).reverse();
    this.#released = (async () => {
      await before;
      for (const release of owned) {
        try {
          await release();
        } catch (error) {
          this.#log.error('could not release what a task owned', { reason: reasonOf(error) });
        }
      }
    })();
    await this.#released;
  }

  #internal(error: unknown): Fault {
    const reason = error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);
    return fault('TASK_BROKEN', { task: this.#taskName, reason }, error);
  }
}
