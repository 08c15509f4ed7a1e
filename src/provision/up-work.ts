/** What is done on one host by `up`: look, copy, start. */
import { fault, present, sleep } from '../core/index.ts';
import { formatAddress, isLoopback, parseAddress } from '../transport/index.ts';
import type { FarHost } from './far-host.ts';
import type { FarFacts } from './far-side.ts';
import { readView, type View } from './health.ts';
import type { ClusterKeyFile } from './key-choice.ts';
import { type Packing, type Program, sha256Of, shortHash } from './program.ts';
import type { Progress } from './progress.ts';
import { stopNode } from './stop-node.ts';

const PROBE_MS = 60_000;
const INSTALL_MS = 180_000;
const ADOPT_MS = 60_000;
/** From its start to a node's first answer. */
const ANSWER_MS = 30_000;
const POLL_MS = 100;
const FILE_MODE = 0o600;
const STARTED = 'started';
const OTHER_VERSION = 'left running another version (--restart replaces it)';
const SYSTEM = 'Linux x86_64';

/** What was found on a host before anything was changed. */
interface Found {
  readonly dir: string;
  /** where its node listens, and what the others call it */
  readonly bind: string;
  readonly address: string;
  readonly packing: Packing;
  readonly installed: boolean;
  readonly hasData: boolean;
  readonly keyHash: string;
  /** the version that its running node has; null when none runs */
  readonly runs: string | null;
}

export interface UpContext {
  readonly program: Program;
  readonly restart: boolean;
  readonly onlyMissing: boolean;
  readonly voters: number;
  readonly onProgress: (progress: Progress) => void;
}

export class UpWork {
  readonly far: FarHost;
  readonly #context: UpContext;
  #found: Found | null = null;
  #version = '';
  #runs: string | null = null;
  #actions: string[] = [];

  constructor(far: FarHost, context: UpContext) {
    this.far = far;
    this.#context = context;
  }

  get name(): string {
    return this.far.host.name;
  }

  /** `host:port` of its node; null until `look` */
  get address(): string | null {
    return this.#found?.address ?? null;
  }

  get hasData(): boolean {
    return this.#found?.hasData ?? false;
  }

  get isRunning(): boolean {
    return this.#runs !== null;
  }

