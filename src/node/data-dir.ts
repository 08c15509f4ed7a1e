/**
 * What is where in a data directory, which one process owns at a time.
 *
 *   lock.N         who owns it, and the socket to reach the owner
 *   control/       the control log
 *   hydfs/         files of the file system, under hashes
 *   logs/          node.log, and logs/<job>/<stage>-<index>.log per task
 *   operators/     bundled operators of a packaged program, written out
 *   packages/      what jobs of a cluster brought, while this process runs
 *   environments/  Python packages of jobs, by what they are made from
 *   groups.json    live operator process groups, for cleaning up after a crash
 */
import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type { TaskRef } from '../plan/index.ts';

/** Longest path of a unix socket that every system takes (sun_path is 108 with its NUL). */
const SOCKET_PATH_BYTES_MAX = 100;

export interface DataDir {
  readonly root: string;
  readonly control: string;
  readonly hydfs: string;
  readonly logs: string;
  readonly nodeLog: string;
  /** What a node of a cluster was asked about files. */
  readonly requestLog: string;
  readonly operators: string;
  readonly packages: string;
  readonly environments: string;
  readonly groupsFile: string;
  /** where the owner answers other processes of this machine */
  readonly socket: string;
  taskLog(task: TaskRef): string;
}

/** The layout below `path`. Touches no disk. */
export function dataDir(path: string): DataDir {
  const root = resolve(path);
  const logs = join(root, 'logs');
  return {
    root,
    control: join(root, 'control'),
    hydfs: join(root, 'hydfs'),
    logs,
    nodeLog: join(logs, 'node.log'),
    requestLog: join(logs, 'requests.log'),
    operators: join(root, 'operators'),
    packages: join(root, 'packages'),
    environments: join(root, 'environments'),
    groupsFile: join(root, 'groups.json'),
    socket: socketPath(root),
    taskLog: ({ job, stage, index }) => join(logs, job, `${stage}-${index}.log`),
  };
}

function socketPath(root: string): string {
  const inside = join(root, 'node.sock');
  if (Buffer.byteLength(inside) <= SOCKET_PATH_BYTES_MAX) return inside;
  const short = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return join(tmpdir(), `rainstorm-${userInfo().uid}`, `${short}.sock`);
}
