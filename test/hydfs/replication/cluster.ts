/**
 * Several stores in one process: the shipped `Replicas` over the shipped requests, on simulated
 * disks, with a keeper that does as it is told.
 */
import {
  fault,
  type RequestLog,
  seededRandom,
  silentLog,
  silentRequests,
  systemClock,
} from '../../../src/core/index.ts';
import type { LocalFileSystem } from '../../../src/hydfs/index.ts';
import {
  type PointConfig,
  type ReplicaLimits,
  type ReplicaPeer,
  type ReplicaPlacement,
  Replicas,
} from '../../../src/hydfs/replication/index.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import {
  type Connection,
  InProcessHub,
  InProcessTransport,
  openRpc,
  type RpcClient,
  serveRpc,
} from '../../../src/transport/index.ts';
import { SimDisk } from '../../sim/sim-disk.ts';
import { openFiles } from '../helpers.ts';

const quick: Partial<ReplicaLimits> = {
  readyMs: 30_000,
  commitMs: 30_000,
  retryMs: 2,
  retryMsMax: 20,
  requestMs: 30_000,
  scrubMs: 0,
};

/** The points of the files that most tests use. */
const testPoints = [...new Set(['one.txt', 'two.txt', 'other.txt'].map(ringPointOf))];

/** What the keeper was told. */
export interface Told {
  readonly kind: 'caught-up' | 'unfit';
  readonly store: string;
  readonly point: number;
  readonly version: number;
}

/** A machine with a store. */
export class Site {
  readonly store: string;
  readonly disk: SimDisk;
  readonly told: Told[] = [];
  /** What this store knows of the configurations, unless it sees the newest. */
  frozen: Map<number, PointConfig> | null = null;
  replicas: Replicas;
  files: LocalFileSystem;
  readonly #cluster: Cluster;
  readonly #clients = new Map<string, Promise<RpcClient>>();
  readonly #listeners = new Set<(points: readonly number[]) => void>();
  #limits: Partial<ReplicaLimits>;
  #repairBytesPerSecond: number | undefined;
  readonly #known: Promise<void> | undefined;
  readonly #requests: RequestLog;

  static async start(cluster: Cluster, store: string, options: SiteOptions = {}): Promise<Site> {
    const disk = options.disk ?? new SimDisk({ random: seededRandom(7) });
    const files = await openFiles(disk.mount(), segments(options));
    const site = new Site(cluster, store, disk, files, options);
    await cluster.transport(store).listen(store, (connection) => {
      serveRpc(connection, site.replicas.methods());
    });
    return site;
  }

  private constructor(
    cluster: Cluster,
    store: string,
    disk: SimDisk,
    files: LocalFileSystem,
    options: SiteOptions,
  ) {
    this.#cluster = cluster;
    this.store = store;
    this.disk = disk;
    this.files = files;
    this.#limits = { ...quick, ...options.limits };
    this.#repairBytesPerSecond = options.repairBytesPerSecond;
    this.#known = options.known;
    this.#requests = options.requests ?? silentRequests;
    this.frozen = options.frozen ?? null;
    this.replicas = this.#replicate();
  }

  /** This store sees the newest configurations from now on. */
  thaw(): void {
    this.frozen = null;
    this.notify(testPoints);
  }

  /** Tells this store that some configurations have changed. */
  notify(points: readonly number[]): void {
    if (this.frozen !== null) return;
    for (const listener of this.#listeners) listener(points);
  }

  async stop(): Promise<void> {
    await this.replicas.close();
    await this.files.close();
  }

  #replicate(): Replicas {
    const bound = this.#repairBytesPerSecond;
    return new Replicas({
      files: this.files,
      store: this.store,
      placement: this.#placement(),
      connect: (address) => this.#connect(address),
      clock: systemClock,
      random: seededRandom(11),
      log: silentLog,
      limits: this.#limits,
      requests: this.#requests,
      ...(bound === undefined ? {} : { repairBytesPerSecond: bound }),
      ...(this.#known === undefined ? {} : { known: this.#known }),
    });
  }

  #placement(): ReplicaPlacement {
    const { keeper } = this.#cluster;
    return {
      config: (point) => (this.frozen ?? keeper.configs).get(point) ?? null,
      address: (store) => (this.#cluster.isUp(store) ? store : null),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      isFresh: (point) => keeper.fresh.has(point),
      use: async (points) => {
        for (const { point, version } of points) {
          const right = keeper.configs.get(point)?.version === version;
          if (right && keeper.takesUses) keeper.fresh.delete(point);
        }
      },
      refresh: () => {},
      caughtUp: async (store, points) => {
        for (const { point, version } of points) {
          this.told.push({ kind: 'caught-up', store, point, version });
        }
        keeper.caughtUp(store, points);
      },
      unfit: async (store, point, version) => {
        this.told.push({ kind: 'unfit', store, point, version });
      },
    };
  }

  async #connect(address: string): Promise<ReplicaPeer> {
    const cluster = this.#cluster;
    const from = this.store;
    const forget = (): void => {
      this.#clients.delete(address);
    };
    const refuseIfCut = (): void => {
      if (!cluster.isCut(this.store, address)) return;
      throw fault('PEER_UNREACHABLE', { address, reason: 'the line is cut' });
    };
    refuseIfCut();
    let client = this.#clients.get(address);
    if (client === undefined) {
      client = cluster.connection(this.store, address).then(openRpc);
      this.#clients.set(address, client);
      client.catch(() => this.#clients.delete(address));
    }
    const peer = await client;
    return {
      call: async (method, params, signal, data) => {
        const asked = { from: this.store, to: address, method };
        cluster.asked.push(asked);
        refuseIfCut();
        if (cluster.loses(asked))
          throw fault('PEER_UNREACHABLE', { address, reason: 'it got lost' });
        try {
          const answer = await peer.call(method, params, signal, data);
          refuseIfCut();
          return answer;
        } catch (error) {
          forget();
          throw error;
        }
      },
      stream: async function* (this: void, method, params, signal) {
        const asked = { from, to: address, method };
        cluster.asked.push(asked);
        refuseIfCut();
        if (cluster.loses(asked))
          throw fault('PEER_UNREACHABLE', { address, reason: 'it got lost' });
        try {
          for await (const item of peer.stream(method, params, signal)) {
            refuseIfCut();
            yield item;
          }
        } catch (error) {
          forget();
          throw error;
        }
      },
    };
  }
}

function segments({ segmentBytes }: SiteOptions): { segmentBytes?: number } {
  return segmentBytes === undefined ? {} : { segmentBytes };
}

export interface SiteOptions {
  readonly disk?: SimDisk;
  readonly limits?: Partial<ReplicaLimits>;
  readonly segmentBytes?: number;
  readonly repairBytesPerSecond?: number;
  readonly requests?: RequestLog;
  /** As of `ReplicasOptions`. */
  readonly known?: Promise<void>;
  /** An old picture of the configurations to begin with. */
  readonly frozen?: Map<number, PointConfig>;
}

/** The configurations as they are, and the way to change them. */
export class Keeper {
  readonly configs = new Map<number, PointConfig>();
  /** Points at which nothing was ever made. */
  readonly fresh = new Set<number>();
  /** When false, nobody hears that a point is used. */
  takesUses = true;
  /** When false, what has caught up stays as it is. */
  takesJoiners = true;
  readonly #notify: (points: readonly number[]) => void;

