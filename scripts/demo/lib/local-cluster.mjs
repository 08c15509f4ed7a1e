/**
 * A cluster of real nodes on loopback addresses of this machine, for demonstrations.
 *
 *   const cluster = await LocalCluster.start(3);
 *   await cluster.rainstorm(['fs', 'create', 'signs.csv', 'sample/signs.csv']);
 *   await cluster.stop();
 *
 * The program is the executable that RAINSTORM_BIN names, or this source tree. Every process that is
 * started is ended by `stop`, by its id, also after Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { environment, node24, root } from '../../lib/setup.mjs';

const PORT = 7171;
const START_MS = 30_000;
const STOP_MS = 10_000;

const executable = process.env.RAINSTORM_BIN;
const program = executable ? [resolve(executable)] : [node24, join(root, 'src', 'main.ts')];

export class LocalCluster {
  #dir = mkdtempSync(join(tmpdir(), 'rainstorm-demo-'));
  #nodes = [];

  /** Starts `count` nodes and waits until the first one lists all of them as alive. */
  static async start(count) {
    const cluster = new LocalCluster();
    for (const name of ['SIGINT', 'SIGTERM']) {
      process.once(name, () => cluster.#kill('SIGKILL') ?? process.exit(130));
    }
    try {
      for (let place = 1; place <= count; place++) await cluster.#start(place);
      await cluster.#complete(count);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** A place for files of the demonstration, removed by `stop`. */
  get dir() {
    return this.#dir;
  }

  /** `host:port` of the first node. */
  get address() {
    return this.#nodes[0].address;
  }

  /**
   * Runs a command at the first node, with its progress on this terminal; its stdout.
   * @throws Error when it does not end with 0
   */
  async rainstorm(args, { quiet = false } = {}) {
    const [file, ...before] = program;
    const child = spawn(file, [...before, '--cluster', this.address, ...args], {
      cwd: root,
      env: environment(),
      stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`rainstorm ${args[0]} ended with ${code}`);
    return stdout;
  }

  /** Ends every node and removes what they kept. */
  async stop() {
    const running = this.#nodes.filter(({ child }) => child.exitCode === null);
    const ended = running.map(({ child }) => once(child, 'close'));
    this.#kill('SIGTERM');
    const late = setTimeout(() => this.#kill('SIGKILL'), STOP_MS);
    await Promise.all(ended);
    clearTimeout(late);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #start(place) {
    const bind = `127.0.0.${place}`;
    const address = `${bind}:${PORT}`;
    const join_ = place === 1 ? [] : ['--join', this.address];
    const data = join(this.#dir, `node-${place}`);
    const [file, ...before] = program;
    const args = ['node', '--bind', bind, '--port', String(PORT), '--data', data, ...join_];
    const child = spawn(file, [...before, ...args], {
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#nodes.push({ child, address, data });
    await this.#listening(child, address);
  }

  async #listening(child, address) {
    let said = '';
    const late = AbortSignal.timeout(START_MS);
    child.stderr.setEncoding('utf8');
    while (!said.includes('listening on')) {
      const next = once(child.stderr, 'data', { signal: late });
      const [text] = await Promise.race([next, once(child, 'close', { signal: late })]);
      if (child.exitCode !== null) throw new Error(`the node ${address} did not start: ${said}`);
      said += text;
    }
    child.stderr.resume();
  }

  async #complete(count) {
    const until = performance.now() + START_MS;
    for (;;) {
      const members = JSON.parse(await this.rainstorm(['members', '--json'], { quiet: true }));
      if (members.filter(({ status }) => status === 'alive').length === count) return;
      if (performance.now() > until) throw new Error(`not all of ${count} nodes became members`);
    }
  }

  #kill(signal) {
    for (const { child } of this.#nodes) if (child.exitCode === null) child.kill(signal);
  }
}
