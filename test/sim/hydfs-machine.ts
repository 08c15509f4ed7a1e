/**
 * A simulated machine: a disk, and one node after the other on it, made of the shipped parts.
 */
import { type Clock, fault, isFault, type Logger, type Random } from '../../src/core/index.ts';
import { ClusterFiles, fileMethods } from '../../src/hydfs/client/index.ts';
import {
  ControlPlacement,
  type FileSystem,
  LocalFileSystem,
  type LocalFileSystemOptions,
} from '../../src/hydfs/index.ts';
import {
  type ReplicaLimits,
  type ReplicaPeer,
  type ReplicaPlacement,
  Replicas,
  type StoredFiles,
} from '../../src/hydfs/replication/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import {
  type Connection,
  dispatch,
  RpcClient,
  type RpcMethods,
  RpcServer,
} from '../../src/transport/index.ts';
import type { ControlOptions, SimControl } from './hydfs-control.ts';
import { type Pace, quick, timedDisk } from './hydfs-disk.ts';
import type { SimNetwork } from './hydfs-network.ts';
import { SimProcess, type SimTime } from './hydfs-time.ts';
import { SimDisk } from './sim-disk.ts';

export const ROOT = '/hydfs';
/** Small, so that a file has several. */
export const SEGMENT_BYTES = 2500;

export type Files = FileSystem & StoredFiles;

/** What a planted bug puts between the parts of a node. Each is given what there is. */
export interface Plant {
  readonly disk?: (disk: Disk) => Disk;
  readonly files?: (files: Files) => Files;
  readonly placement?: (placement: ReplicaPlacement, store: string) => ReplicaPlacement;
  readonly methods?: (methods: RpcMethods) => RpcMethods;
  readonly peer?: (peer: ReplicaPeer) => ReplicaPeer;
  readonly core?: LocalFileSystemOptions['core'];
  readonly decided?: ControlOptions['plant'];
  readonly asked?: ControlOptions['asked'];
}

export interface MachineOptions {
  readonly address: string;
  readonly time: SimTime;
  readonly network: SimNetwork;
  readonly control: SimControl;
  readonly random: Random;
  readonly limits: Partial<ReplicaLimits>;
  readonly plant: Plant;
  readonly log: Logger;
}

/** A node that is up. */
export interface SimNode {
  /** One life of it. */
  readonly client: string;
  readonly process: SimProcess;
  readonly clock: Clock;
  readonly files: Files;
  readonly replicas: Replicas;
  readonly fs: ClusterFiles;
}

export class SimMachine {
  readonly address: string;
  disk: SimDisk;
  store: string;
  pace: Pace = quick;
  node: SimNode | null = null;
  process: SimProcess | null = null;
  readonly #options: MachineOptions;
  #lives = 0;
  #disks = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.address = options.address;
    this.disk = new SimDisk({ random: options.random, shortWrites: 0.02 });
    this.store = this.#nextStore();
  }

  get down(): boolean {
    return this.process === null;
  }

  /** Begins a node over what the disk has. */
  start(): void {
    if (this.process !== null) return;
    this.#lives += 1;
    const process = new SimProcess(this.#options.time, this.address);
    this.process = process;
    this.#open(process).catch((error: unknown) => {
      if (process.ended) return;
      // As a service manager would: what failed is begun again.
      if (isFault(error)) this.restartIn(500);
      else this.#options.time.broken(error);
    });
  }

  /** Ends the node; with `power` what was not synced is gone too. */
  stop(how: {
    readonly power: boolean;
    readonly reorder?: boolean;
    readonly silently?: boolean;
  }): void {
    const { process } = this;
    if (process === null) return;
    this.#options.time.mark('stop', this.address, how.power ? 1 : 0);
    process.end();
    this.process = null;
    this.node = null;
    this.#options.network.ended(process, how.silently ?? false);
    if (how.power) this.disk.crash({ reorder: how.reorder ?? false });
    else this.disk.kill();
  }

  restartIn(ms: number): void {
    this.stop({ power: false });
    this.#options.time.events.plan(ms, () => this.start());
  }

  /** A new, empty disk: another store. */
  wipe(): void {
    this.stop({ power: true });
    this.disk = new SimDisk({ random: this.#options.random, shortWrites: 0.02 });
    this.store = this.#nextStore();
  }

  #nextStore(): string {
    this.#disks += 1;
    return `${this.address.split(':')[0]}-disk${this.#disks}`;
  }

  async #open(process: SimProcess): Promise<void> {
    const { address, network, control, random, plant, limits, log } = this.#options;
    const { clock } = process;
    const pace = (): Pace => this.pace;
    const disk = timedDisk({ machine: this.disk, process, random, pace });
    const { store } = this;
    const local = await LocalFileSystem.open({
      disk: plant.disk?.(disk) ?? disk,
      root: ROOT,
      clock,
      log,
      random,
      segmentBytes: SEGMENT_BYTES,
      ...(plant.core === undefined ? {} : { core: plant.core }),
    });
    const node = `${address}#${this.#lives}`;
    const view = new ControlPlacement({
      control: control.join({ node, address, store, process }),
      node,
      clock,
      log,
    });
    const files = plant.files?.(local) ?? local;
    const peers = new Peers({ network, process, address, node, plant });
    const placement = plant.placement?.(view, store) ?? view;
    const connect = (to: string, signal?: AbortSignal): Promise<ReplicaPeer> =>
      peers.connect(to, signal);
    const shared = { placement, store, connect, clock, random, log };
    const replicas = new Replicas({ ...shared, files, limits, known: view.admitted() });
    const primary = replicas.files();
    const fs = new ClusterFiles({ ...shared, local: primary });
    const methods = { ...replicas.methods(), ...fileMethods({ files: primary, placement }) };
    const served = plant.methods?.(methods) ?? methods;
    network.listen({ process, address, node }, (connection) => {
      dispatch(connection, [new RpcServer(connection, served, log)]);
    });
    this.node = { client: node, process, clock, files, replicas, fs };
  }
}

/** One connection to each address, shared by all that ask for it. */
class Peers {
  readonly #options: {
    readonly network: SimNetwork;
    readonly process: SimProcess;
    readonly address: string;
    readonly node: string;
    readonly plant: Plant;
  };
  readonly #open = new Map<string, Promise<ReplicaPeer>>();

  constructor(options: {
    readonly network: SimNetwork;
    readonly process: SimProcess;
    readonly address: string;
    readonly node: string;
    readonly plant: Plant;
  }) {
    this.#options = options;
  }

  async connect(to: string, signal?: AbortSignal): Promise<ReplicaPeer> {
    let peer = this.#open.get(to);
    if (peer === undefined) {
      peer = this.#dial(to);
      this.#open.set(to, peer);
      peer.catch(() => this.#forget(to, peer));
    }
    if (signal === undefined) return peer;
    const aborted = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([peer, aborted]);
  }

  async #dial(to: string): Promise<ReplicaPeer> {
    const { network, process, address, node, plant } = this.#options;
    const connection: Connection = await network.connect({ process, address, node }, to);
    const client = new RpcClient(connection);
    const dialled = this.#open.get(to);
    dispatch(connection, [
      {
        receive: (message) => client.receive(message),
        closed: (reason) => {
          this.#forget(to, dialled);
          client.closed(reason ?? fault('PEER_CLOSED', { peer: to, reason: 'it has closed' }));
        },
      },
    ]);
    return plant.peer?.(client) ?? client;
  }

  #forget(to: string, peer: Promise<ReplicaPeer> | undefined): void {
    if (this.#open.get(to) === peer) this.#open.delete(to);
  }
}
