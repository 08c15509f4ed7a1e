/**
 * The way to the primary of a file, again and again until something comes about.
 *
 * T1  A try ends: with an answer, with a fault, when its time is over, or when the file's primary is
 *     another one than the one asked. A primary that was left is not waited for.
 * T2  Between two tries newer configurations are wanted and a while passes, each time twice as long
 *     and half of it random; a change of the file's configuration ends it at once.
 * T3  What is asked carries the newest version that anybody told this client about the point, so
 *     that a node which missed a configuration cannot answer with what was true before
 *     (read-my-writes).
 */
import { type Clock, fault, reasonOf, silentRequests, sleep, unit } from '../../core/index.ts';
import { RING_POINTS, ringPointOf } from '../../plan/index.ts';
import type { Asked, FileAccess } from './access.ts';
import { Lease, type Primary } from './lease.ts';
import { LocalAccess } from './local-access.ts';
import { type ClientLimits, type ClusterFilesOptions, MOMENT_MS } from './options.ts';
import { isPassing, notReady } from './passing.ts';
import { RemoteAccess } from './remote-access.ts';

interface Beginning {
  /** When its time is over; never, unless given. */
  readonly deadline?: number;
  readonly signal?: AbortSignal | undefined;
  /** That of the name, unless given. */
  readonly point?: number;
}

export interface Patience {
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Try {
  readonly access: FileAccess;
  readonly asked: Asked;
  readonly primary: Primary;
  /** Aborts with a passing fault when the primary changes or the time is over (T1). */
  readonly signal: AbortSignal;
  /** True when an earlier try may have taken effect. */
  readonly ambiguous: boolean;
}

type Watcher = () => void;

export class Routes {
  readonly clock: Clock;
  readonly limits: ClientLimits;
  readonly #options: ClusterFilesOptions;
  readonly #here: LocalAccess | null;
  /** T3, per point. */
  readonly #newest = new Float64Array(RING_POINTS);
  readonly #watchers = new Map<number, Set<Watcher>>();
  readonly #unwatch: () => void;
  readonly #closing = new AbortController();

  constructor(options: ClusterFilesOptions, limits: ClientLimits) {
    const { placement, local: files, clock, requests = silentRequests } = options;
    this.clock = clock;
    this.limits = limits;
    this.#options = options;
    this.#here = files === null ? null : new LocalAccess({ files, placement, requests });
    this.#unwatch = placement.onChange((points) => this.#changed(points));
  }

  /** The stores and the version of the newest configuration known here, none before there is one. */
  replicas(point: number): { readonly version: number; readonly stores: readonly string[] } {
    const config = this.#options.placement.config(point);
    return { version: config?.version ?? 0, stores: config?.replicas ?? [] };
  }

  /** `host:port`, or the store id where nobody is known to live there. */
  addressOf(store: string): string {
    return this.#options.placement.address(store) ?? store;
  }

