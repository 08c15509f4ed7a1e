/**
 * The decisions, made in one place that never fails, and what each node knows of them.
 *
 * D1 Every decision is a command, applied by the shipped `apply`; the shipped driver of points makes
 *    them, and begins anew now and then as if another node had come to lead.
 * D2 A node learns them in order, each in its time; while it is cut off it learns nothing, and then
 *    perhaps all at once.
 * D3 Whoever has not been heard for a while is dead, and so is now and then one that lives.
 * D4 What a node asks for arrives late, or not at all, or takes effect without its hearing so.
 */
import {
  type Applied,
  apply,
  type Command,
  type ControlLog,
  type ControlState,
  emptyState,
  type Outcome,
  type PointConfig,
  PointDriver,
  pointConfig,
  type Role,
} from '../../src/control/index.ts';
import { between, fault, type Random, silentLog, unit } from '../../src/core/index.ts';
import type { SimNetwork } from './hydfs-network.ts';
import { SimProcess, type SimTime } from './hydfs-time.ts';

/** The place of the decisions in the network. */
export const CONTROL = 'control';
const TICK_MS = 50;
/** How long a node waits for an answer that does not come. */
const ANSWER_MS = 1500;

/** A node as the decisions see it. */
export interface Member {
  /** `host:port#boot`. */
  readonly node: string;
  readonly address: string;
  readonly store: string;
  readonly process: SimProcess;
}

interface Seen extends Member {
  heardAt: number;
  /** Not to be admitted before. */
  quietUntil: number;
}

type Listener = (applied: Applied) => void;
type WithoutTerm<C> = C extends Command ? Omit<C, 'term' | 'at'> : never;

export interface ControlOptions {
  readonly time: SimTime;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly copies: number;
  /** The points that are kept. */
  readonly points: readonly number[];
  /** False: that would be one failure more than there are copies to endure. */
  readonly mayGo: (store: string) => boolean;
  /** What a planted bug makes of what was decided. */
  readonly plant?: (state: ControlState) => ControlState;
  /** What it makes of what a node asks for. */
  readonly asked?: (command: Command) => Command;
}

/** What the driver of points sees: the log at the node that leads. */
type LeaderLog = ConstructorParameters<typeof PointDriver>[0]['control'];
/** What a node sees. */
type FollowedLog = Pick<
  ControlLog,
  'state' | 'term' | 'propose' | 'read' | 'subscribe' | 'onRestore'
>;

