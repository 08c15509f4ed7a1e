/** Hosts of a test's own SSH server, a hosts file about them, and the commands run against them. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { signal } from '../../helpers/process-tree.ts';
import { type Ended, rainstormCommand, startProcess } from '../../helpers/processes.ts';
import { tmpDir } from '../../helpers/tmp-dir.ts';
import { startSshd, type TestSshd } from './sshd.ts';

const NODE_PORT = 7070;
/** Generous: other work may have the machine. */
export const LONG_MS = 400_000;

export class Provisioned {
  readonly #t: ExecutionContext;
  readonly #sshd: TestSshd;
  readonly #far: string;

  private constructor(t: ExecutionContext, sshd: TestSshd) {
    this.#t = t;
    this.#sshd = sshd;
    this.#far = tmpDir(t);
    // Registered after the directory, so done before it is removed.
    t.teardown(() => this.#killNodes());
  }

  /** Starts a server for `count` hosts, named vm1, vm2, ...; `more` are lines of the hosts file. */
  static async make(
    t: ExecutionContext,
    count: number,
    more: readonly string[] = [],
  ): Promise<Provisioned> {
    const sshd = await startSshd(t, count);
    const place = new Provisioned(t, sshd);
    writeFileSync(join(sshd.home, '.ssh', 'known_hosts'), sshd.knownHosts);
    const entries = sshd.addresses.map((address, i) => {
      return `  - { name: vm${i + 1}, host: ${address}, dir: "${place.dir(i)}" }`;
    });
    const shared = [`port: ${sshd.port}`, `nodePort: ${NODE_PORT}`, ...more];
    place.#write([...shared, 'hosts:', ...entries]);
    return place;
  }

  get addresses(): readonly string[] {
    return this.#sshd.addresses;
  }

  /** the home directory of whoever provisions, and the directory that commands run in */
  get home(): string {
    return this.#sshd.home;
  }

  dir(i: number): string {
    return join(this.#far, `host ${i + 1}'s`);
  }

  addHost(entry: string): void {
    this.#write([...this.#lines(), `  - ${entry}`]);
  }

  removeHost(name: string): void {
    this.#write(this.#lines().filter((line) => !line.includes(`name: ${name},`)));
  }

  /** Puts a file where the data directory of a host would be. */
  spoilData(i: number): void {
    const data = join(this.dir(i), 'data');
    rmSync(data, { recursive: true });
    writeFileSync(data, '');
  }

  /** The process ids of the nodes as they were recorded; null where there is none. */
  pids(): (number | null)[] {
    return this.addresses.map((_, i) => {
      const path = join(this.dir(i), 'node.pid');
      return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) : null;
    });
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.runAs(rainstormCommand(), ...args);
  }

  /** Runs the program that `command` starts. */
  runAs(command: readonly string[], ...args: readonly string[]): Promise<Ended> {
    const hosts = args[0] === 'up' || args[0] === 'down' ? { RAINSTORM_HOSTS: 'hosts.yaml' } : {};
    return startProcess(this.#t, [...command, ...args], {
      cwd: this.home,
      env: { HOME: this.home, SSH_AUTH_SOCK: '', ...hosts },
      deadlineMs: LONG_MS,
    }).ended;
  }

  /** Runs a line of the shell in which `rainstorm` is the program. */
  shell(line: string): Promise<Ended> {
    const program = rainstormCommand()
      .map((word) => `'${word}'`)
      .join(' ');
    return this.runAs(['bash', '-c', `rainstorm() { ${program} "$@"; }\n${line}`]);
  }

  #lines(): string[] {
    return readFileSync(this.#file, 'utf8').trim().split('\n');
  }

  #write(lines: readonly string[]): void {
    writeFileSync(this.#file, `${lines.join('\n')}\n`);
  }

  get #file(): string {
    return join(this.home, 'hosts.yaml');
  }

  #killNodes(): void {
    for (const pid of this.pids()) if (pid !== null && isRunning(pid)) signal(pid, 'SIGKILL');
  }
}

/** True while the process lives; a zombie does not. */
export function isRunning(pid: number | null): boolean {
  if (pid === null || !existsSync(`/proc/${pid}/stat`)) return false;
  return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
