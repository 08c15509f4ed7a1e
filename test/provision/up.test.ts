/**
 * `rainstorm up` and `down` against a real OpenSSH server whose loopback addresses stand for hosts:
 * the packaged executable is copied, its nodes run detached and find each other.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { signal } from '../helpers/process-tree.ts';
import { type Ended, rainstorm } from '../helpers/processes.ts';
import { testUnless } from '../helpers/skip.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { packagedProgram } from './helpers/executable.ts';
import { startSshd, type TestSshd, whyNoSshd } from './helpers/sshd.ts';

const HOSTS = 3;
const LONG_MS = 240_000;
const missing = whyNoSshd();

/** A hosts file for the server's addresses, and the command line that uses it. */
class Provisioned {
  readonly far: string;
  readonly #t: ExecutionContext;
  readonly #sshd: TestSshd;

  constructor(t: ExecutionContext, sshd: TestSshd, nodePort: number) {
    this.#t = t;
    this.#sshd = sshd;
    this.far = tmpDir(t);
    writeFileSync(join(sshd.home, '.ssh', 'known_hosts'), sshd.knownHosts);
    const entries = sshd.addresses.map((address, i) => {
      return `  - { name: vm${i + 1}, host: ${address}, dir: ${this.dir(i)} }`;
    });
    const lines = [`port: ${sshd.port}`, `nodePort: ${nodePort}`, 'hosts:', ...entries, ''];
    writeFileSync(join(sshd.home, 'hosts.yaml'), lines.join('\n'));
    t.teardown(() => this.#killNodes());
  }

  dir(i: number): string {
    return join(this.far, `host ${i + 1}'s`);
  }

  /** The process id of a node as it was recorded; null when there is none. */
  pid(i: number): number | null {
    const path = join(this.dir(i), 'node.pid');
    return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) : null;
  }

  run(...args: readonly string[]): Promise<Ended> {
    return rainstorm(this.#t, args, {
      cwd: this.#sshd.home,
      env: { HOME: this.#sshd.home, SSH_AUTH_SOCK: '', RAINSTORM_HOSTS: 'hosts.yaml' },
      deadlineMs: LONG_MS,
    });
  }

  #killNodes(): void {
    for (let i = 0; i < HOSTS; i++) {
      const pid = this.pid(i);
      if (pid !== null && isRunning(pid)) signal(pid, 'SIGKILL');
    }
  }
}

function isRunning(pid: number | null): boolean {
  if (pid === null || !existsSync(`/proc/${pid}/stat`)) return false;
  return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

interface Row {
  readonly host: string;
  readonly state: string;
  readonly action: string;
  readonly id: string | null;
  readonly reason: string | null;
}

function rowsOf({ stdout }: Ended): Row[] {
  return JSON.parse(stdout);
}

testUnless(
  missing,
  'up deploys the packaged file to three hosts, again leaves it, down ends it',
  async (t) => {
    t.timeout(LONG_MS);
    const bin = packagedProgram();
    const sshd = await startSshd(t, HOSTS);
    const place = new Provisioned(t, sshd, 7070);
    const first = await place.run('up', '--bin', bin);
    t.log(first.stderr + first.stdout);
    t.is(first.code, 0, first.stderr);
    t.regex(first.stdout, /HOST +ADDRESS +STATE +VERSION +NODE ID +ACTION +TIME/);
    for (const [i, address] of sshd.addresses.entries()) {
      t.regex(first.stdout, new RegExp(`vm${i + 1} +${address}:7070 +healthy .* copied, started`));
      t.is(statSync(place.dir(i)).mode & 0o777, 0o700);
    }
    const pids = [0, 1, 2].map((i) => place.pid(i));
    t.true(pids.every(isRunning), 'the nodes outlive the command');

    const second = await place.run('up', '--json', '--quiet', '--bin', bin);
    t.is(second.code, 0, second.stderr);
    t.deepEqual(
      rowsOf(second).map(({ host, state, action }) => [host, state, action]),
      [1, 2, 3].map((i) => [`vm${i}`, 'healthy', 'up to date, left running']),
    );
    t.deepEqual(
      [0, 1, 2].map((i) => place.pid(i)),
      pids,
    );

    const down = await place.run('down');
    t.is(down.code, 0, down.stderr);
    t.is(down.stdout.match(/ stopped /g)?.length, HOSTS, down.stdout);
    t.false(pids.some(isRunning));
    t.true(existsSync(join(place.dir(0), 'data')), 'down keeps the data');

    const clean = await place.run('down', '--clean');
    t.is(clean.code, 0, clean.stderr);
    t.is(clean.stdout.match(/was not running, removed/g)?.length, HOSTS, clean.stdout);
    t.false(existsSync(place.dir(0)));
  },
);
