/**
 * A simulated machine with one voter: the shipped core, runner and store over a disk that fails.
 */
import { between, type Random, seededRandom, silentLog } from '../../src/core/index.ts';
import {
  type Answer,
  type DurableLog,
  type Entry,
  type Input,
  type Members,
  type Owner,
  type RaftLimits,
  type RaftMessage,
  RaftStore,
  type Rules,
  Runner,
  type Snapshot,
} from '../../src/raft/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import type { RaftChecks } from './raft-checks.ts';
import { ListMachine } from './raft-machine.ts';
import { SimDisk } from './sim-disk.ts';

/** What a planted bug may put between a voter and its disk. */
export type Plant = (log: DurableLog) => DurableLog;

export interface NodeOptions {
  readonly id: string;
  readonly random: Random;
  readonly checks: RaftChecks;
  readonly begin: Members | null;
  readonly rules: Partial<Rules>;
  readonly limits: Partial<RaftLimits>;
  readonly plant: Plant;
  /** Whose messages go into the network. */
  readonly send: (message: RaftMessage) => void;
  readonly answered: (answer: Answer) => void;
  /** Before an entry is applied. */
  readonly deciding: () => void;
  /** After each step: an entry may have been applied. */
  readonly stepped: () => void;
  readonly failed: (error: unknown) => void;
}

/** Small, so that everything that is rare in life happens often. */
export const simLimits: Partial<RaftLimits> = {
  appendBytes: 160,
  inflightAppends: 4,
  uncommittedBytes: 600,
  chunkBytes: 100,
  keepEntries: 4,
  promoteLag: 4,
};

type Life =
  | { readonly kind: 'down' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'up'; readonly runner: Runner; readonly store: RaftStore };

export class RaftNode implements Owner {
  readonly id: string;
  readonly disk: SimDisk;
  machine = new ListMachine();
  /** What happens while its clock is stopped. */
  readonly missed: Input[] = [];
  stopped = false;
  /** Set when the disk has been given something to do. */
  busy = false;
  tickMs = 50;
  /** Entries that its clients wait for. */
  appliedTerm = new Map<number, number>();
  readonly #options: NodeOptions;
  #life: Life = { kind: 'down' };
  #lives = 0;
  /** The entry that its state is after. */
  #previous = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.id = options.id;
    const random = seededRandom(options.random.u32());
    this.disk = new SimDisk({ random, shortWrites: 0.02 });
  }

  get runner(): Runner | null {
    return this.#life.kind === 'up' ? this.#life.runner : null;
  }

  get down(): boolean {
    return this.#life.kind === 'down';
  }

  /** Begins a new process over what the disk has. */
  start(): void {
    if (!this.down) return;
    this.#life = { kind: 'opening' };
    this.#lives += 1;
    this.busy = true;
    void this.#open(this.#lives, this.disk.mount());
  }

  async #open(life: number, disk: Disk): Promise<void> {
    const { id, begin, random, rules, limits, plant } = this.#options;
    const store = await RaftStore.open({
      disk,
      dir: '/raft',
      sync: 'group',
      log: silentLog,
      random: this.disk.random,
      segmentBytes: 1500,
      id,
      begin: begin === null ? null : () => begin,
    }).catch((error: unknown) => {
      if (life === this.#lives) throw error;
      return null;
    });
    if (store === null || life !== this.#lives) return;
    this.machine = new ListMachine();
    this.appliedTerm = new Map();
    this.#previous = 0;
    const runner = new Runner({
      store: this.#watched(plant(store)),
      owner: this,
      random: seededRandom(random.u32()),
      limits: { ...simLimits, ...limits },
      rules,
      compactEntries: 12,
    });
    try {
      this.#options.checks.recovered(runner.state);
    } catch (error) {
      return this.failed(error);
    }
    this.#life = { kind: 'up', runner, store };
    this.take({ kind: 'tick' });
  }

  /** Ends the process; with `power`, what was not synced is gone too. */
  stop(power: boolean): void {
    this.runner?.end();
    this.#life = { kind: 'down' };
    this.#lives += 1;
    this.missed.length = 0;
    this.stopped = false;
    this.busy = true;
    if (power) this.disk.crash({ reorder: between(this.#options.random, 0, 2) === 1 });
    else this.disk.kill();
  }

  take(input: Input): void {
    if (!this.stopped) this.runner?.take(input);
    else if (input.kind !== 'tick' && this.missed.length < 200) this.missed.push(input);
  }

  /** Its clock goes on; what it missed comes back, to be heard a little later. */
  resume(): Input[] {
    this.stopped = false;
    return this.missed.splice(0);
  }

  apply(entry: Entry): void {
    const { checks, deciding } = this.#options;
    deciding();
    if (entry.type === 'command') this.machine.add(entry.data);
    this.appliedTerm.set(entry.index, entry.term);
    checks.applied(this.id, entry, this.#previous, this.machine.hash);
    this.#previous = entry.index;
  }

  restore(snapshot: Snapshot): void {
    this.machine.restore(snapshot);
    this.#previous = snapshot.index;
    this.#options.checks.restored(this.id, snapshot.index, this.machine.hash);
  }

  snapshot(): Uint8Array {
    return this.machine.snapshot();
  }

  answer(answer: Answer): void {
    this.#options.answered(answer);
  }

  send(message: RaftMessage): void {
    this.#options.send(message);
  }

  stepped(): void {
    this.#options.stepped();
  }

  failed(error: unknown): void {
    this.#options.failed(error);
  }

  /** Shows the checks what is about to become durable. */
  #watched(log: DurableLog): DurableLog {
    return {
      initial: log.initial,
      get snapshot() {
        return log.snapshot;
      },
      set snapshot(snapshot) {
        log.snapshot = snapshot;
      },
      append: (persist) => {
        this.busy = true;
        const { runner } = this;
        if (runner !== null) this.#options.checks.persisting(runner.state, persist);
        return log.append(persist);
      },
    };
  }
}
