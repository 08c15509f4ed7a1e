/** `rainstorm attach`. */
import { fault } from '../../core/index.ts';
import { attached } from '../cluster-run.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import type { Io } from '../io.ts';
import { clusterOf, REACH_FLAGS } from './reach.ts';

async function attach(line: CommandLine, io: Io): Promise<ExitCode> {
  const target = await clusterOf(line, io);
  if (target === null) {
    const problem = 'attach follows a job of a cluster, give --cluster or the --data of a node';
    throw fault('USAGE', { problem });
  }
  return attached({ target, io, flags: line.flags }, line.words[1]);
}

export const attachCommand: Command = {
  usage: 'attach JOB',
  summary: 'follow a job of a cluster until it ends; leaving does it no harm',
  help: `JOB is a name, an id, or the first six or more characters of an id. --print streams the destination
to stdout from its beginning. Ctrl-C asks whether to leave the job alone or to stop it.`,
  flags: [...REACH_FLAGS, 'print', 'quiet'],
  words: [1, 1],
  run: attach,
};
