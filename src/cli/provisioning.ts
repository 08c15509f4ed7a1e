/** What `up`, `down` and a run on hosts need: the hosts, the program, keys and secrets, a view. */
import { readFile, stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Fault, fault, reasonOf } from '../core/index.ts';
import type { NodeAddresses } from '../node/index.ts';
import {
  ensureUp,
  expandHome,
  type HostList,
  HostTrust,
  Program,
  type Progress,
  parseHostsFile,
  parseHostWords,
  programPath,
  type SessionOptions,
  type UpResult,
} from '../provision/index.ts';
import type { CommandLine, FlagName, Flags } from './command-line.ts';
import { HostsView } from './format/index.ts';
import { type Io, write } from './io.ts';
import { CliSecrets } from './secrets.ts';

/** The options that say which hosts, and how to log in there. */
export const HOSTS_FLAGS = [
  'hosts',
  'knownHosts',
  'passphraseFile',
  'passwordFile',
] as const satisfies readonly FlagName[];

/** Exit code after Ctrl-C (128 + SIGINT). */
const INTERRUPTED = 130;

/** What was given as `--hosts` or RAINSTORM_HOSTS; null when neither was. */
export function givenHosts(flags: Flags, { env }: Io): string | null {
  return flags.hosts ?? (env.RAINSTORM_HOSTS || null);
}

export interface UpWish {
  /** the file to deploy; undefined for the usual one */
  readonly program: string | undefined;
  readonly restart: boolean;
  readonly onlyMissing: boolean;
}

/** Does what `up` does for the hosts of `line`. */
export async function provisionUp(line: CommandLine, io: Io, wish: UpWish): Promise<UpResult> {
  const { flags } = line;
  const { program, restart, onlyMissing } = wish;
  const list = await readHosts(line, io);
  const { voters } = flags;
  if (voters !== 1 && voters !== 3 && voters !== 5) {
    throw fault('USAGE', { problem: `--voters is 1, 3 or 5, not ${voters}` });
  }
  const path = program === undefined ? programPath() : resolve(io.cwd, program);
  const deployed = await Program.read(path);
  const given = flags.keyFile === undefined ? list.keyFile : resolve(io.cwd, flags.keyFile);
  const result = await withSession(line, io, list, (session, onProgress) =>
    ensureUp({
      hosts: list.hosts,
      program: deployed,
      key: { given, usual: usualKeyFile() },
      restart,
      onlyMissing,
      voters,
      session,
      onProgress,
    }),
  );
  if (result.key?.made === true) {
    const { path: made } = result.key;
    await write(io.stderr, `made the cluster key ${made}; whoever has it can join, keep a copy\n`);
  }
  return result;
}

/**
 * The cluster on the hosts of `line`, for a job to be run there: one that runs is taken as it is, and
 * where none runs one is started.
 * @param program the file to deploy then; undefined for the usual one
 */
export async function clusterOnHosts(
  line: CommandLine,
  io: Io,
  program: string | undefined,
): Promise<NodeAddresses> {
  const wish = { program, restart: false, onlyMissing: true };
  const { rows, key, problem } = await provisionUp(line, io, wish);
  const failed = await hostsFailed(rows, line, io);
  const addresses = rows
    .filter(({ failure }) => failure === null)
    .map(({ address }) => address)
    .filter((address) => address !== null);
  if (problem !== null) throw problem;
  if (failed !== null && addresses.length === 0) throw failed;
  if (failed !== null) await write(io.stderr, `going on without the hosts that failed\n`);
  return { addresses, keyFile: key?.path ?? null };
}

/** The key that is made for hosts when nobody names one, the same for all runs of this user. */
function usualKeyFile(): string {
  return join(homedir(), '.config', 'rainstorm', 'cluster.key');
}

/** The hosts that `line` names; the key file is an absolute path. */
export async function readHosts({ flags }: CommandLine, io: Io): Promise<HostList> {
  const text = givenHosts(flags, io);
  if (text === null) {
    throw fault('USAGE', { problem: 'give the hosts with --hosts FILE or --hosts HOST,HOST' });
  }
  const user = userInfo().username;
  const path = resolve(io.cwd, text);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile && !/\/|\.(ya?ml|txt|conf|json)$/.test(text)) return parseHostWords(text, user);
  const contents = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fault('HOSTS_UNREADABLE', { path: text, reason: reasonOf(error) }, error);
  });
  const { hosts, keyFile } = parseHostsFile(contents, text, user);
  return {
    hosts,
    keyFile: keyFile === null ? null : resolve(dirname(path), expandHome(keyFile, homedir())),
  };
}

/** Runs `body` with what it needs to log in, shows its progress, and ends it at Ctrl-C. */
export async function withSession<T>(
  { flags }: CommandLine,
  io: Io,
  { hosts }: HostList,
  body: (session: SessionOptions, onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const stop = (): void => {
    if (interrupted.signal.aborted) io.exit(INTERRUPTED);
    interrupted.abort();
  };
  const off = io.onInterrupt(stop);
  const view = new HostsView(
    hosts.map(({ name }) => name),
    { output: io.stderr, clock: io.clock, terminal: () => io.terminal('stderr') },
  );
  try {
    const secrets = new CliSecrets({ flags, io, env: io.env, interrupt: stop });
    const session: SessionOptions = {
      credentials: { secrets, agent: io.env.SSH_AUTH_SOCK || null, home: homedir() },
      trust: await HostTrust.read(knownHostsFiles(flags, io)),
      clock: io.clock,
      signal: interrupted.signal,
    };
    return await body(session, (progress) => {
      if (!flags.quiet) view.update(progress);
    });
  } finally {
    view.finish();
    off();
  }
}

function knownHostsFiles({ knownHosts }: Flags, io: Io): string[] {
  if (knownHosts !== undefined) return [resolve(io.cwd, knownHosts)];
  const own = join(homedir(), '.ssh');
  return [join(own, 'known_hosts'), join(own, 'known_hosts2'), '/etc/ssh/ssh_known_hosts'];
}

/** Writes why hosts failed, when the view has not, and makes of it the fault of the command. */
export async function hostsFailed(
  rows: readonly { readonly host: string; readonly failure: Fault | null }[],
  { flags }: CommandLine,
  io: Io,
): Promise<Fault | null> {
  const failed = rows.filter(({ failure }) => failure !== null);
  if (failed.length === 0) return null;
  if (flags.quiet || io.terminal('stderr').interactive) {
    for (const { host, failure } of failed) {
      await write(io.stderr, `${host}: ${failure?.message ?? ''}\n`);
    }
  }
  const names = failed.map(({ host }) => host).join(', ');
  return fault('HOSTS_FAILED', { failed: failed.length, count: rows.length, names });
}
