/**
 * Who holds what, as the control log says that this node follows.
 *
 * M1 The answers are those of the entries applied here: they may be old, never wrong for their
 *    version. `refresh` waits for what the leader knows.
 * M2 A listener hears of every point whose configuration, or one of whose stores' nodes, is another,
 *    also when the state has jumped over entries.
 * M3 What this node says of a store that it has filled counts as long as it is the one that was
 *    admitted: from then on nothing has an effect that an earlier process of its store has said.
 * M4 A wish that carries an old term is repeated with the newer one; whether it had an effect is seen
 *    in the configuration.
 */
import {
  type Command,
  type ControlLog,
  type ControlState,
  changedPoints,
  livingStores,
  type PointConfig,
  pointConfig,
  pointConfigs,
  REASON_CHARS_MAX,
} from '../control/index.ts';
import { type Clock, type Logger, reasonOf } from '../core/index.ts';
import type { ReplicaPlacement } from './replication/index.ts';

export interface ControlPlacementOptions {
  readonly control: Pick<
    ControlLog,
    'state' | 'term' | 'propose' | 'read' | 'subscribe' | 'onRestore'
  >;
  /** The id of this node. */
  readonly node: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Terms that may begin while a wish is under way before it is given up. */
const TRIES = 5;

type Points = readonly { readonly point: number; readonly version: number }[];

type Wish =
  | {
      readonly kind: 'hydfs-caught-up';
      readonly store: string;
      readonly points: [number, number][];
      readonly by: string;
    }
  | { readonly kind: 'hydfs-used'; readonly points: [number, number][] }
  | {
      readonly kind: 'hydfs-unfit';
      readonly store: string;
      readonly point: number;
      readonly version: number;
      readonly reason: string;
    };

export class ControlPlacement implements ReplicaPlacement {
  readonly #options: ControlPlacementOptions;
  readonly #listeners = new Set<(points: readonly number[]) => void>();
  readonly #ends: (() => void)[];
  /** What the listeners have heard of. */
  #told: ControlState;
  #stores: { readonly of: ControlState['nodes']; readonly addresses: Map<string, string> };
  #reading = false;

  constructor(options: ControlPlacementOptions) {
    this.#options = options;
    const { control } = options;
    this.#told = control.state;
    this.#stores = { of: new Map(), addresses: new Map() };
    this.#ends = [
      control.subscribe(({ state }) => this.#tell(state)),
      control.onRestore((state) => this.#tell(state)),
    ];
  }

  config(point: number): PointConfig | null {
    return pointConfig(this.#options.control.state.hydfs.points, point);
  }

  address(store: string): string | null {
    const { nodes } = this.#options.control.state;
    if (this.#stores.of !== nodes) {
      this.#stores = { of: nodes, addresses: livingStores(nodes.values()) };
    }
    return this.#stores.addresses.get(store) ?? null;
  }

  /** Resolves when this node is admitted, and so knows all that was decided before it began (M3). */
  async admitted(): Promise<void> {
    const { control, node } = this.#options;
    if (control.state.nodes.has(node)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (state: ControlState): void => {
      if (state.nodes.has(node)) resolve();
    };
    const ends = [control.subscribe(({ state }) => look(state)), control.onRestore(look)];
    this.#ends.push(...ends);
    await promise;
    for (const end of ends) end();
  }

  isFresh(point: number): boolean {
    return this.#options.control.state.hydfs.fresh.has(point);
  }

  async use(points: Points): Promise<void> {
    if (points.length === 0) return;
    await this.#wish({ kind: 'hydfs-used', points: pairsOf(points) });
    // it may have been decided elsewhere, and not have come here yet
    if (points.some(({ point }) => this.isFresh(point))) await this.#options.control.read();
  }

  onChange(listener: (points: readonly number[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#options.control
      .read()
      .catch((error: unknown) =>
        this.#options.log.debug('no newer configurations', { reason: reasonOf(error) }),
      )
      .finally(() => {
        this.#reading = false;
      });
  }

  caughtUp(store: string, points: Points): Promise<void> {
    if (points.length === 0) return Promise.resolve();
    const { node: by } = this.#options;
    return this.#wish({ kind: 'hydfs-caught-up', store, points: pairsOf(points), by });
  }

  unfit(store: string, point: number, version: number, reason: string): Promise<void> {
    const short = reason.slice(0, REASON_CHARS_MAX);
    return this.#wish({ kind: 'hydfs-unfit', store, point, version, reason: short });
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#listeners.clear();
  }

  /** M4. */
  async #wish(wish: Wish): Promise<void> {
    const { control, clock } = this.#options;
    for (let tried = 0; tried < TRIES; tried++) {
      const command: Command = { ...wish, term: control.term, at: clock.wall() };
      const outcome = await control.propose(command);
      if (outcome.ok || outcome.why !== 'stale-term') return;
    }
  }

  /** M2. */
  #tell(state: ControlState): void {
    const before = this.#told;
    this.#told = state;
    if (before.hydfs === state.hydfs && before.nodes === state.nodes) return;
    const points = new Set(changedPoints(before.hydfs.points, state.hydfs.points));
    const moved = movedStores(before.nodes, state.nodes);
    for (const { point, replicas, joining } of moved.size === 0
      ? []
      : pointConfigs(state.hydfs.points)) {
      if ([...replicas, ...joining].some((store) => moved.has(store))) points.add(point);
    }
    if (points.size === 0) return;
    const all = [...points];
    for (const listener of [...this.#listeners]) listener(all);
  }
}

function pairsOf(points: Points): [number, number][] {
  return points.map(({ point, version }) => [point, version]);
}

/** The stores whose node is another, or gone, or new. */
function movedStores(before: ControlState['nodes'], after: ControlState['nodes']): Set<string> {
  const moved = new Set<string>();
  if (before === after) return moved;
  const note = (from: ControlState['nodes'], to: ControlState['nodes']): void => {
    for (const { node, store } of from.values()) {
      if (store !== null && to.get(node)?.store !== store) moved.add(store);
    }
  };
  note(before, after);
  note(after, before);
  return moved;
}
