/**
 * Nodes whose replicas are always equal, for tests of clients: all of them serve the files of one
 * `LocalFileSystem`, each only the points that a test has made it primary of. Requests travel over
 * in-process connections, and they or their answers can be lost; time passes when a test lets it.
 */
import { setImmediate } from 'node:timers/promises';
import { fault, seededRandom, silentLog } from '../../../src/core/index.ts';
import { type ClientLimits, ClusterFiles, fileMethods } from '../../../src/hydfs/client/index.ts';
import type { LocalFileSystem } from '../../../src/hydfs/index.ts';
import type { PointConfig, ReplicaPeer } from '../../../src/hydfs/replication/index.ts';
import { RING_POINTS } from '../../../src/plan/index.ts';
import {
  InProcessHub,
  InProcessTransport,
  openRpc,
  type RpcClient,
  serveRpc,
} from '../../../src/transport/index.ts';
import { ManualClock } from '../../transport/helpers/manual-clock.ts';
import { openFiles, simDisk } from '../helpers.ts';
import { FakePrimary } from './fake-primary.ts';
import { SmallPlacement } from './small-placement.ts';

/** What becomes of a request. `swapped`: it is sent after the one that follows it. */
export type Mishap = 'request-lost' | 'answer-lost' | 'stuck' | 'swapped' | 'none';

/** A step of virtual time while something is awaited. */
const STEP_MS = 10;
/** Steps before a test is taken to hang. */
const STEPS_MAX = 20_000;

export class SmallCluster {
  readonly clock: ManualClock;
  readonly hub = new InProcessHub();
  /** The methods that were asked of other nodes, in order. */
  readonly requests: string[] = [];
  /** What becomes of the next requests of a method, in order. */
  readonly mishaps = new Map<string, Mishap[]>();
  /** Streams of a method break after so many items, one stream per number. */
  readonly breaks = new Map<string, number[]>();
  readonly nodes: SmallNode[] = [];
  readonly disk: LocalFileSystem;

  private constructor(clock: ManualClock, disk: LocalFileSystem) {
    this.clock = clock;
    this.disk = disk;
  }

  /** Nodes `a`, `b`, ...; the first is the primary of everything, all are replicas. */
  static async make(stores: string, limits: Partial<ClientLimits> = {}): Promise<SmallCluster> {
    const clock = new ManualClock();
    const cluster = new SmallCluster(clock, await openFiles(simDisk().mount(), { clock }));
    for (const store of stores) cluster.nodes.push(new SmallNode(cluster, store, limits));
    for (const node of cluster.nodes) await node.listen();
    cluster.configure(stores, 1);
    return cluster;
  }

  /** Gives all points to `stores`, the first of which is primary, as configuration `version`. */
  configure(stores: string, version: number): void {
    for (let point = 0; point < RING_POINTS; point++) {
      const config: PointConfig = { point, version, replicas: [...stores], joining: [] };
      for (const { placement } of this.nodes) placement.set(config);
    }
  }

  /** What `promise` gives, while virtual time passes. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    for (let step = 0; !settled && step < STEPS_MAX; step++) {
      await setImmediate();
      if (!settled) this.clock.advance(STEP_MS);
    }
    if (!settled) throw new Error(`nothing came of it in ${STEPS_MAX * STEP_MS} ms`);
    return promise;
  }

  /** Lets everything happen that needs no time. */
  async turns(count = 20): Promise<void> {
    for (let turn = 0; turn < count; turn++) await setImmediate();
  }
}

export class SmallNode {
  readonly store: string;
  readonly placement = new SmallPlacement();
  readonly primary: FakePrimary;
  readonly files: ClusterFiles;
  readonly #cluster: SmallCluster;
  readonly #clients = new Map<string, Promise<RpcClient>>();

  constructor(cluster: SmallCluster, store: string, limits: Partial<ClientLimits>) {
    const { placement } = this;
    this.store = store;
    this.#cluster = cluster;
    this.primary = new FakePrimary({ store, placement, files: cluster.disk });
    this.files = new ClusterFiles({
      placement,
      store,
      local: this.primary,
      connect: (address) => this.#connect(address),
      clock: cluster.clock,
      random: seededRandom(store.charCodeAt(0)),
      log: silentLog,
      limits,
    });
  }

  async listen(): Promise<void> {
    const methods = fileMethods({ files: this.primary, placement: this.placement });
    await this.#transport().listen(this.placement.addressOf(this.store), (connection) =>
      serveRpc(connection, methods),
    );
  }

  async #connect(address: string): Promise<ReplicaPeer> {
    const known = this.#clients.get(address) ?? this.#transport().connect(address).then(openRpc);
    this.#clients.set(address, known);
    return mishappen(await known, this.#cluster, address);
  }

  #transport(): InProcessTransport {
    const { hub, clock } = this.#cluster;
    const identity = { node: `node-${this.store}#1`, role: 'node', term: () => 0 } as const;
    return new InProcessTransport({ hub, identity, clock });
  }
}

function mishappen(rpc: RpcClient, cluster: SmallCluster, address: string): ReplicaPeer {
  const lost = (): Error => fault('PEER_LOST', { peer: address, reason: 'the test says so' });
  return {
    async call(method, params, signal, data) {
      cluster.requests.push(method);
      const mishap = cluster.mishaps.get(method)?.shift() ?? 'none';
      if (mishap === 'request-lost') throw lost();
      if (mishap === 'stuck') return aborted(signal);
      if (mishap === 'swapped') await setImmediate();
      const answer = await rpc.call(method, params, signal, data);
      if (mishap === 'answer-lost') throw lost();
      return answer;
    },
    async *stream(method, params, signal) {
      cluster.requests.push(method);
      const most = cluster.breaks.get(method)?.shift() ?? Number.POSITIVE_INFINITY;
      let given = 0;
      for await (const item of rpc.stream(method, params, signal)) {
        if (given === most) throw lost();
        given += 1;
        yield item;
      }
    },
  };
}

/** Rejects when `signal` aborts. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}