  constructor(notify: (points: readonly number[]) => void) {
    this.#notify = notify;
  }

  /** The next configuration of the points of the tests' files, or of others. */
  set(
    replicas: readonly string[],
    joining: readonly string[] = [],
    points: readonly number[] = testPoints,
  ): void {
    for (const point of points) {
      const version = (this.configs.get(point)?.version ?? 0) + 1;
      this.configs.set(point, { point, version, replicas, joining });
    }
    this.#notify(points);
  }

  caughtUp(store: string, points: readonly { point: number; version: number }[]): void {
    if (!this.takesJoiners) return;
    for (const { point, version } of points) {
      const config = this.configs.get(point);
      if (config?.version !== version || !config.joining.includes(store)) continue;
      this.configs.set(point, {
        point,
        version: version + 1,
        replicas: [...config.replicas, store],
        joining: config.joining.filter((each) => each !== store),
      });
    }
    this.#notify(points.map(({ point }) => point));
  }
}

/** A request of one store to another. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly method: string;
}

export class Cluster {
  readonly sites = new Map<string, Site>();
  readonly keeper = new Keeper((points) => {
    for (const site of this.sites.values()) site.notify(points);
  });
  readonly asked: Asked[] = [];
  /** Requests that do not arrive. */
  loses: (asked: Asked) => boolean = () => false;
  readonly #hub = new InProcessHub();
  readonly #cut = new Set<string>();
  readonly #connections: { from: string; to: string; connection: Connection }[] = [];
  readonly #transports = new Map<string, InProcessTransport>();

  /** Stores with these ids, holding every point in this order. */
  static async start(stores: readonly string[], options: SiteOptions = {}): Promise<Cluster> {
    const cluster = new Cluster();
    for (const store of stores) await cluster.add(store, options);
    return cluster;
  }

  async add(store: string, options: SiteOptions = {}): Promise<Site> {
    const site = await Site.start(this, store, options);
    this.sites.set(store, site);
    return site;
  }

  site(store: string): Site {
    const site = this.sites.get(store);
    if (site === undefined) throw new Error(`there is no store ${store}`);
    return site;
  }

  /** Ends a process: what it had not answered is lost, its disk stays. */
  async kill(store: string): Promise<SimDisk> {
    const site = this.site(store);
    this.sites.delete(store);
    this.#cut.add(store);
    site.disk.kill();
    await site.replicas.close();
    for (const { from, to, connection } of this.#connections) {
      if (from === store || to === store) connection.close();
    }
    this.#hub.unbind(store);
    this.#transports.delete(store);
    return site.disk;
  }

  /** Starts a process on what an earlier one left. */
  async restart(store: string, disk: SimDisk, options: SiteOptions = {}): Promise<Site> {
    this.#cut.delete(store);
    return this.add(store, { ...options, disk });
  }

  /** Cuts a store off from all others, both ways. */
  cut(store: string): void {
    this.#cut.add(store);
  }

  heal(store: string): void {
    this.#cut.delete(store);
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(from) || this.#cut.has(to);
  }

  isUp(store: string): boolean {
    return this.sites.has(store);
  }

  transport(store: string): InProcessTransport {
    const known = this.#transports.get(store);
    if (known !== undefined) return known;
    const transport = new InProcessTransport({
      hub: this.#hub,
      identity: { node: `${store}#boot`, role: 'node', term: () => 0 },
      clock: systemClock,
    });
    this.#transports.set(store, transport);
    return transport;
  }

  async connection(from: string, to: string): Promise<Connection> {
    const connection = await this.transport(from).connect(to);
    this.#connections.push({ from, to, connection });
    return connection;
  }

  async stop(): Promise<void> {
    for (const site of this.sites.values()) await site.stop();
    for (const { connection } of this.#connections) connection.close();
  }
}
