/**
 * A real OpenSSH server for a test: its own port, keys and configuration in a directory of its own,
 * several loopback addresses that stand for several hosts. The machine's own server is not touched.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { untilText } from '../../helpers/poll.ts';
import { tmpDir } from '../../helpers/tmp-dir.ts';

const PROGRAMS = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'];

/** Why no server can be started here, or null. */
export function whyNoSshd(): string | null {
  if (findSshd() === null) return 'sshd is not installed (Debian package openssh-server)';
  if (userInfo().uid !== 0 || existsSync('/run/sshd')) return null;
  try {
    mkdirSync('/run/sshd', { mode: 0o755 }); // an empty directory that sshd insists on for root
    return null;
  } catch (error) {
    return `/run/sshd, which sshd needs, cannot be made (${String(error)})`;
  }
}

function findSshd(): string | null {
  return PROGRAMS.find((path) => existsSync(path)) ?? null;
}

export interface TestSshd {
  readonly port: number;
  readonly addresses: readonly string[];
  /** home directory of whoever provisions: key, known_hosts */
  readonly home: string;
  readonly userKey: string;
  /** the line of a known_hosts file about all addresses */
  readonly knownHosts: string;
}

let servers = 0;

/** Starts a server for `count` hosts; it ends with the test. */
export async function startSshd(t: ExecutionContext, count: number): Promise<TestSshd> {
  servers += 1;
  const dir = tmpDir(t);
  const home = join(dir, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  const hostKey = join(dir, 'host_key');
  const userKey = join(home, '.ssh', 'id_ed25519');
  for (const path of [hostKey, userKey]) makeKey(path);
  // As in test/cluster: a network that belongs to this process, so that test files do not meet.
  const network = `127.${64 + (process.pid % 128)}.${1 + ((Math.floor(process.pid / 128) * 8 + servers) % 250)}`;
  const addresses = Array.from({ length: count }, (_, i) => `${network}.${i + 1}`);
  const port = await freePort(addresses[0]);
  const authorized = join(dir, 'authorized_keys');
  writeFileSync(authorized, readFileSync(`${userKey}.pub`));
  const config = join(dir, 'sshd_config');
  writeFileSync(
    config,
    [
      ...addresses.map((address) => `ListenAddress ${address}:${port}`),
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${authorized}`,
      `PidFile none`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin yes',
      'MaxStartups 100',
      'LogLevel ERROR',
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  );
  await startServer(t, config);
  const [type, key] = readFileSync(`${hostKey}.pub`, 'utf8').split(' ');
  const names = addresses.map((address) => `[${address}]:${port}`).join(',');
  return { port, addresses, home, userKey, knownHosts: `${names} ${type} ${key}\n` };
}

/** Makes a key pair without a passphrase, or with one. */
export function makeKey(path: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]);
}

async function startServer(t: ExecutionContext, config: string): Promise<void> {
  const sshd = findSshd() ?? 'sshd';
  execFileSync(sshd, ['-t', '-f', config], { stdio: ['ignore', 'ignore', 'inherit'] });
  const child = spawn(sshd, ['-D', '-e', '-o', 'LogLevel=INFO', '-f', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => ended(child));
  await untilText(child.stderr, /Server listening on/, { what: 'sshd to listen' });
  child.stderr.resume();
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  return bound.port;
}
