/**
 * A client of the files of a cluster that is none of its nodes: it learns who lives from one of them
 * and works out the rest from the ring, so it is right while nothing moves and is told otherwise by the
 * nodes that it asks.
 *
 *   const client = await ClusterClient.of(cluster);
 *   await client.files.append('a', bytes);
 *   await client.close();
 */
import { silentLog, systemClock, systemRandom } from '../src/core/index.ts';
import { ClusterFiles } from '../src/hydfs/client/index.ts';
import type { PointConfig, ReplicaPlacement } from '../src/hydfs/replication/index.ts';
import type { PointsRow } from '../src/node/index.ts';
import { RING_POINTS, type Ring, ringOf, ringPointOf, successors } from '../src/plan/index.ts';
import {
  type Connection,
  dispatch,
  RpcClient,
  TcpTransport,
  type Transport,
} from '../src/transport/index.ts';
import type { Cluster } from '../test/cluster/cluster.ts';

const ALL_POINTS: readonly number[] = Array.from({ length: RING_POINTS }, (_, point) => point);

/** What the cluster says of its points, as one of its nodes knows it. */
export function pointsOf(cluster: Cluster): Promise<PointsRow> {
  const [first] = cluster.living;
  return first.ask((service) => service.points());
}

class RingPlacement implements ReplicaPlacement {
  readonly #look: () => Promise<PointsRow>;
  readonly #listeners = new Set<(points: readonly number[]) => void>();
  #ring: Ring = ringOf([]);
  #copies = 0;
  #stores = new Map<string, string>();
  #looking: Promise<void> | null = null;

  constructor(look: () => Promise<PointsRow>) {
    this.#look = look;
  }

  config(point: number): PointConfig | null {
    const replicas = [...successors(this.#ring, point)].slice(0, this.#copies);
    return replicas.length === 0 ? null : { point, version: 0, replicas, joining: [] };
  }

  /** Stores go by their addresses here. */
  address(store: string): string | null {
    return this.#stores.get(store) ?? null;
  }

  onChange(listener: (points: readonly number[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(): void {
    // a node that does not answer is asked again by the next try
    this.update().catch(() => undefined);
  }

  update(): Promise<void> {
    this.#looking ??= this.#learn().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  isFresh(): boolean {
    return false;
  }

  use(): Promise<void> {
    return Promise.reject(new Error('a client holds no files'));
  }

  caughtUp(): Promise<void> {
    return Promise.reject(new Error('a client holds no files'));
  }

  unfit(): Promise<void> {
    return Promise.reject(new Error('a client holds no files'));
  }

  async #learn(): Promise<void> {
    const { stores, copies } = await this.#look();
    const living = stores.map(({ address }) => address).filter((each) => each !== null);
    if (copies === this.#copies && living.sort().join() === [...this.#stores.keys()].join()) return;
    this.#copies = copies;
    this.#stores = new Map(living.map((address) => [address, address]));
    this.#ring = ringOf(living);
    for (const listener of [...this.#listeners]) listener(ALL_POINTS);
  }
}

class Links {
  readonly #transport: Transport;
  readonly #connections = new Set<Connection>();
  readonly #clients = new Map<string, Promise<RpcClient>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(address: string): Promise<RpcClient> {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const made = this.#make(address);
    this.#clients.set(address, made);
    made.catch(() => this.#clients.delete(address));
    return made;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #make(address: string): Promise<RpcClient> {
    const connection = await this.#transport.connect(address);
    const client = new RpcClient(connection);
    this.#connections.add(connection);
    const closed = (): void => {
      this.#connections.delete(connection);
      this.#clients.delete(address);
    };
    dispatch(connection, [client, { receive: () => false, closed }]);
    return client;
  }
}

export class ClusterClient {
  readonly files: ClusterFiles;
  readonly #placement: RingPlacement;
  readonly #links: Links;

  static async of(cluster: Cluster): Promise<ClusterClient> {
    const client = new ClusterClient(cluster);
    await client.update();
    return client;
  }

  private constructor(cluster: Cluster) {
    const identity = { node: 'bench#client', role: 'client' as const, term: () => 0 };
    const clock = systemClock;
    this.#links = new Links(new TcpTransport({ identity, clock, log: silentLog }));
    this.#placement = new RingPlacement(() => pointsOf(cluster));
    this.files = new ClusterFiles({
      placement: this.#placement,
      store: null,
      local: null,
      connect: (address) => this.#links.get(address),
      clock,
      random: systemRandom,
      log: silentLog,
    });
  }

  /** Learns who lives now. */
  update(): Promise<void> {
    return this.#placement.update();
  }

  /** The addresses of the nodes that should hold `name`, the primary first. */
  holders(name: string): readonly string[] {
    return this.#placement.config(ringPointOf(name))?.replicas ?? [];
  }

  async close(): Promise<void> {
    await this.files.close();
    this.#links.close();
  }
}
