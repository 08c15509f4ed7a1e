/** `rainstorm node`: one node of a cluster, in the foreground. */
import { resolve } from 'node:path';
import { COPIES_MAX } from '../../control/index.ts';
import { fault, plainLog } from '../../core/index.ts';
import { ClusterNode, type ClusterNodeOptions } from '../../node/index.ts';
import { parseDuration } from '../../plan/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine, Flags } from '../command-line.ts';
import type { Io } from '../io.ts';

const MIB = 1024 * 1024;

/** An interrupt is heard from the first moment on; one that comes during the start waits for its end. */
async function runNode(line: CommandLine, io: Io): Promise<ExitCode> {
  const options = optionsOf(line.flags, io);
  const interrupted = Promise.withResolvers<void>();
  const off = io.onInterrupt(() => {
    off();
    interrupted.resolve();
  });
  try {
    const node = await ClusterNode.open(options);
    void interrupted.promise.then(() => node.leave());
    await node.ended;
  } finally {
    off();
  }
  return 0;
}

function optionsOf(flags: Flags, io: Io): ClusterNodeOptions {
  const { bind, port, voters, copies, advertise, keyFile } = flags;
  if (port > 65_535) throw fault('USAGE', { problem: `--port is at most 65535, not ${port}` });
  if (voters !== 1 && voters !== 3 && voters !== 5) {
    throw fault('USAGE', { problem: `--voters is 1, 3 or 5, not ${voters}` });
  }
  if (copies !== undefined && !(Number.isInteger(copies) && copies >= 1 && copies <= COPIES_MAX)) {
    throw fault('USAGE', { problem: `--copies is from 1 to ${COPIES_MAX}, not ${copies}` });
  }
  return {
    data: resolve(io.cwd, flags.data),
    bind,
    port,
    advertise,
    join: flags.join.split(',').filter((seed) => seed !== ''),
    keyFile: keyFile === undefined ? null : resolve(io.cwd, keyFile),
    voters,
    copies,
    replaceAfterMs: replaceAfterOf(flags.replaceAfter),
    repairBytesPerSecond: repairRateOf(flags.repairRate),
    dropRate: dropRateOf(flags.dropRate),
    sync: syncOf(flags.sync),
    console: plainLog(io.stderr, io.clock),
  };
}

function replaceAfterOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) {
    throw fault('USAGE', { problem: `--replace-after is a duration like 60s or 5m, not ${text}` });
  }
  return ms;
}

/** Bytes per second. */
function repairRateOf(rate: number | undefined): number | undefined {
  if (rate === undefined) return undefined;
  if (rate > 0 && Number.isFinite(rate)) return rate * MIB;
  throw fault('USAGE', { problem: `--repair-rate is a number of MiB/s above 0, not ${rate}` });
}

function dropRateOf(text: string): number {
  const rate = Number(text);
  if (text === '' || !(rate >= 0 && rate <= 1)) {
    throw fault('USAGE', { problem: `--drop-rate is a number from 0 to 1, not ${text}` });
  }
  return rate;
}

function syncOf(sync: string): 'always' | 'group' | 'os' {
  if (sync === 'always' || sync === 'group' || sync === 'os') return sync;
  throw fault('USAGE', { problem: `--sync is always, group or os, not ${sync}` });
}

export const nodeCommand: Command = {
  usage: 'node [--join HOST:PORT,...]',
  summary: 'run a node of a cluster here, until Ctrl-C or `rainstorm leave`',
  help: `The first node of a cluster is started without --join, the others with the address of any node.
The first one, three or five (--voters) decide everything together; a node that died is replaced, or
let go when there is nobody to take its place.
Each file is held by three nodes; --copies, given to any one node, says another number for all.
Copies that were lost are made anew at --repair-rate at most, so that appends go on meanwhile.
Without --key-file a node listens on loopback only. Ctrl-C and SIGTERM leave the cluster properly.`,
  flags: [
    'data',
    'bind',
    'port',
    'join',
    'advertise',
    'keyFile',
    'voters',
    'copies',
    'replaceAfter',
    'repairRate',
    'dropRate',
    'sync',
  ],
  words: [0, 0],
  run: runNode,
};
