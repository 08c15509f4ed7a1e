/**
 * Keeps the configurations of all points as they should be, on the node that leads.
 *
 * V1 It looks when something has changed that concerns it: once after a burst of entries, when this
 *    node begins to lead, and when a time has come that it waits for.
 * V2 One command is under way at most. What changes meanwhile is seen at the look after it; what was
 *    decided on an older version has no effect.
 * V3 The ring has rested when no node was admitted or removed for `restMs`, and is calm after twice
 *    that, but it is not waited for longer than `restMsMax`. A new leader waits too: the nodes of a
 *    new cluster come together.
 * V4 A store that fails at a point is tried again at once, and after it has failed again not before a
 *    time that doubles; meanwhile the next successor takes its place. Every node counts, because any
 *    may lead next, but only for a while: forgetting costs a try.
 * V5 What was not decided, or had no effect, is not asked for again at once unless something else has
 *    changed.
 */
import { type Clock, type Logger, reasonOf, type Timer } from '../core/index.ts';
import type { Command, Outcome } from './command.ts';
import type { Applied, ControlLog, Role } from './control-log.ts';
import { encodePlans, type PointPlan } from './hydfs-state.ts';
import { nextPoints } from './point-keeper.ts';
import type { NodeRecord } from './state.ts';

export interface PointDriverOptions {
  readonly control: Pick<
    ControlLog,
    'state' | 'role' | 'term' | 'propose' | 'subscribe' | 'onRole'
  >;
  readonly clock: Clock;
  readonly log: Logger;
  /** The points that are kept; all unless given. */
  readonly points?: readonly number[];
  readonly restMs?: number;
  readonly restMsMax?: number;
}

/** Nodes that are started by one command come within about this time of each other. */
const REST_MS = 1_000;
const REST_MS_MAX = 5_000;
/** After a command that was not decided, or had no effect. */
const RETRY_MS = 500;
const FAILED_MS = 1_000;
const FAILED_MS_MAX = 60_000;
/** Failures that long ago are forgotten. */
const FORGET_MS = 600_000;

interface Failure {
  readonly count: number;
  readonly at: number;
  /** Not to be tried before. */
  readonly until: number;
}

export class PointDriver {
  readonly #options: PointDriverOptions;
  readonly #ends: (() => void)[];
  /** By store and point. */
  readonly #failures = new Map<string, Failure>();
  /** Since when the ring has not rested, and its last change; null: it rests. */
  #unrest: { readonly since: number; readonly last: number } | null = null;
  #deciding = false;
  /** Something has changed since the command that is under way was made. */
  #changed = false;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #closed = false;

  constructor(options: PointDriverOptions) {
    this.#options = options;
    const { control } = options;
    this.#ends = [
      control.subscribe((applied) => this.#applied(applied)),
      control.onRole((role) => this.#roleChanged(role)),
    ];
    this.#roleChanged(control.role);
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#ends) end();
    this.#timer?.timer.cancel();
  }

  #roleChanged({ kind }: Role): void {
    if (kind !== 'leader') return;
    this.#ringChanged();
    this.#lookIn(0);
  }

  /** V1. */
  #applied({ command, outcome }: Applied): void {
    if (!outcome.ok) return;
    if (command.kind === 'hydfs-unfit') this.#failed(command);
    const ring = command.kind === 'node-admit' || command.kind === 'node-remove';
    if (this.#options.control.role.kind !== 'leader') return;
    if (ring) this.#ringChanged();
    else if (!command.kind.startsWith('hydfs-')) return;
    this.#changed = true;
    this.#lookIn(0);
  }

  /** V3. */
  #ringChanged(): void {
    const now = this.#options.clock.now();
    this.#unrest = { since: this.#unrest?.since ?? now, last: now };
  }

  /** How long it takes until the ring has rested, and is calm, if nothing changes. */
  #restIn(): { readonly restIn: number; readonly calmIn: number } {
    if (this.#unrest === null) return { restIn: 0, calmIn: 0 };
    const { clock, restMs = REST_MS, restMsMax = REST_MS_MAX } = this.#options;
    const { last, since } = this.#unrest;
    const left = (ms: number): number =>
      Math.max(0, Math.min(last + ms, since + restMsMax) - clock.now());
    return { restIn: left(restMs), calmIn: left(2 * restMs) };
  }

  /** V4. */
  #failed({ store, point }: Extract<Command, { kind: 'hydfs-unfit' }>): void {
    const at = this.#options.clock.now();
    for (const [key, failure] of this.#failures) {
      if (failure.at + FORGET_MS <= at) this.#failures.delete(key);
    }
    const key = keyOf(store, point);
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const pause = count === 1 ? 0 : Math.min(FAILED_MS_MAX, FAILED_MS * 2 ** (count - 2));
    this.#failures.set(key, { count, at, until: at + pause });
  }

  /** Looks after `ms`, or earlier. */
  #lookIn(ms: number): void {
    const { clock } = this.#options;
    const at = clock.now() + ms;
    if (this.#closed || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.timer.cancel();
    const timer = clock.timer(ms, () => {
      this.#timer = null;
      this.#look();
    });
    this.#timer = { at, timer };
  }

  #look(): void {
    const { control, clock } = this.#options;
    if (this.#deciding || control.role.kind !== 'leader') return;
    this.#changed = false;
    const now = clock.now();
    const { restIn, calmIn } = this.#restIn();
    if (calmIn === 0) this.#unrest = null;
    const { hydfs, nodes } = control.state;
    const { points } = this.#options;
    const plans = nextPoints({
      ...(points === undefined ? {} : { points }),
      hydfs,
      stores: livingStores(nodes.values()),
      rested: restIn === 0,
      calm: calmIn === 0,
      resting: (store, point) => (this.#failures.get(keyOf(store, point))?.until ?? 0) > now,
    });
    if (plans.length > 0) void this.#decide(plans);
    const ready = [...this.#failures.values()].map(({ until }) => until - now);
    const next = Math.min(...[restIn, calmIn, ...ready].filter((ms) => ms > 0));
    if (next !== Number.POSITIVE_INFINITY) this.#lookIn(next);
  }

  /** V2, V5. */
  async #decide(plans: readonly PointPlan[]): Promise<void> {
    const { control, clock, log } = this.#options;
    const { term } = control;
    this.#deciding = true;
    let outcome: Outcome | null = null;
    try {
      const command = {
        kind: 'hydfs-points',
        term,
        ...encodePlans(plans),
        fresh: true,
        at: clock.wall(),
      };
      outcome = await control.propose(command as Command);
      if (outcome.ok) log.info('points have other holders', { points: plans.length, term });
    } catch (error) {
      log.debug('a change of points waits', { reason: reasonOf(error) });
    } finally {
      this.#deciding = false;
      this.#lookIn(outcome?.ok === true || this.#changed ? 0 : RETRY_MS);
    }
  }
}

function keyOf(store: string, point: number): string {
  return `${point} ${store}`;
}

/** The addresses of all stores of `nodes`, by their ids. */
export function livingStores(nodes: Iterable<NodeRecord>): Map<string, string> {
  const stores = new Map<string, string>();
  for (const { store, address } of nodes) if (store !== null) stores.set(store, address);
  return stores;
}
