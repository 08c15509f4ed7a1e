/** `rainstorm up` and `rainstorm down`: a cluster on machines that are reached by SSH. */
import { joinShellWords } from '../../plan/index.ts';
import { type DownRow, takeDown, type UpRow } from '../../provision/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine, FlagName } from '../command-line.ts';
import { humanDuration } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { HOSTS_FLAGS, hostsFailed, provisionUp, readHosts, withSession } from '../provisioning.ts';
import { printListing, type Shown } from './print.ts';

const upColumns: readonly Shown<UpRow>[] = [
  { title: 'HOST', cell: ({ host }) => host },
  { title: 'ADDRESS', cell: ({ address }) => address },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'VERSION', cell: ({ version }) => version },
  { title: 'NODE ID', cell: ({ id }) => id },
  { title: 'ACTION', cell: ({ action }) => action },
  { title: 'TIME', align: 'right', cell: ({ ms }) => humanDuration(ms) },
];

const downColumns: readonly Shown<DownRow>[] = [
  { title: 'HOST', cell: ({ host }) => host },
  { title: 'ACTION', cell: ({ action }) => action },
  { title: 'TIME', align: 'right', cell: ({ ms }) => humanDuration(ms) },
];

async function up(line: CommandLine, io: Io): Promise<ExitCode> {
  const { bin: program, restart } = line.flags;
  const { rows, key, problem } = await provisionUp(line, io, {
    program,
    restart,
    onlyMissing: false,
  });
  await print(line, io, rows, upColumns);
  const failed = await hostsFailed(rows, line, io);
  if (problem !== null || failed !== null) throw problem ?? failed;
  const addresses = rows.map(({ address }) => address).join(',');
  const withKey = key === null ? '' : ` --key-file ${joinShellWords([key.path])}`;
  await write(io.stderr, `ask it with --cluster ${addresses}${withKey}\n`);
  return 0;
}

async function down(line: CommandLine, io: Io): Promise<ExitCode> {
  const list = await readHosts(line, io);
  const { clean } = line.flags;
  const rows = await withSession(line, io, list, (session, onProgress) =>
    takeDown({ hosts: list.hosts, clean, session, onProgress }),
  );
  await print(line, io, rows, downColumns);
  const failed = await hostsFailed(rows, line, io);
  if (failed !== null) throw failed;
  return 0;
}

async function print<Row extends UpRow | DownRow>(
  line: CommandLine,
  io: Io,
  rows: readonly Row[],
  columns: readonly Shown<Row>[],
): Promise<void> {
  const listing = { rows, columns, none: 'no hosts' };
  if (!line.flags.json) return printListing(line, io, listing);
  const told = rows.map(({ failure, ...row }) => ({ ...row, reason: failure?.message ?? null }));
  await printListing(line, io, { rows: told, columns: [], none: 'no hosts' });
}

const reaching = [...HOSTS_FLAGS, 'json', 'quiet'] as const;

export const upCommand: Command = {
  usage: 'up --hosts FILE',
  summary: 'put this executable on hosts by SSH and run a cluster there',
  help: `A host that has it already is left alone, and so is a node that runs; the same command again mends
what was interrupted. The hosts file has one host per line, or is YAML:

  user: deploy
  hosts:
    - vm1.example.org
    - { host: 10.0.0.2, port: 2222, identity: ~/.ssh/cluster, bind: 10.0.0.2, fingerprint: 'SHA256:...' }

Keys of a host: host, name, user, port, identity, fingerprint, bind, nodePort, advertise, dir. Besides
\`hosts\` the file may have user, port, identity, nodePort and dir for all of them, and keyFile. A host is
trusted by known_hosts or its fingerprint. One logs in with the identity, the SSH agent or a usual key
file; a passphrase is asked for, or taken from --passphrase-file or RAINSTORM_SSH_PASSPHRASE; a
password is asked for, or taken from --password-file. Nodes that other machines can reach get a
cluster key, made when there is none.`,
  flags: [...reaching, 'bin', 'keyFile', 'restart', 'voters'] satisfies readonly FlagName[],
  words: [0, 0],
  run: up,
};

export const downCommand: Command = {
  usage: 'down --hosts FILE',
  summary: 'end the nodes on hosts; what they have stored stays unless --clean is given',
  flags: [...reaching, 'clean'] satisfies readonly FlagName[],
  words: [0, 0],
  run: down,
};
