/** Stores that come, go and are filled, under a keeper of points; with the real control state. */
import {
  apply,
  type Command,
  type ControlState,
  emptyState,
  encodePlans,
  nextPoints,
  type PointConfig,
  pointConfig,
  pointConfigs,
} from '../../../src/control/index.ts';
import { RING_POINTS, ringHash } from '../../../src/plan/index.ts';
import { brokenStepOfPoints } from './rules.ts';

type Loose = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

const hashes = new Map<string, Buffer>();

function hashOf(address: string): Buffer {
  const hash = hashes.get(address) ?? ringHash(address);
  hashes.set(address, hash);
  return hash;
}

/** The first `copies` of `stores` at or after `point`, found one by one. */
export function firstSuccessors(
  stores: ReadonlyMap<string, string>,
  point: number,
  copies: number,
): string[] {
  const start = Buffer.from([point >> 2, (point & 3) << 6]);
  const behind = (hash: Buffer): number => (Buffer.compare(hash.subarray(0, 2), start) < 0 ? 1 : 0);
  return [...stores]
    .map(([store, address]) => ({ store, hash: hashOf(address) }))
    .sort((a, b) => behind(a.hash) - behind(b.hash) || Buffer.compare(a.hash, b.hash))
    .slice(0, copies)
    .map(({ store }) => store);
}

export class PointsWorld {
  state: ControlState = emptyState;
  readonly living = new Map<string, string>();
  readonly failed = new Set<string>();
  rested = true;
  /** Points begin fresh. */
  fresh = false;
  calm = true;
  /** Stores that began to be filled, over all points. */
  moves = 0;
  /** The first rule that was broken. */
  broken: string | null = null;
  readonly #next: typeof nextPoints;

  constructor(next: typeof nextPoints = nextPoints) {
    this.#next = next;
  }

  config(point: number): PointConfig | null {
    return pointConfig(this.state.hydfs.points, point);
  }

  come(store: string): void {
    this.living.set(store, `${store}:1`);
  }

  go(store: string): void {
    this.living.delete(store);
  }

  decide(command: Loose): boolean {
    const before = this.state;
    const whole: Command = { ...command, term: 1, at: 0 };
    const { state, outcome } = apply(before, whole);
    this.state = state;
    this.broken ??= brokenStepOfPoints(before, state, whole) ?? this.#tooMany(before);
    return outcome.ok;
  }

  /** One look of the keeper; false when it wants nothing. */
  keep(): boolean {
    const plans = this.#next({
      hydfs: this.state.hydfs,
      stores: this.living,
      rested: this.rested,
      calm: this.rested && this.calm,
      resting: (store, point) => this.failed.has(`${point} ${store}`),
    });
    if (plans.length === 0) return false;
    for (const { point, joining } of plans) {
      const old = this.config(point);
      this.moves += joining.filter((store) => !old?.joining.includes(store)).length;
    }
    const fresh = this.fresh ? { fresh: true as const } : {};
    if (!this.decide({ kind: 'hydfs-points', ...encodePlans(plans), ...fresh })) {
      this.broken ??= 'a plan had no effect';
    }
    return true;
  }

  /** Files are about to be made at `points`. */
  use(points: readonly number[]): void {
    const versions = points.map((point): [number, number] => {
      return [point, this.config(point)?.version ?? 0];
    });
    this.decide({ kind: 'hydfs-used', points: versions });
  }

  /** All that are being filled, at points that `which` chooses, are. */
  fill(which: (point: number) => boolean = () => true): boolean {
    const filled = new Map<string, [number, number][]>();
    for (const { point, version, replicas, joining } of pointConfigs(this.state.hydfs.points)) {
      const store = joining.find((each) => this.living.has(each));
      const from = replicas.some((each) => this.living.has(each));
      if (store === undefined || !from || !which(point)) continue;
      filled.set(store, [...(filled.get(store) ?? []), [point, version]]);
    }
    for (const [store, points] of filled) this.decide({ kind: 'hydfs-caught-up', store, points });
    return filled.size > 0;
  }

  /** Lets everything happen that is on its way. */
  settle(): void {
    this.rested = true;
    this.calm = true;
    for (let n = 0; this.keep() || this.fill(); n++) {
      if (n < 50) continue;
      this.broken ??= 'it does not come to rest';
      return;
    }
  }

  /** What is not as it should be at rest, or null. */
  unsettled(): string | null {
    const { copies } = this.state.hydfs;
    for (let point = 0; point < RING_POINTS; point++) {
      const config = this.config(point);
      if (config === null) {
        if (this.living.size > 0) return `${point} has no replicas`;
      } else if (config.replicas.some((store) => this.living.has(store))) {
        const wanted = firstSuccessors(this.living, point, copies);
        const there = config.replicas.join(' ');
        if (there !== wanted.join(' ')) return `${point} is at ${there}, not at ${wanted}`;
        if (config.joining.length > 0) return `${point} still fills ${config.joining}`;
      }
    }
    return null;
  }

  /** K4: one above the wanted number, or above what there was. */
  #tooMany(before: ControlState): string | null {
    const { copies, points } = this.state.hydfs;
    for (const { point, replicas, joining } of pointConfigs(points)) {
      const old = pointConfig(before.hydfs.points, point);
      const most = Math.max(copies + 1, old?.replicas.length ?? 0);
      if (replicas.length > most) return 'there are too many replicas';
      if (replicas.length + joining.length > Math.max(most, replicas.length + 1)) {
        return 'too many stores are filled at once';
      }
    }
    return null;
  }
}