  /** @throws a passing fault when nobody is known to be asked */
  primaryOf(name: string, point = ringPointOf(name)): Primary {
    const { placement, store: own } = this.#options;
    const config = placement.config(point);
    if (config === null) throw notReady(name, `ring point ${point} belongs to nobody yet`);
    const [store] = config.replicas;
    const { version } = config;
    if (store === own && this.#here !== null) return { store, address: null, version };
    const address = placement.address(store);
    if (address === null) throw notReady(name, `its primary, store ${store}, is not running`);
    return { store, address, version };
  }

  /** The files at `address`; null: of this node. @throws a passing fault */
  async accessTo(address: string | null, signal: AbortSignal): Promise<FileAccess> {
    if (address !== null) {
      return new RemoteAccess(await this.#options.connect(address, signal), address);
    }
    if (this.#here === null) throw notReady('this node', 'it holds no files');
    return this.#here;
  }

  /** The node that holds this client, for reading from its own copy. */
  get own(): { readonly store: string; readonly access: FileAccess } | null {
    const { store } = this.#options;
    return store === null || this.#here === null ? null : { store, access: this.#here };
  }

  /** The newest version of a point's configuration that anybody told (T3). */
  newest(point: number): number {
    return Math.max(this.#newest[point], this.replicas(point).version);
  }

  /** Takes note of a version that a primary told (T3). */
  heard(name: string, version: number): void {
    const point = ringPointOf(name);
    this.#newest[point] = Math.max(this.#newest[point], version);
  }

  /** Calls `watcher` after each change of the point's configuration, until the result is called. */
  watch(point: number, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(point) ?? new Set();
    this.#watchers.set(point, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(point) === watchers) {
        this.#watchers.delete(point);
      }
    };
  }

  /**
   * What `step` gives; tried until it does, or throws a fault that is the file's own.
   * @throws FILES_UNREACHABLE when `patienceMs` is over; the reason of `signal`; what `step` throws
   */
  async ask<T>(
    name: string,
    step: (attempt: Try) => Promise<T>,
    { patienceMs = this.limits.patienceMs, signal }: Patience = {},
  ): Promise<T> {
    const deadline = this.clock.now() + patienceMs;
    let ambiguous = false;
    for (let tries = 0; ; tries++) {
      try {
        const lease = this.begin(name, { deadline, signal });
        try {
          const { asked, primary, signal: over } = lease;
          const access = await lease.within(this.accessTo(primary.address, over));
          const attempt = { access, asked, primary, signal: over, ambiguous };
          const answer = step(attempt);
          ambiguous = true;
          return await lease.within(answer);
        } finally {
          lease.end();
        }
      } catch (error) {
        if (!isPassing(error) || this.isClosed) throw error;
        if (this.clock.now() >= deadline) throw this.unreachable(name, patienceMs, error);
        await this.pause(ringPointOf(name), tries, { deadline, signal });
      }
    }
  }

  /** Begins a try (T1). @throws a passing fault when nobody is to be asked; the reason of `signal` */
  begin(name: string, { deadline, signal, point = ringPointOf(name) }: Beginning): Lease {
    this.#refuseIfClosed();
    signal?.throwIfAborted();
    const primary = this.primaryOf(name, point);
    const version = this.newest(point);
    const outer = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    const lease = new Lease({ asked: { name, version }, primary, outer });
    lease.whenOver(this.watch(point, () => this.#recall(lease, point)));
    if (deadline !== undefined) {
      const left = Math.max(MOMENT_MS, deadline - this.clock.now());
      const timer = this.clock.timer(left, () => lease.recall('no answer came in time'));
      lease.whenOver(() => timer.cancel());
    }
    return lease;
  }

  /** Waits before the next of `tries` (T2). @throws LOG_CLOSED after `close` */
  async pause(
    point: number,
    tries: number,
    { deadline = Number.POSITIVE_INFINITY, signal }: Omit<Beginning, 'point'>,
  ): Promise<void> {
    this.#refuseIfClosed();
    const { placement, random } = this.#options;
    const { retryMs, retryMsMax } = this.limits;
    const whole = Math.min(retryMsMax, retryMs * 2 ** Math.min(tries, 16));
    const delay = whole / 2 + (unit(random) * whole) / 2;
    const early = new AbortController();
    const unwatch = this.watch(point, () => early.abort());
    placement.refresh();
    const signals = [early.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    try {
      const left = Math.max(MOMENT_MS, deadline - this.clock.now());
      await sleep(this.clock, Math.min(delay, left), AbortSignal.any(signals));
    } finally {
      unwatch();
    }
  }

  unreachable(name: string, patienceMs: number, cause: unknown): Error {
    const seconds = Math.round(patienceMs / 100) / 10;
    return fault('FILES_UNREACHABLE', { name, seconds, reason: reasonOf(cause) }, cause);
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  close(): void {
    this.#unwatch();
    this.#closing.abort(fault('LOG_CLOSED', { path: 'of HyDFS at this node' }));
  }

  #refuseIfClosed(): void {
    this.#closing.signal.throwIfAborted();
  }

  #recall(lease: Lease, point: number): void {
    const config = this.#options.placement.config(point);
    if (config?.replicas[0] === lease.primary.store) return;
    lease.recall('its primary has changed');
  }

  #changed(points: readonly number[]): void {
    for (const point of points) {
      for (const watcher of [...(this.#watchers.get(point) ?? [])]) watcher();
    }
  }
}
