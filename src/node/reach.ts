import { access } from 'node:fs/promises';
import { fault, randomId, silentLog, systemClock, systemRandom } from '../core/index.ts';
import { readLock } from '../storage/index.ts';
import { openRpc, TcpTransport } from '../transport/index.ts';
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
  const node = `command#${randomId(systemRandom)}`;
  const transport = new TcpTransport({
    identity: { node, role: 'client', term: () => 0 },
    clock: systemClock,
    log: silentLog,
  });
  const connection = await transport.connect(`unix:${owner.info.socket ?? dir.socket}`);
  return new RemoteService(openRpc(connection), () => connection.close());
}

async function openHere(data: string, idle: boolean): Promise<Service> {
  return (await Node.open({ data, threads: 0, idle })).service;
}
