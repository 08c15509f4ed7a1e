/**
 * Machines, a network, decisions and clients under one clock and one seed.
 *
 * The same seed gives the same run, told by `trace`. A broken promise is thrown as `Broken`.
 */
import {
  crc32,
  isFault,
  type Logger,
  present,
  type Random,
  seededRandom,
  silentLog,
} from '../../src/core/index.ts';
import { LocalFileSystem, placeOf } from '../../src/hydfs/index.ts';
import type { ReplicaLimits } from '../../src/hydfs/replication/index.ts';
import { type Copy, type CopyEntry, type Ending, judge } from './hydfs-checks.ts';
import { isKept, SimClients } from './hydfs-clients.ts';
import { CONTROL, SimControl } from './hydfs-control.ts';
import { quick } from './hydfs-disk.ts';
import { History } from './hydfs-history.ts';
import { type Plant, ROOT, SEGMENT_BYTES, SimMachine, type SimNode } from './hydfs-machine.ts';
import { fair, SimNetwork } from './hydfs-network.ts';
import { SimTime } from './hydfs-time.ts';
import { Broken } from './raft-checks.ts';

/** Small, so that everything that is rare in life happens often. */
export const simLimits: Partial<ReplicaLimits> = {
  batchBytes: 700,
  pieceBytes: 300,
  keptBytes: 2000,
  scrubMs: 4000,
};

export interface WorldOptions {
  readonly seed: number;
  readonly machines: number;
  readonly copies: number;
  readonly names: readonly string[];
  readonly plant?: Plant;
  /** Where the nodes write what they do. */
  readonly log?: (address: string, time: SimTime) => Logger;
  readonly limits?: Partial<ReplicaLimits>;
}

/** How long after the last fault everything is as it should be. */
const SETTLE_MS = 120_000;

export class HydfsWorld {
  readonly random: Random;
  readonly time = new SimTime();
  readonly network: SimNetwork;
  readonly control: SimControl;
  readonly machines: SimMachine[];
  readonly history = new History();
  readonly clients: SimClients;
  readonly names: readonly string[];
  /** Stores whose disk has lost something: bytes, or all. */
  readonly hurt = new Set<string>();
  readonly #copies: number;
  readonly #points: readonly number[];

  constructor(options: WorldOptions) {
    const { seed, machines, copies, names, plant = {}, limits = {}, log } = options;
    this.random = seededRandom(seed);
    const child = (): Random => seededRandom(this.random.u32());
    this.names = names;
    this.#copies = copies;
    this.#points = [...new Set(names.map((name) => placeOf(name).fileId))];
    const { time } = this;
    this.network = new SimNetwork(time, child());
    this.control = new SimControl({
      time,
      network: this.network,
      random: child(),
      copies,
      points: this.#points,
      mayGo: (store) => this.#mayGo(store),
      ...(plant.decided === undefined ? {} : { plant: plant.decided }),
      ...(plant.asked === undefined ? {} : { asked: plant.asked }),
    });
    this.machines = Array.from({ length: machines }, (_, i) => {
      const { network, control } = this;
      const address = `n${i + 1}:7000`;
      const shared = { time, network, control, plant };
      return new SimMachine({
        ...shared,
        address,
        random: child(),
        limits: { ...simLimits, ...limits },
        log: log?.(address, time) ?? silentLog,
      });
    });
    this.clients = new SimClients({
      history: this.history,
      random: child(),
      broken: (problem) => time.broken(problem),
    });
    for (const machine of this.machines) machine.start();
  }

  get trace(): number {
    return this.time.trace;
  }

  /** All that can be cut off. */
  get places(): string[] {
    return [CONTROL, ...this.machines.map(({ address }) => address)];
  }

  get nodes(): SimNode[] {
    return this.machines.flatMap(({ node }) => (node?.process.running ? [node] : []));
  }

  /** Whether this disk may lose what it has: somebody else who lives has all of it. */
  mayHurt({ store }: SimMachine): boolean {
    return this.#configsWith(store).every((replicas) => this.#hasSound(replicas, store));
  }

