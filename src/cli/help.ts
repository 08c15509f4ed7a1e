/** Help pages, made from the commands themselves. */
import { fault } from '../core/index.ts';
import { suggest } from '../plan/index.ts';
import type { Command } from './command.ts';
import type { FlagName } from './command-line.ts';

type Commands = Readonly<Record<string, Command>>;

/** What each option is called with and does; some say more in the help of their command. */
const options: Readonly<Record<FlagName, readonly [form: string, says: string]>> = {
  data: ['--data DIR', 'where jobs and files are kept (default .rainstorm)'],
  overwrite: ['--overwrite', 'replace a destination that exists'],
  restart: [
    '--restart',
    'begin anew: forget an unfinished run of the job; replace nodes of other versions',
  ],
  now: ['--now', 'wait for nothing that is in flight'],
  detach: ['--detach', 'return when the job is submitted, with its id on stdout'],
  print: ['--print', 'stream the results to stdout as they come'],
  threads: [
    '--threads N',
    'threads for batch work beside the main one (default: cores - 2, at most 4)',
  ],
  transport: ['--transport T', 'how tasks reach each other: in-process (default) or tcp'],
  sync: ['--sync MODE', 'group (default), always or os: when an append counts as durable'],
  quiet: ['--quiet', 'no progress'],
  json: ['--json', 'JSON instead of text'],
  from: ['--from BYTE', 'begin at this byte (multi-append: --from VM,..., whose files)'],
  to: ['--to BYTE', 'end before this byte'],
  lines: ['--lines N', 'the last N lines'],
  grep: ['--grep RE', 'only lines that match this regular expression'],
  bind: ['--bind ADDR', 'address of this machine to listen on (default 127.0.0.1)'],
  port: ['--port N', 'port for TCP and UDP (default 7070; 0 takes a free one)'],
  join: ['--join LIST', 'host:port,... of nodes of the cluster; none for its first node'],
  advertise: ['--advertise HP', 'host:port that others reach this node at, if not the bound one'],
  keyFile: ['--key-file FILE', 'the cluster key (`rainstorm keygen`); needed beyond loopback'],
  cluster: [
    '--cluster LIST',
    'host:port,... of nodes to ask (default: RAINSTORM_CLUSTER; without both, --data)',
  ],
  voters: ['--voters N', 'how many nodes decide, at most: 1, 3 or 5 (default)'],
  copies: ['--copies N', 'how many nodes hold each file, 1 to 8 (default 3, or as decided before)'],
  repairRate: ['--repair-rate MIB', 'MiB/s of files that a node may send to make copies anew'],
  replaceAfter: ['--replace-after TIME', 'replace a voter dead for so long (default 60s)'],
  dropRate: [
    '--drop-rate P',
    'throw away this share of membership packets (0 to 1), to experiment',
  ],
  remove: ['--remove HP', 'take the vote from the node at this host:port'],
  self: ['--self', 'only the asked node'],
  ids: ['--ids', 'in the order of the ring, with ring ids'],
  suspects: ['--suspects', 'only members that are suspected'],
  protocol: ['--protocol', 'the failure detector that the cluster runs'],
  hosts: ['--hosts WHERE', 'a hosts file, or HOST,USER@HOST:PORT,... (or RAINSTORM_HOSTS)'],
  bin: ['--bin FILE', 'the executable to deploy (default: this one)'],
  knownHosts: ['--known-hosts FILE', 'trusted host keys (default ~/.ssh/known_hosts and /etc/ssh)'],
  passphraseFile: ['--passphrase-file FILE', 'holds the passphrase of the SSH key, mode 0600'],
  passwordFile: ['--password-file FILE', 'holds the password for SSH, mode 0600'],
  clean: ['--clean', 'remove the program, the key and the data of the node as well'],
  help: ['--help', 'this text'],
  version: ['--version', 'print the version'],
};

/**
 * The help page about `words`: one command, the commands that begin so, or all.
 * @throws USAGE when there are none
 */
export function helpText(commands: Commands, words: readonly string[] = []): string {
  const [first, second] = words;
  if (first === undefined) return overview(commands);
  const one = commands[`${first} ${second ?? ''}`] ?? commands[first];
  if (one !== undefined) return about(one);
  const begun = Object.entries(commands).filter(([name]) => name.startsWith(`${first} `));
  if (begun.length > 0 && second === undefined) {
    return `Usage: rainstorm ${first} <command>\n\n${rows(begun.map(([, command]) => command))}`;
  }
  const near = suggest(words.join(' '), Object.keys(commands));
  const hint = near === null ? '' : `, did you mean ${near}?`;
  throw fault('USAGE', { problem: `there is no command ${words.join(' ')}${hint}` });
}

function about({ usage, summary, help, flags }: Command): string {
  const more = help === undefined ? '' : `\n\n${help}`;
  const list = [...flags, 'help'] as const;
  const width = Math.max(...list.map((flag) => options[flag][0].length));
  const lines = list.map((flag) => `  ${options[flag][0].padEnd(width)}  ${options[flag][1]}`);
  return `Usage: rainstorm ${usage}\n\n${capital(summary)}.${more}\n\nOptions\n${lines.join('\n')}`;
}

function rows(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  return commands.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`).join('\n');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function overview(commands: Commands): string {
  const version = { usage: 'version', summary: 'print the version' };
  const help = { usage: 'help [COMMAND]', summary: 'this page, or that of a command' };
  const all = [...Object.values(commands), version, help];
  const width = Math.max(...all.map(({ usage }) => usage.length));
  const lines = all.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`);
  return `RainStorm: exactly-once stream processing in one executable.

Usage: rainstorm [options] <command>

${lines.join('\n')}

The form of the original system runs a job as well:
  rainstorm [options] <WorkerBinPath> <NStages> <NTasks> (<Op_Exe> <Op_Args> <Op_Type>)xNStages
            <N_SRC> <src>... <AutoScalable> <InputRate> <LW> <HW> <Dest> <ExactlyOnce>

\`rainstorm <command> --help\` tells the options of a command.

Exit codes: 0 done, 1 the job failed or a check was refuted, 2 wrong usage, 3 the data directory
cannot be reached, 130 interrupted and resumable.`;
}
