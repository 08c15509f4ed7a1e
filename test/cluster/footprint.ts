/**
 * What jobs hold of a machine, seen from outside of the node that runs them.
 *
 *   const before = footprintOf(node);            // nothing runs
 *   ...
 *   t.deepEqual(footprintOf(node), before);
 *
 * Connections between nodes are the nodes' own: one for each pair, shared by all jobs, and kept.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { descendantsOf } from '../helpers/process-tree.ts';
import type { ClusterProcess } from './cluster.ts';

export interface Footprint {
  /** processes below the node */
  readonly processes: number;
  /** sockets without a name: those to operators, and the node's own output in tests */
  readonly sockets: number;
  /** process groups that the node has written down as its own, with their private directories */
  readonly leases: readonly string[];
}

export function footprintOf(node: ClusterProcess): Footprint {
  return {
    processes: descendantsOf(node.pid).length,
    sockets: socketsOf(node.pid),
    leases: leasesOf(join(node.data, 'groups.json')),
  };
}

function socketsOf(pid: number): number {
  const unnamed = new Set<string>();
  for (const line of readFileSync(`/proc/${pid}/net/unix`, 'utf8').split('\n').slice(1)) {
    const [, , , , , , inode, path] = line.trim().split(/\s+/);
    if (inode !== undefined && path === undefined) unnamed.add(`socket:[${inode}]`);
  }
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return unnamed.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** Lines are `start PID ... DIRECTORY` and `end PID`, as operators come and go. */
function leasesOf(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  const held = new Map<string, string>();
  const directories = new Set<string>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [what, pid, , , directory = ''] = line.split(' ');
    if (what === 'start') held.set(pid, line);
    else held.delete(pid);
    if (directory !== '') directories.add(directory);
  }
  const left = [...directories].filter((each) => existsSync(each)).map((each) => basename(each));
  return [...held.values(), ...left];
}
