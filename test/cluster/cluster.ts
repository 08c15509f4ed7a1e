/**
 * Several `rainstorm node` processes on addresses of this machine, for tests, benches and soaks.
 *
 *   const cluster = await Cluster.make();
 *   const [first] = await cluster.grow(3);
 *   await first.kill();
 *   await cluster.close();                       // ends every process by its id, removes the files
 *
 * 1. Each node has a loopback address of its own, 127.x.y.n, where x.y comes from the id of this
 *    process: clusters of test files that run at the same time do not meet, and a restarted node has
 *    the address of the old one.
 * 2. The program is bundled once for a cluster: a start then costs a fifth of the processor time.
 * 3. What is asked goes through the private socket of each node, on one connection that stays.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { present, systemClock } from '../../src/core/index.ts';
import { type ClusterService, type MemberRow, reachCluster } from '../../src/node/index.ts';

import { RING_POINTS, ringOf, successors } from '../../src/plan/index.ts';
import { type Patch, type Program, Workshop } from '../crash/program.ts';

import { until, untilText } from '../helpers/poll.ts';
import { signal } from '../helpers/process-tree.ts';
import type { Network } from './network.ts';

const PORT = 7070;
/** Generous: other work may have the machine. */
export const LONG_MS = 60_000;

let clusters = 0;

export interface StartOptions {
  /** which of the loopback addresses; the next one unless given */
  readonly place?: number;
  /** whom it joins; one that runs unless given, nobody for the first one */
  readonly join?: readonly string[];
  /** directory of an earlier node; a new one unless given */
  readonly data?: string;
  readonly flags?: readonly string[];
}

