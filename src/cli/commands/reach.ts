/**
 * How commands get at a data directory: from its owner over a socket, or by opening it.
 *
 * Between two owners there are moments when the directory is locked and nobody answers, and an owner
 * that is itself only a short command leaves while others ask it. So reaching is tried again for a
 * while, and what may be asked twice is asked again when the owner has left.
 */
import { resolve } from 'node:path';
import { isFault, sleep } from '../../core/index.ts';
import { reachService, type Service } from '../../node/index.ts';
import type { CommandLine } from '../command-line.ts';
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
      return await reachService(dataOf(line, io), options);
    } catch (error) {
      const between = isFault(error, 'DATA_DIR_LOCKED') || isFault(error, 'PEER_UNREACHABLE');
      if (!between || late()) throw error;
      await sleep(io.clock, RETRY_MS);
    }
  }
}
