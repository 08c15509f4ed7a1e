/**
 * The part of a cluster node that holds files and reaches those of others.
 *
 * Invariants
 *   F1  The store's id is known before anybody is told that this node lives: it is admitted with it.
 *   F2  What was opened is closed in the opposite order: who appends first, the files last.
 *   F3  While this node leads, it decides who holds which ring point.
 */
import { PointDriver } from '../control/index.ts';
import type { Clock, Logger, Random, RequestLog } from '../core/index.ts';
import {
  ClusterFiles,
  ControlPlacement,
  fileMethods,
  LocalFileSystem,
  openStoreId,
  Replicas,
} from '../hydfs/index.ts';
import { nodeDisk, type SyncMode } from '../storage/index.ts';
import type { RpcMethods, Transport } from '../transport/index.ts';
import type { ClusterControl } from './cluster-control.ts';
import type { StoredCopy } from './copy-service.ts';
import type { Tenant } from './door.ts';
import { SharedClients } from './shared-clients.ts';

export interface NodeStoreOptions {
  /** The directory of the files. */
  readonly root: string;
  readonly sync: SyncMode;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The files of this node, and the id of their store. */
export interface NodeStore {
  readonly id: string;
  readonly files: LocalFileSystem;
}

/** F1. @throws STORE_ID_INVALID, DISK_FAILED, DISK_FULL */
export async function openNodeStore(options: NodeStoreOptions): Promise<NodeStore> {
  const { root, sync, clock, random, log } = options;
  const files = await LocalFileSystem.open({ disk: nodeDisk, root, clock, random, log, sync });
  return { id: await openStoreId(nodeDisk, root, random), files };
}

export interface ClusterFilePartsOptions {
  readonly store: NodeStore;
  readonly nodeId: string;
  readonly control: ClusterControl;
  readonly transport: Transport;
  readonly requests: RequestLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What this node sends to make copies anew, at most; the usual unless given. */
  readonly repairBytesPerSecond?: number | undefined;
}

export class ClusterFileParts {
  /** The files of the cluster. */
  readonly fs: ClusterFiles;
  readonly clients: SharedClients;
  readonly #store: NodeStore;
  readonly #placement: ControlPlacement;
  readonly #replicas: Replicas;
  readonly #driver: PointDriver;
  readonly #requests: RequestLog;

  constructor(options: ClusterFilePartsOptions) {
    const { store, nodeId, control, transport, clock, random, log } = options;
    const { repairBytesPerSecond, requests } = options;
    this.#store = store;
    this.clients = new SharedClients(transport);
    this.#placement = new ControlPlacement({ control: control.log, node: nodeId, clock, log });
    const shared = {
      store: store.id,
      placement: this.#placement,
      connect: (address: string, signal?: AbortSignal) => this.clients.get(address, signal),
      clock,
      random,
      log,
      requests,
    };
    this.#requests = requests;
    const known = this.#placement.admitted();
    this.#replicas = new Replicas({
      ...shared,
      files: store.files,
      known,
      ...(repairBytesPerSecond === undefined ? {} : { repairBytesPerSecond }),
    });
    this.fs = new ClusterFiles({ ...shared, local: this.#replicas.files() });
    this.#driver = new PointDriver({ control: control.log, clock, log });
  }

  /** What this part of the node answers to others. */
  get tenant(): Tenant {
    const methods: RpcMethods = {
      ...this.#replicas.methods(),
      ...fileMethods({
        files: this.#replicas.files(),
        placement: this.#placement,
        requests: this.#requests,
      }),
    };
    return { methods: () => methods };
  }

  /** The copies that this node has on its disk, whoever serves them. */
  async stored(): Promise<readonly StoredCopy[]> {
    const { files } = this.#store;
    const copies: StoredCopy[] = [];
    for (const fileId of await files.pointsWithFiles()) {
      for (const { name } of await files.inventory(fileId)) {
        const { state } = await files.openFile(name);
        copies.push({ name, fileId, length: state.length, createdAt: state.createdAt });
      }
    }
    return copies;
  }

  /** F2; the files themselves are closed by who opened them. */
  async close(): Promise<void> {
    await this.fs.close();
    this.#driver.close();
    await this.#replicas.close();
    this.#placement.close();
    this.clients.close();
  }
}