/** What is unusual about the program of a cluster. */
export interface Variant {
  readonly patches?: readonly Patch[];
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Cluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'rainstorm-cluster-'));
  readonly nodes: ClusterProcess[] = [];
  readonly #workshop: Workshop;
  readonly #program: Program;
  readonly #flags: readonly string[];
  readonly #loopback: string;
  readonly #network: Network | null;
  readonly #lastResort: () => void;
  #places = 0;

  private constructor(
    workshop: Workshop,
    program: Program,
    flags: readonly string[],
    network: Network | null,
  ) {
    this.#workshop = workshop;
    this.#program = program;
    this.#flags = flags;
    this.#network = network;
    clusters += 1;
    const number = (process.pid * 8 + (clusters % 8)) % (254 * 254);
    this.#loopback = `127.${1 + Math.floor(number / 254)}.${1 + (number % 254)}`;
    this.#lastResort = () => this.#abandon();
    process.on('exit', this.#lastResort);
    // A signal that nobody handles ends a process without its `exit`: the nodes would stay.
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      if (process.listenerCount(name) === 0) process.once(name, () => process.exit(1));
    }
  }

  /**
   * A cluster without nodes yet; every node is started with `flags`, and at its place in `network`
   * when there is one (then it needs a key among its flags).
   */
  static async make(
    flags: readonly string[] = [],
    network: Network | null = null,
    variant: Variant = {},
  ): Promise<Cluster> {
    const workshop = new Workshop();
    const { command, env } = await workshop.build(variant.patches);
    const program = { command, env: { ...env, ...variant.env } };
    return new Cluster(workshop, program, flags, network);
  }

  /** Those that have not ended. */
  get living(): ClusterProcess[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  addressOf(place: number): string {
    const host = this.#network?.addressOf(place) ?? `${this.#loopback}.${place}`;
    return `${host}:${PORT}`;
  }

  /** Starts a node; it may still fail. */
  start(options: StartOptions = {}): ClusterProcess {
    const place = options.place ?? this.#places + 1;
    this.#places = Math.max(this.#places, place);
    const address = this.addressOf(place);
    const data = options.data ?? join(this.dir, `${this.nodes.length}`);
    const seeds = options.join ?? this.living.slice(0, 1).map((node) => node.address);
    const args = [
      ...['node', '--bind', address.slice(0, -`:${PORT}`.length), '--port', String(PORT)],
      ...['--data', data, ...(seeds.length === 0 ? [] : ['--join', seeds.join(',')])],
      ...[...this.#flags, ...(options.flags ?? [])],
    ];
    const { command, env } = this.#program;
    const at = this.#network?.prefix(place) ?? [];
    const program = { command: [...at, ...command], env };
    const node = new ClusterProcess(program, args, { address, data, prefix: at });
    this.nodes.push(node);
    return node;
  }

  /** Starts a node where `dead` was, with what it left on disk. */
  async restart({ address, data }: ClusterProcess): Promise<ClusterProcess> {
    const isThere = (place: number): boolean => this.addressOf(place) === address;
    const place = Array.from({ length: this.#places }, (_, i) => i + 1).find(isThere);
    const join = this.living.map((node) => node.address);
    const node = this.start({ place: present(place, `${address} is a place`), data, join });
    await node.listening();
    return node;
  }

  /** The flags with which a command proves that it knows the key of this cluster. */
  get keyFlags(): readonly string[] {
    const at = this.#flags.indexOf('--key-file');
    return at < 0 ? [] : this.#flags.slice(at, at + 2);
  }

  /** Runs any other command of the program to its end, where `near` is in the network. */
  async run(args: readonly string[], near?: ClusterProcess): Promise<Exit> {
    const { command, env } = this.#program;
    const at = near === undefined ? [] : near.prefix;
    const program = { command: [...at, ...command], env };
    return new ClusterProcess(program, args, { address: '', data: '' }).ended;
  }

  /** Starts `count` nodes and waits until every living node lists every other as alive. */
  async grow(count: number, options: StartOptions = {}): Promise<ClusterProcess[]> {
    const made: ClusterProcess[] = [];
    for (let i = 0; i < count; i++) {
      made.push(this.start(options));
      if (this.nodes.length === 1) await made[0].listening();
    }
    await Promise.all(made.map((node) => node.listening()));
    await this.complete();
    return made;
  }

  /** Resolves when the living nodes list each other, and nobody else, as alive. */
  async complete(nodes: readonly ClusterProcess[] = this.living): Promise<void> {
    const ids = await Promise.all(nodes.map((node) => node.id()));
    const wanted = ids.sort().join();
    const agrees = async (node: ClusterProcess): Promise<boolean> =>
      (await node.listed('alive')).sort().join() === wanted;
    await every(nodes, agrees, `${nodes.length} nodes to list each other`);
  }

  /** The one that says that it leads, once there is one. */
  async leader(nodes: readonly ClusterProcess[] = this.living): Promise<ClusterProcess> {
    return until(
      async () => {
        const rows = await Promise.all(nodes.map((node) => node.control()));
        return nodes.find((_, i) => rows[i]?.role === 'leader') ?? null;
      },
      { what: 'a leader', deadlineMs: LONG_MS },
    );
  }

  /** Resolves when the nodes know of `count` voters, all of them living, and a leader. */
  async voters(count: number): Promise<string[]> {
    const addresses = new Set(this.living.map(({ address }) => address));
    const leader = await this.leader();
    return until(
      async () => {
        const { voters } = await leader.ask((cluster) => cluster.control());
        return voters.length === count && voters.every((each) => addresses.has(each))
          ? [...voters]
          : null;
      },
      { what: `${count} voters that live`, deadlineMs: LONG_MS },
    );
  }

  /** Resolves when every point of the ring has all its copies, at those nodes where they belong. */
  async whole(): Promise<void> {
    const isWhole = async (): Promise<boolean> => {
      const leader = await this.leader();
      const row = await leader.ask((cluster) => cluster.points());
      if (row.health.complete < RING_POINTS) return false;
      const addresses = this.living.map(({ address }) => address);
      const held = row.stores.filter(({ points }) => points > 0);
      const wanted = copiesPerNode(addresses, row.copies);
      return held.every(({ address, points }) => wanted.get(address ?? '') === points);
    };
    await until(isWhole, { what: 'all copies of all points', deadlineMs: LONG_MS });
  }

  /** Ends all of it, at once and by process id. */
  async close(): Promise<void> {
    this.#killAll();
    await Promise.all(this.nodes.map(({ ended }) => ended));
    process.off('exit', this.#lastResort);
    this.#abandon();
  }

  #killAll(): void {
    for (const node of this.living) signal(node.pid, 'SIGKILL');
  }

  /** As `close`, without waiting. */
  #abandon(): void {
    this.#killAll();
    this.#workshop.close();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

export class ClusterProcess {
  readonly address: string;
  readonly data: string;
  /** The words in front of a command that run it where this node is in the network. */
  readonly prefix: readonly string[];
  readonly pid: number;
  readonly ended: Promise<Exit>;
  readonly startedAt = systemClock.now();
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = '';
  #stderr = '';
  #link: Promise<Awaited<ReturnType<typeof reachCluster>>> | null = null;

  constructor(
    { command: [file, ...before], env }: Program,
    args: readonly string[],
    place: {
      readonly address: string;
      readonly data: string;
      readonly prefix?: readonly string[];
    },
  ) {
    this.address = place.address;
    this.data = place.data;
    this.prefix = place.prefix ?? [];
    this.#child = spawn(file, [...before, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.pid = present(this.#child.pid, `${file} could be started`);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([code, name]) => {
      this.#unlink();
      return { code, signal: name, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once stderr says `pattern`, or has said it. */
  async says(pattern: RegExp): Promise<void> {
    const wait = { what: `${pattern} of ${this.address}`, deadlineMs: LONG_MS };
    await untilText(this.#child.stderr, pattern, wait, this.#stderr);
  }

  listening(): Promise<void> {
    return this.says(/listening on/);
  }

  /** Asks this node over its private socket. */
  async ask<T>(body: (cluster: ClusterService) => Promise<T>): Promise<T> {
    this.#link ??= reachCluster(this.data);
    const link = this.#link;
    try {
      return await body((await link).cluster);
    } catch (error) {
      if (this.#link === link) this.#unlink();
      throw error;
    }
  }

  members(): Promise<readonly MemberRow[]> {
    return this.ask((cluster) => cluster.members());
  }

  control(): ReturnType<ClusterService['control']> {
    return this.ask((cluster) => cluster.control());
  }

  /** Ids of those that it lists as `status`, itself included. */
  async listed(status: MemberRow['status']): Promise<string[]> {
    return (await this.members()).filter((row) => row.status === status).map(({ id }) => id);
  }

  /** Its own node id. */
  async id(): Promise<string> {
    const self = (await this.members()).find(({ isSelf }) => isSelf);
    return present(self, 'a node lists itself').id;
  }

  signal(name: NodeJS.Signals): void {
    signal(this.pid, name);
  }

  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.ended;
  }

  #unlink(): void {
    // A connection that could not be made has nothing to close.
    this.#link?.then(({ close }) => close()).catch(() => undefined);
    this.#link = null;
  }
}

/** How many points each of `addresses` holds when all are at their first successors. */
export function copiesPerNode(addresses: readonly string[], copies: number): Map<string, number> {
  const held = new Map(addresses.map((address) => [address, 0]));
  const ring = ringOf(addresses);
  for (let point = 0; point < RING_POINTS; point++) {
    for (const address of [...successors(ring, point)].slice(0, copies)) {
      held.set(address, (held.get(address) ?? 0) + 1);
    }
  }
  return held;
}

/** Resolves when `holds` is true of every node at some look; `what` is for the message. */
export async function every(
  nodes: readonly ClusterProcess[],
  holds: (node: ClusterProcess) => Promise<boolean>,
  what: string,
): Promise<void> {
  await until(async () => (await Promise.all(nodes.map(holds))).every(Boolean), {
    what,
    deadlineMs: LONG_MS,
  });
}

/**
 * When each of `watchers` first listed all of `ids` as dead, in milliseconds after `since`. Also
 * says when one of them was first in some list.
 */
export async function detectionTimes(
  watchers: readonly ClusterProcess[],
  ids: readonly string[],
  since: number,
): Promise<{ readonly first: number; readonly all: number }> {
  let first = Number.POSITIVE_INFINITY;
  const seen = new Map<ClusterProcess, number>();
  const look = async (node: ClusterProcess): Promise<void> => {
    const dead = new Set(await node.listed('dead'));
    const now = systemClock.now() - since;
    if (ids.some((id) => dead.has(id))) first = Math.min(first, now);
    if (ids.every((id) => dead.has(id)) && !seen.has(node)) seen.set(node, now);
  };
  await until(
    async () => {
      await Promise.all(watchers.filter((node) => !seen.has(node)).map(look));
      return seen.size === watchers.length;
    },
    { what: `${ids.length} deaths in all lists`, deadlineMs: LONG_MS },
  );
  return { first, all: Math.max(...seen.values()) };
}
