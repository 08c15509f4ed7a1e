import { access } from 'node:fs/promises';
import { fault, isFault, randomId, silentLog, systemClock, systemRandom } from '../core/index.ts';
import { readLock } from '../storage/index.ts';
import {
  type ClusterKeys,
  keyedSockets,
  openRpc,
  type RpcClient,
  readKeyFile,
  TcpTransport,
} from '../transport/index.ts';
import { type ClusterService, RemoteCluster } from './cluster-service.ts';
import { dataDir } from './data-dir.ts';
import { RemoteService } from './methods.ts';
import { Node } from './node.ts';
import type { Service } from './service.ts';

/**
 * The service of the data directory `data`, wherever its owner runs.
 * @param options.make whether a directory that does not exist is made
 * @param options.idle whether a node opened for the purpose runs no job: it then leaves no trace but
 *   the term of its control log, and suspends jobs that a crash interrupted
 * @throws DATA_DIR_MISSING, DATA_DIR_UNUSABLE, PEER_UNREACHABLE
 */
export async function reachService(
  data: string,
  options: { make: boolean; idle?: boolean },
): Promise<Service> {
  const dir = dataDir(data);
  const exists = await access(dir.root).then(
    () => true,
    () => false,
  );
  if (!exists && !options.make) throw fault('DATA_DIR_MISSING', { dir: dir.root });
  const owner = exists ? await readLock(dir.root) : null;
  if (owner === null) return openHere(data, options.idle ?? false);
  const { rpc, close } = await connect(`unix:${owner.info.socket ?? dir.socket}`);
  return new RemoteService(rpc, close);
}

/**
 * The cluster service of the node that owns the data directory `data`.
 * @throws NODE_NOT_RUNNING, PEER_UNREACHABLE
 */
export async function reachCluster(
  data: string,
): Promise<{ readonly cluster: ClusterService; close(): void }> {
  const dir = dataDir(data);
  const owner = await readLock(dir.root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (owner === null) throw fault('NODE_NOT_RUNNING', { dir: dir.root });
  const { rpc, close } = await connect(`unix:${owner.info.socket ?? dir.socket}`);
  return { cluster: new RemoteCluster(rpc), close };
}

/**
 * How to reach the owner of the data directory `data` when that is a node of a cluster; null when
 * nobody owns it, or a node that is alone.
 */
export async function ownerOf(data: string): Promise<NodeAddresses | null> {
  const dir = dataDir(data);
  const owner = await readLock(dir.root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (owner === null) return null;
  const found = { addresses: [`unix:${owner.info.socket ?? dir.socket}`], keyFile: null };
  try {
    const { cluster, close } = await reachNode(found);
    await cluster.control().finally(close);
    return found;
  } catch (error) {
    if (isFault(error, 'REQUEST_UNKNOWN') || isFault(error, 'PEER_UNREACHABLE')) return null;
    throw error;
  }
}

/** Nodes of a cluster, any of which will do, and the file with its key. */
export interface NodeAddresses {
  readonly addresses: readonly string[];
  readonly keyFile: string | null;
}

/** A node of a cluster, reached over the network. */
export interface ReachedNode {
  readonly service: Service;
  readonly cluster: ClusterService;
  close(): void;
}

/**
 * The first of `addresses` that answers.
 * @throws what the last one answered: PEER_UNREACHABLE, KEY_WRONG, ...; KEY_FILE_*, ADDRESS_INVALID
 */
export async function reachNode({ addresses, keyFile }: NodeAddresses): Promise<ReachedNode> {
  const keys = keyFile === null ? null : await readKeyFile(keyFile);
  let failed: unknown = fault('PEER_UNREACHABLE', { address: '', reason: 'no address was given' });
  for (const address of addresses) {
    try {
      const { rpc, close } = await connect(address, keys);
      return { service: new RemoteService(rpc, close), cluster: new RemoteCluster(rpc), close };
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

async function connect(
  address: string,
  keys: ClusterKeys | null = null,
): Promise<{ rpc: RpcClient; close(): void }> {
  const node = `command#${randomId(systemRandom)}`;
  const transport = new TcpTransport({
    identity: { node, role: 'client', term: () => 0 },
    clock: systemClock,
    log: silentLog,
    ...(keys === null ? {} : { secure: keyedSockets(() => keys) }),
  });
  const connection = await transport.connect(address);
  return { rpc: openRpc(connection), close: () => connection.close() };
}

async function openHere(data: string, idle: boolean): Promise<Service> {
  return (await Node.open({ data, threads: 0, idle })).service;
}
