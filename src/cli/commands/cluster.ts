/** What can be asked of a running node: members, switch, voters, points, leave; and keygen. */
import { resolve } from 'node:path';
import { fault } from '../../core/index.ts';
import {
  type ClusterService,
  type MemberRow,
  reachCluster,
  reachNode,
  type StoreRow,
} from '../../node/index.ts';
import { makeKeyFile } from '../../transport/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { type Io, write } from '../io.ts';
import { pointsText, storeColumns } from './points.ts';
import { printJson, printListing, printResult, type Shown } from './print.ts';
import { REACH_FLAGS, targetOf } from './reach.ts';

async function askNode<T>(
  line: CommandLine,
  io: Io,
  body: (cluster: ClusterService) => Promise<T>,
): Promise<T> {
  const target = targetOf(line, io);
  const { cluster, close } =
    target.kind === 'cluster' ? await reachNode(target) : await reachCluster(target.dir);
  try {
    return await body(cluster);
  } finally {
    close();
  }
}

const memberColumns: readonly Shown<MemberRow>[] = [
  { title: 'MEMBER', cell: ({ address }) => address },
  { title: 'STATUS', cell: ({ status, isSelf }) => (isSelf ? `${status} (this)` : status) },
  { title: 'BUSY', align: 'right', cell: ({ load }) => percent(load?.busyPermille) },
  { title: 'LOOP DELAY', align: 'right', cell: ({ load }) => unit(load?.loopDelayMs, 'ms') },
  { title: 'MEMORY', align: 'right', cell: ({ load }) => unit(load?.memoryMiB, 'MiB') },
  { title: 'BOOT ID', cell: ({ id }) => id.slice(id.indexOf('#') + 1).slice(0, 12) },
];

const idColumns: readonly Shown<MemberRow>[] = [
  { title: 'RING ID', align: 'right', cell: ({ ringId }) => ringId },
  { title: 'MEMBER', cell: ({ address }) => address },
  { title: 'STATUS', cell: ({ status }) => status },
  { title: 'NODE ID', cell: ({ id }) => id },
];

function percent(permille: number | undefined): string {
  return permille === undefined ? '' : `${(permille / 10).toFixed(1)} %`;
}

function unit(value: number | undefined, name: string): string {
  return value === undefined ? '' : `${value} ${name}`;
}

async function members(line: CommandLine, io: Io): Promise<ExitCode> {
  const { flags } = line;
  if (flags.protocol) return showProtocol(line, io);
  const all = await askNode(line, io, (cluster) => cluster.members());
  const rows = all.filter(
    ({ isSelf, status }) => (!flags.self || isSelf) && (!flags.suspects || status === 'suspect'),
  );
  await printListing(line, io, {
    rows: flags.ids ? rows : rows.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    columns: flags.ids ? idColumns : memberColumns,
    none: flags.suspects ? 'nobody is suspected' : 'no members',
  });
  return 0;
}

async function showProtocol(line: CommandLine, io: Io): Promise<ExitCode> {
  const mode = await askNode(line, io, (cluster) => cluster.protocol());
  const text = `${mode.protocol} ${mode.suspicion ? 'suspect' : 'nosuspect'}`;
  await printResult(line, io, { text, json: mode });
  return 0;
}

async function switchMode(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, protocol, suspicion] = line.words;
  if (protocol !== 'gossip' && protocol !== 'ping') {
    throw fault('USAGE', { problem: `the protocol is gossip or ping, not ${protocol}` });
  }
  if (suspicion !== 'suspect' && suspicion !== 'nosuspect') {
    throw fault('USAGE', { problem: `say suspect or nosuspect, not ${suspicion}` });
  }
  const mode = await askNode(line, io, (cluster) =>
    cluster.switchMode(protocol, suspicion === 'suspect'),
  );
  const text = `the cluster switches to ${protocol} ${suspicion}; every node has it in a few seconds`;
  await printResult(line, io, { text, json: mode });
  return 0;
}

async function voters(line: CommandLine, io: Io): Promise<ExitCode> {
  const { remove } = line.flags;
  const row = await askNode(line, io, async (cluster) => {
    if (remove !== undefined) await cluster.removeVoter(remove);
    return cluster.control();
  });
  const leader = row.leader ?? 'none known here';
  const known = row.voters.join(', ') || 'none known here';
  const text = `leader ${leader}, term ${row.term}, voters ${known}`;
  await printResult(line, io, { text, json: row });
  return 0;
}

async function points(line: CommandLine, io: Io): Promise<ExitCode> {
  const row = await askNode(line, io, (cluster) => cluster.points());
  if (line.flags.json) await printJson(io, row);
  else {
    const byName = (a: StoreRow, b: StoreRow): number =>
      (a.address ?? '~').localeCompare(b.address ?? '~') || a.store.localeCompare(b.store);
    const rows = row.stores.toSorted(byName);
    await printListing(line, io, { rows, columns: storeColumns, none: 'no node is admitted yet' });
    await write(io.stdout, `${pointsText(row)}\n`);
  }
  return 0;
}

async function leave(line: CommandLine, io: Io): Promise<ExitCode> {
  await askNode(line, io, (cluster) => cluster.leave());
  await printResult(line, io, { text: 'the node has left the cluster', json: { left: true } });
  return 0;
}

async function keygen(line: CommandLine, io: Io): Promise<ExitCode> {
  const path = resolve(io.cwd, line.words[1] ?? 'rainstorm.key');
  const id = await makeKeyFile(path);
  await write(
    io.stderr,
    `made ${path} with the key ${id}; copy it to every node (mode 0600), give it with --key-file\n`,
  );
  await printResult(line, io, { text: path, json: { path, key: id } });
  return 0;
}

/** Commands by name. */
export const clusterCommands: Readonly<Record<string, Command>> = {
  members: {
    usage: 'members',
    summary: 'the members of the cluster as the node of --data sees them',
    flags: [...REACH_FLAGS, 'json', 'self', 'ids', 'suspects', 'protocol'],
    words: [0, 0],
    run: members,
  },
  switch: {
    usage: 'switch <gossip|ping> <suspect|nosuspect>',
    summary: 'change how the whole cluster detects failures, while it runs',
    flags: [...REACH_FLAGS, 'json'],
    words: [2, 2],
    run: switchMode,
  },
  voters: {
    usage: 'voters',
    summary: 'who leads and who votes; --remove takes a vote, another node gets it',
    flags: [...REACH_FLAGS, 'json', 'remove'],
    words: [0, 0],
    run: voters,
  },
  points: {
    usage: 'points',
    summary: 'whether all files have their copies, and what is waited for',
    help: `Files lie at 1,024 points of a ring. A point is complete when as many nodes as are wanted (--copies of
\`rainstorm node\`) have all its files, under repair while copies are missing, and waits when all nodes
that have its files are gone.`,
    flags: [...REACH_FLAGS, 'json'],
    words: [0, 0],
    run: points,
  },
  leave: {
    usage: 'leave',
    summary: 'the node of --data tells the others and ends',
    flags: [...REACH_FLAGS, 'json'],
    words: [0, 0],
    run: leave,
  },
  keygen: {
    usage: 'keygen [FILE]',
    summary: 'make a cluster key (default rainstorm.key); never overwrites one',
    flags: ['json'],
    words: [0, 1],
    run: keygen,
  },
};
