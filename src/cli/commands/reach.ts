/**
 * How commands get at a data directory, from its owner over a socket or by opening it, or at a node
 * of a cluster over the network.
 *
 * Between two owners there are moments when the directory is locked and nobody answers, and an owner
 * that is itself only a short command leaves while others ask it. So reaching is tried again for a
 * while, and what may be asked twice is asked again when the owner has left.
 */
import { resolve } from 'node:path';
import { fault, isFault, sleep } from '../../core/index.ts';
import {
  type NodeAddresses,
  ownerOf,
  reachNode,
  reachService,
  type Service,
} from '../../node/index.ts';
import type { CommandLine, FlagName } from '../command-line.ts';
import type { Io } from '../io.ts';

const RETRY_MS = 50;
const PATIENCE_MS = 5000;

export interface AskOptions {
  /** make the data directory when there is none */
  readonly make?: boolean;
  /** the node that is opened, when nobody owns the directory, runs jobs */
  readonly runs?: boolean;
  /**
   * What may be asked again when the owner has left: anything (`always`), what it refused because it
   * was leaving, which had no effect (`refused`), or nothing (`never`). Default `always`.
   */
  readonly again?: 'always' | 'refused' | 'never';
}

/** The options that say whom a command asks. */
export const REACH_FLAGS = ['data', 'cluster', 'keyFile'] as const satisfies readonly FlagName[];

/** Whom a command asks. */
export type Target =
  | { readonly kind: 'data'; readonly dir: string }
  | ({ readonly kind: 'cluster' } & NodeAddresses);

/**
 * Whom `line` means: the nodes of --cluster; otherwise those of RAINSTORM_CLUSTER, unless --data was
 * given; otherwise the data directory.
 * @throws USAGE for both --cluster and --data
 */
export function targetOf({ flags, given }: CommandLine, io: Io): Target {
  const named = given.includes('data');
  if (flags.cluster !== undefined && named) {
    throw fault('USAGE', { problem: '--cluster and --data both say whom to ask, give one' });
  }
  const list = flags.cluster ?? (named ? '' : (io.env.RAINSTORM_CLUSTER ?? ''));
  const addresses = list.split(',').filter((address) => address !== '');
  if (addresses.length === 0) return { kind: 'data', dir: resolve(io.cwd, flags.data) };
  const keyFile = flags.keyFile === undefined ? null : resolve(io.cwd, flags.keyFile);
  return { kind: 'cluster', addresses, keyFile };
}

/** The cluster that `line` means; null when it means a data directory that no node of one owns. */
export async function clusterOf(line: CommandLine, io: Io): Promise<NodeAddresses | null> {
  const target = targetOf(line, io);
  return target.kind === 'cluster' ? target : ownerOf(target.dir);
}

/** The data directory that `line` names. */
export function dataOf(line: CommandLine, io: Io): string {
  return resolve(io.cwd, line.flags.data);
}

/**
 * Gives the service of the data directory to `body`, and lets go of it afterwards.
 * @throws DATA_DIR_MISSING, PEER_UNREACHABLE; whatever `body` throws
 */
export async function ask<T>(
  line: CommandLine,
  io: Io,
  body: (service: Service) => Promise<T>,
  options: AskOptions = {},
): Promise<T> {
  const { make = false, runs = false, again = 'always' } = options;
  const deadline = io.clock.now() + PATIENCE_MS;
  const late = (): boolean => io.clock.now() >= deadline;
  for (;;) {
    try {
      const service = await reachPatiently(line, io, { make, idle: !runs }, late);
      try {
        return await body(service);
      } finally {
        await service.close();
      }
    } catch (error) {
      const refused = isFault(error, 'LOG_CLOSED');
      const left = refused || isFault(error, 'PEER_LOST') || isFault(error, 'PEER_CLOSED');
      const may = again === 'always' || (again === 'refused' && refused);
      if (!left || !may || late()) throw error;
      await sleep(io.clock, RETRY_MS);
    }
  }
}

async function reachPatiently(
  line: CommandLine,
  io: Io,
  options: { make: boolean; idle: boolean },
  late: () => boolean,
): Promise<Service> {
  for (;;) {
    try {
      const target = targetOf(line, io);
      if (target.kind === 'cluster') return (await reachNode(target)).service;
      return await reachService(target.dir, options);
    } catch (error) {
      const between = isFault(error, 'DATA_DIR_LOCKED') || isFault(error, 'PEER_UNREACHABLE');
      if (!between || late()) throw error;
      await sleep(io.clock, RETRY_MS);
    }
  }
}
