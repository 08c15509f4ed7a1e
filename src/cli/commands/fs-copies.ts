/** `rainstorm fs merge | get-from-replica | multi-append`: the copies of a file, and several writers. */
import { basename, resolve } from 'node:path';
import { fault } from '../../core/index.ts';
import type { LocalSource, MultiAppended } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanCount } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { fetchBytes, refuseExisting } from './fs-read.ts';
import { printJson, printResult } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

async function merge(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name] = line.words;
  const merged = await ask(line, io, (service) => service.copies.merge(name));
  const { replicas, blocks, repaired } = merged;
  const compared =
    replicas === 0
      ? 'it has one copy'
      : `${replicas + 1} replicas are equal (${humanCount(blocks)} blocks compared)`;
  const mended = repaired.length === 0 ? '' : `, made anew at ${repaired.join(', ')}`;
  const text = `merged ${name}: ${compared}${mended}`;
  await printResult(line, io, { text, json: { name, ...merged } });
  return 0;
}

async function getFromReplica(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , address, name, local = basename(name)] = line.words;
  const { overwrite } = line.flags;
  const path = resolve(io.cwd, local);
  await refuseExisting(path, overwrite);
  const bytes = await ask(line, io, (service) =>
    fetchBytes(service.copies.readFrom(address, name), io, { path, overwrite }),
  );
  const text = `${name} of ${address} -> ${local} (${humanCount(bytes)} bytes)`;
  await printResult(line, io, { text, json: { name, address, path, bytes } });
  return 0;
}

async function multiAppend(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name, ...paths] = line.words;
  const sources = sourcesOf((line.flags.from ?? '').split(',').filter(Boolean), paths);
  const done = await ask(line, io, (service) => service.copies.multiAppend(name, sources), {
    again: 'never',
  });
  const failed = done.some((each) => 'problem' in each);
  if (line.flags.json) await printJson(io, done);
  else for (const each of done) await tell(io, name, each);
  return failed ? 1 : 0;
}

function tell(io: Io, name: string, done: MultiAppended): Promise<void> {
  const { from, path } = done;
  if ('problem' in done) return write(io.stderr, `${from}: ${done.problem}\n`);
  const bytes = humanCount(done.appended);
  return write(io.stdout, `${from}: appended ${bytes} bytes of ${path} to ${name}\n`);
}

/** @throws USAGE unless there is one path for all, or one for each */
function sourcesOf(vms: readonly string[], paths: readonly string[]): LocalSource[] {
  if (vms.length === 0) {
    throw fault('USAGE', { problem: 'say with --from vm1,vm2,... whose files are appended' });
  }
  if (paths.length !== 1 && paths.length !== vms.length) {
    const problem = `--from names ${vms.length} nodes and there are ${paths.length} paths; give one for each, or one for all`;
    throw fault('USAGE', { problem });
  }
  return vms.map((from, i) => ({ from, path: paths.length === 1 ? paths[0] : paths[i] }));
}

/** Words of one `multi-append`: its name and a path per node. */
const APPENDS_MAX = 256;

export const fsCopyCommands: Readonly<Record<string, Command>> = {
  'fs merge': {
    usage: 'fs merge NAME',
    summary: 'wait until all replicas of a file are equal, block by block; repair what is not',
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 1],
    run: merge,
  },
  'fs get-from-replica': {
    usage: 'fs get-from-replica VM NAME [LOCAL]',
    summary: 'copy the bytes that one replica has of a file to a local path',
    help: `VM is host:port as \`rainstorm fs ls NAME\` shows it, or the host where one node has it. The local
file appears when it is complete, never half.`,
    flags: [...REACH_FLAGS, 'overwrite', 'json'],
    words: [2, 3],
    run: getFromReplica,
  },
  'fs multi-append': {
    usage: 'fs multi-append NAME --from VM,... LOCAL...',
    summary: 'append files of several nodes, each read on its own machine, all at once',
    help: `One LOCAL for each VM, or one for all. A relative path begins where that node was started. Each
file is appended in order; between its pieces of 512 KiB those of others may lie.`,
    flags: [...REACH_FLAGS, 'from', 'json'],
    words: [2, APPENDS_MAX],
    run: multiAppend,
  },
};