  /** True when others can reach what its node listens on. */
  get needsKey(): boolean {
    return !isLoopback(parseAddress(formatAddress(this.#looked.bind, this.far.host.nodePort)));
  }

  /** The version that runs there, for people. */
  get version(): string | null {
    if (this.#runs === null) return null;
    const short = shortHash(this.#runs);
    return this.#runsThis && this.#version !== '' ? `${this.#version} (${short})` : short;
  }

  /** A node of another version runs and is to be replaced. */
  get wantsRestart(): boolean {
    return this.#context.restart && this.#runs !== null && !this.#runsThis;
  }

  get action(): string {
    return this.#actions.join(', ');
  }

  get #runsThis(): boolean {
    return this.#runs === this.#context.program.sha256;
  }

  get #looked(): Found {
    return present(this.#found, 'a host is looked at before anything is done there');
  }

  say(step: string): void {
    this.#context.onProgress({ host: this.name, step });
  }

  /** Connects, and finds out what the host is and has. */
  async look(): Promise<void> {
    this.say('connecting');
    const facts = await this.far.task('probe', [this.#context.program.sha256], PROBE_MS);
    const { host } = this.far;
    const system = facts.get('system') ?? 'unknown';
    if (system !== SYSTEM) {
      throw fault('HOST_UNFIT', {
        host: this.name,
        reason: `it is ${system} and the program is for ${SYSTEM}`,
      });
    }
    const bind = host.bind ?? facts.get('address') ?? '';
    if (bind === '') {
      const reason =
        'its SSH server does not tell its address; give it with bind in the hosts file';
      throw fault('HOST_UNFIT', { host: this.name, reason });
    }
    this.#found = {
      dir: facts.get('dir') ?? host.dir,
      bind,
      address: host.advertise ?? formatAddress(bind, host.nodePort),
      packing: packingFor(facts),
      installed: facts.get('installed') === 'yes',
      hasData: facts.get('data') === 'yes',
      keyHash: facts.get('key') ?? '',
      runs: facts.get('node') === 'running' ? (facts.get('hash') ?? '') : null,
    };
    this.#runs = this.#found.runs;
  }

  /** Brings the key and the program there, unless they are there. */
  async deploy(key: ClusterKeyFile | null): Promise<void> {
    if (key !== null) await this.#placeKey(key);
    if (this.isRunning && this.#context.onlyMissing) return;
    if (this.#looked.installed) this.#actions.push('up to date');
    else await this.#copy();
    const { program } = this.#context;
    this.#version = (await this.far.task('adopt', [program.sha256], ADOPT_MS)).get('version') ?? '';
  }

  async #placeKey({ path, bytes }: ClusterKeyFile): Promise<void> {
    const { dir, keyHash } = this.#looked;
    const hash = sha256Of(bytes);
    if (keyHash === hash) return;
    if (this.isRunning) {
      throw fault('HOST_KEY_FILE_DIFFERS', { host: this.name, keyFile: path });
    }
    const name = `key.${shortHash(hash)}`;
    await this.far.put(dir, { name, bytes, mode: FILE_MODE });
    await this.far.task('place_key', [name]);
  }

  async #copy(): Promise<void> {
    const { program, onProgress } = this.#context;
    const { dir, packing } = this.#looked;
    if (packing !== 'plain') this.say('packing');
    const { name, bytes } = await program.packed(packing);
    const total = bytes.length;
    const resumed = await this.far.put(dir, {
      name,
      bytes,
      mode: FILE_MODE,
      onBytes: (done) => onProgress({ host: this.name, step: 'copying', bytes: { done, total } }),
    });
    this.say('unpacking');
    const facts = await this.far.task('install', [name, packing, program.sha256], INSTALL_MS);
    const got = facts.get('differs');
    if (got !== undefined) {
      throw fault('UPLOAD_DAMAGED', { host: this.name, got, wanted: program.sha256 });
    }
    this.#actions.push(resumed > 0 ? 'copied (resumed)' : 'copied');
  }

  /** Starts the node, or says why the one that runs is left alone. */
  async start(seeds: readonly string[], hasKey: boolean): Promise<void> {
    if (!this.isRunning) {
      await this.#startNode(seeds, hasKey);
      this.#actions.push(STARTED);
    } else if (!this.#actions.includes(STARTED)) {
      this.#actions.push(this.#runsThis ? 'left running' : OTHER_VERSION);
    }
  }

  /** @throws NODE_NOT_STARTED when it has ended, or does not answer for a long time */
  async untilAnswers(): Promise<void> {
    const { clock, signal } = this.far;
    const deadline = clock.now() + ANSWER_MS;
    for (;;) {
      const view = await this.view();
      if (view.kind === 'answers' || signal.aborted) return;
      if (clock.now() >= deadline) {
        throw fault('NODE_NOT_STARTED', { host: this.name, words: view.says });
      }
      await sleep(clock, POLL_MS, signal);
    }
  }

  /** Ends the node and starts it anew with the version that was brought. */
  async restart(seeds: readonly string[], hasKey: boolean): Promise<void> {
    this.say('stopping the old version');
    await stopNode(this.far);
    this.#runs = null;
    await this.#startNode(seeds, hasKey);
    this.#actions.push('restarted');
  }

  async #startNode(seeds: readonly string[], hasKey: boolean): Promise<void> {
    this.say('starting');
    const { dir, bind } = this.#looked;
    const { nodePort, advertise } = this.far.host;
    const { program, voters } = this.#context;
    await this.far.task('start', [
      ...[program.sha256, 'node', '--bind', bind, '--port', String(nodePort)],
      ...['--data', `${dir}/data`, '--voters', String(voters)],
      ...(advertise === null ? [] : ['--advertise', advertise]),
      ...(hasKey ? ['--key-file', `${dir}/cluster.key`] : []),
      ...(seeds.length === 0 ? [] : ['--join', seeds.join(',')]),
    ]);
    this.#runs = program.sha256;
  }

  /**
   * What its node says of the cluster.
   * @throws NODE_NOT_STARTED when it has ended
   */
  async view(): Promise<View> {
    const facts = await this.far.task('members');
    if (facts.get('node') !== 'running') {
      this.#runs = null;
      const words = facts.get('words')?.trim() || 'nothing';
      throw fault('NODE_NOT_STARTED', { host: this.name, words });
    }
    const silent = facts.get('silent');
    if (silent !== undefined) return { kind: 'silent', name: this.name, says: silent };
    return readView(this.name, facts.get('members') ?? '', facts.get('voters') ?? '');
  }
}

function packingFor(facts: FarFacts): Packing {
  if (facts.get('has_zstd') === 'yes') return 'zstd';
  return facts.get('has_gzip') === 'yes' ? 'gzip' : 'plain';
}