export class SimControl implements LeaderLog {
  state: ControlState = emptyState;
  /** Decisions that changed who holds something. */
  changes = 0;
  /** How long nodes take to learn something, at most. */
  newsMax = 20;
  readonly #options: ControlOptions;
  readonly #time: SimTime;
  readonly #network: SimNetwork;
  readonly #random: Random;
  readonly #followers = new Set<Follower>();
  readonly #seen = new Map<string, Seen>();
  readonly #listeners = new Set<Listener>();
  readonly #process: SimProcess;
  #driver: PointDriver | null = null;
  #patience = 1000;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#time = options.time;
    this.#network = options.network;
    this.#random = options.random;
    this.#process = new SimProcess(options.time, CONTROL);
    this.leads();
    this.#decide({ kind: 'hydfs-copies', copies: options.copies });
    this.#tick();
    this.#network.onHealed(() => {
      for (const each of this.#followers) this.#tell(each);
    });
  }

  get term(): number {
    return this.state.term;
  }

  get role(): Role {
    return { kind: 'leader', term: this.term };
  }

  onRole(): () => void {
    return () => undefined;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Decides at once; the answer comes a little later. */
  async propose(command: Command): Promise<Outcome> {
    const outcome = this.#apply(command);
    await this.#process.pause(between(this.#random, 0, 10));
    return outcome;
  }

  /** Another node leads: it knows what was decided, and nothing else. */
  leads(): void {
    this.#driver?.close();
    this.#apply({ kind: 'term-begin', term: this.state.term + 1, at: this.#time.now });
    this.#driver = new PointDriver({
      control: this,
      clock: this.#process.clock,
      log: silentLog,
      points: this.#options.points,
    });
  }

  /** A node that wants to be admitted; the log as it will know it. */
  join(member: Member): FollowedLog {
    this.#seen.set(member.address, { ...member, heardAt: this.#time.now, quietUntil: 0 });
    const follower: Follower = new Follower({
      process: member.process,
      state: this.state,
      ask: (command) => {
        return this.#ask(member, () => this.#apply(this.#options.asked?.(command) ?? command));
      },
      read: async () => {
        const { index } = await this.#ask(member, () => this.state);
        this.#tell(follower);
        await follower.reached(index);
        return follower.state;
      },
    });
    this.#followers.add(follower);
    return follower;
  }

  /** D3: that one is dead, whatever it says, for a while. */
  accuse(address: string): void {
    const seen = this.#seen.get(address);
    if (seen === undefined || !this.state.nodes.has(seen.node)) return;
    if (!this.#options.mayGo(seen.store)) return;
    seen.quietUntil = this.#time.now + between(this.#random, 100, 2500);
    this.#decide({ kind: 'node-remove', node: seen.node });
  }

  /** Everybody knows that this one has lost its disk. */
  lost(address: string): void {
    const node = this.#seen.get(address)?.node ?? '';
    this.#seen.delete(address);
    if (this.state.nodes.has(node)) this.#decide({ kind: 'node-remove', node });
  }

  config(point: number): PointConfig | null {
    return pointConfig(this.state.hydfs.points, point);
  }

  #decide(wish: WithoutTerm<Command>): void {
    this.#apply({ ...wish, term: this.term, at: this.#time.now });
  }

  #apply(command: Command): Outcome {
    if (command.kind === 'hydfs-unfit' && !this.#options.mayGo(command.store)) {
      return { ok: false, why: 'last-replica' };
    }
    const before = this.state;
    const { state: decided, outcome } = apply(before, command);
    const state = this.#options.plant?.(decided) ?? decided;
    this.state = state;
    this.#time.mark('decided', command.kind, outcome.ok ? 1 : 0);
    if (before.hydfs !== state.hydfs) this.changes += 1;
    const applied = { index: state.index, command, outcome, state };
    for (const listener of [...this.#listeners]) listener(applied);
    for (const each of this.#followers) {
      each.missed.push(applied);
      this.#tell(each);
    }
    return outcome;
  }

  #tick(): void {
    for (const seen of this.#seen.values()) this.#look(seen);
    this.#time.events.plan(TICK_MS, () => this.#tick());
  }

  #look(seen: Seen): void {
    const { node, address, store, process } = seen;
    const { now } = this.#time;
    const cut = this.#network.isCut(address, CONTROL) || this.#network.isCut(CONTROL, address);
    if (process.running && !cut) seen.heardAt = now;
    const admitted = this.state.nodes.has(node);
    if (admitted && now - seen.heardAt > this.#patience) {
      if (!this.#options.mayGo(store)) return;
      this.#patience = between(this.#random, 300, 2500);
      this.#decide({ kind: 'node-remove', node });
    } else if (!admitted && seen.heardAt === now && now >= seen.quietUntil) {
      this.#decide({ kind: 'node-admit', node, address, cores: 1, store });
    }
  }

  #tell(follower: Follower): void {
    const { process } = follower;
    if (process.ended) {
      this.#followers.delete(follower);
      return;
    }
    const { index } = this.state;
    const late = unit(this.#random) < 0.1 ? this.newsMax * 10 : this.newsMax;
    process.post(between(this.#random, 0, late + 1), () => {
      if (!this.#network.isCut(CONTROL, process.name)) follower.learn(index);
    });
  }

  /** D4. */
  #ask<T>({ address, process }: Member, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const delay = (): number => between(this.#random, 0, this.#network.weather.delayMax + 1);
      const lost = (): void => {
        const reason = 'nobody answers';
        process.post(ANSWER_MS, () => reject(fault('CONTROL_UNAVAILABLE', { reason })));
      };
      if (this.#network.isCut(address, CONTROL)) return lost();
      this.#time.events.plan(delay(), () => {
        const result = act();
        if (this.#network.isCut(CONTROL, address)) lost();
        else process.post(delay(), () => resolve(result));
      });
    });
  }
}

interface FollowerOptions {
  readonly process: SimProcess;
  readonly state: ControlState;
  readonly ask: (command: Command) => Promise<Outcome>;
  readonly read: () => Promise<ControlState>;
}

/** The log as one node knows it. */
class Follower implements FollowedLog {
  state: ControlState;
  readonly process: SimProcess;
  readonly propose: (command: Command) => Promise<Outcome>;
  readonly read: () => Promise<ControlState>;
  /** What was decided and is not known here. */
  missed: Applied[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #jumps = new Set<(state: ControlState) => void>();
  #waiting: { readonly index: number; readonly resolve: () => void }[] = [];

  constructor(options: FollowerOptions) {
    this.process = options.process;
    this.state = options.state;
    this.propose = options.ask;
    this.read = options.read;
  }

  get term(): number {
    return this.state.term;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRestore(listener: (state: ControlState) => void): () => void {
    this.#jumps.add(listener);
    return () => this.#jumps.delete(listener);
  }

  /** Everything up to entry `index`; who lacks much is given the state instead. */
  learn(index: number): void {
    const news = this.missed.filter((applied) => applied.index <= index);
    if (news.length === 0) return;
    this.missed = this.missed.slice(news.length);
    if (news.length > 12) {
      const { state } = news[news.length - 1];
      this.state = state;
      for (const listener of [...this.#jumps]) listener(state);
    } else {
      for (const applied of news) {
        this.state = applied.state;
        for (const listener of [...this.#listeners]) listener(applied);
      }
    }
    const reached = this.#waiting.filter((each) => each.index <= this.state.index);
    this.#waiting = this.#waiting.filter((each) => each.index > this.state.index);
    for (const { resolve } of reached) resolve();
  }

  /** Resolves when entry `index` is known. */
  reached(index: number): Promise<void> {
    if (this.state.index >= index) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ index, resolve }));
  }
}