  /** Whether this store may be left out: with those that have lost something, that were too many. */
  #mayGo(store: string): boolean {
    return this.#configsWith(store).every((replicas) => {
      return !replicas.some((each) => this.hurt.has(each)) || this.#hasSound(replicas, store);
    });
  }

  #configsWith(store: string): (readonly string[])[] {
    const all = this.names.map((name) => this.control.config(placeOf(name).fileId)?.replicas ?? []);
    return all.filter((replicas) => replicas.includes(store));
  }

  #hasSound(replicas: readonly string[], without: string): boolean {
    const living = new Set([...this.control.state.nodes.values()].map(({ store }) => store));
    return replicas.some((each) => {
      return each !== without && !this.hurt.has(each) && living.has(each);
    });
  }

  /** The machine that orders the appends of `name`, as decided. */
  primaryOf(name: string): SimMachine | null {
    const store = this.control.config(placeOf(name).fileId)?.replicas.at(0);
    return this.machines.find((machine) => machine.store === store) ?? null;
  }

  /** Ends all faults. */
  heal(): void {
    this.network.weather = { ...fair };
    this.network.heal();
    this.control.newsMax = 20;
    for (const machine of this.machines) {
      machine.pace = quick;
      machine.disk.capacity = Number.POSITIVE_INFINITY;
      machine.disk.failingSyncs = 0;
      machine.process?.resume();
      machine.start();
    }
  }

  /**
   * After the faults: everything comes to rest, then the power fails everywhere, and what the disks
   * have is judged.
   * @throws Broken
   */
  async recover(): Promise<void> {
    this.heal();
    await this.#rests();
    for (const name of this.names) {
      const [node] = this.nodes;
      if (isKept(name)) this.clients.merge(node, name);
    }
    // Everybody looks at everything once more.
    for (const node of this.nodes) for (const name of this.names) this.clients.read(node, name);
    await this.time.run(30_000);
    await this.#rests();
    for (const machine of this.machines) machine.stop({ power: true });
    judge(this.history, await this.#endings());
  }

  async #rests(): Promise<void> {
    const end = this.time.now + SETTLE_MS;
    let problem = 'it was not looked at';
    while (this.time.now < end) {
      await this.time.run(500);
      problem = (await this.#unrest()) ?? '';
      if (problem === '') return;
    }
    throw new Broken(`liveness: ${SETTLE_MS} ms after the last fault ${problem}`);
  }

  /** Why not everything is as it should be, or null. */
  async #unrest(): Promise<string | null> {
    for (const { node, store, address } of this.machines) {
      if (node === null) return `${address} is not up`;
      for (const point of this.#points) {
        if (this.control.config(point)?.replicas.includes(store)) continue;
        if (await this.#holds(node, point)) return `${store} holds point ${point}`;
      }
    }
    for (const name of this.names) {
      const config = this.control.config(placeOf(name).fileId);
      const { replicas, joining } = config ?? { replicas: [], joining: [] };
      const wanted = Math.min(this.#copies, this.machines.length);
      if (replicas.length !== wanted || joining.length > 0) {
        return `${name} is at ${replicas.join(' ')} and on its way to ${joining.join(' ')}`;
      }
    }
    return null;
  }

  /** C6: directories without a file in them are none. */
  async #holds({ files }: SimNode, point: number): Promise<boolean> {
    let held: number | null = null;
    files.inventory(point).then(
      (found) => {
        held = found.length;
      },
      // It is being closed, or its disk has failed: the next look tells.
      () => {
        held = 1;
      },
    );
    await this.time.until(() => held !== null, 5000);
    return held !== 0;
  }

  async #endings(): Promise<Ending[]> {
    const copies = new Map<string, Copy[]>(this.names.map((name) => [name, []]));
    for (const machine of this.machines) {
      const files = await LocalFileSystem.open({
        disk: machine.disk.mount(),
        root: ROOT,
        clock: { now: () => 0, wall: () => 0, timer: () => ({ cancel: () => undefined }) },
        log: silentLog,
        random: machine.disk.random,
        segmentBytes: SEGMENT_BYTES,
      });
      for (const name of await files.list()) {
        const copy = await copyOf(files, name, machine.store);
        if (copy === null) continue;
        present(copies.get(name), 'only these files were made').push(copy);
      }
    }
    return this.names.map((name) => {
      const replicas = this.control.config(placeOf(name).fileId)?.replicas ?? [];
      return { name, kept: isKept(name), replicas, copies: copies.get(name) ?? [] };
    });
  }
}

/** Null when its creation was cut short. */
async function copyOf(files: LocalFileSystem, name: string, store: string): Promise<Copy | null> {
  const file = await files.openFile(name).catch((error: unknown) => {
    if (isFault(error, 'FILE_MISSING')) return null;
    throw error;
  });
  if (file === null) return null;
  const sums: number[] = [];
  for await (const { payload } of file.rawEntries(file.firstIndex)) sums.push(crc32(payload));
  const entries: CopyEntry[] = [];
  for await (const entry of files.entries(name))
    entries.push({ ...entry, data: entry.data.slice() });
  return { store, firstIndex: file.firstIndex, nextIndex: file.nextIndex, sums, entries };
}
