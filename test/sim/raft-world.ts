/**
 * Voters, a network and clients under one clock and one seed.
 *
 * The same seed gives the same run, told by `trace`: a hash over everything that was delivered.
 * A broken promise is thrown as `Broken` where it happens.
 */
import { setImmediate } from 'node:timers/promises';
import { between, crc32, present, type Random, seededRandom } from '../../src/core/index.ts';
import type {
  Answer,
  Members,
  RaftLimits,
  RaftMessage,
  RaftState,
  Rules,
} from '../../src/raft/index.ts';
import { Broken, RaftChecks } from './raft-checks.ts';
import { Events } from './raft-events.ts';
import { inconsistency, type Operation } from './raft-history.ts';
import { itemBytes } from './raft-machine.ts';
import { fair, SimNetwork } from './raft-network.ts';
import { type Plant, RaftNode } from './raft-node.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly voters: number;
  /** Machines that may be added later. */
  readonly spares?: number;
  readonly rules?: Partial<Rules>;
  readonly limits?: Partial<RaftLimits>;
  readonly plant?: Plant;
}

type Waiting = { readonly operation: Operation; readonly node: string };
type Due = { readonly index: number; readonly term: number | null; readonly operation: Operation };

export class RaftWorld {
  readonly random: Random;
  readonly events = new Events();
  readonly checks = new RaftChecks();
  readonly network: SimNetwork;
  readonly nodes = new Map<string, RaftNode>();
  readonly operations: Operation[] = [];
  trace = 0;
  delivered = 0;
  #clock = 0;
  #ids = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #due = new Map<string, Due[]>();
  readonly #problems: unknown[] = [];

  constructor(options: WorldOptions) {
    this.random = seededRandom(options.seed);
    this.network = new SimNetwork(seededRandom(options.seed + 1), { ...fair });
    const names = Array.from(
      { length: options.voters + (options.spares ?? 0) },
      (_, i) => `n${i + 1}`,
    );
    const members = names.slice(0, options.voters).map((id) => ({ id, address: id, votes: true }));
    for (const id of names) this.#add(id, members, options);
  }

  get ids(): string[] {
    return [...this.nodes.keys()];
  }

  node(id: string): RaftNode {
    return present(this.nodes.get(id), `there is a node ${id}`);
  }

  /** The voter that leads the newest term, if any does. */
  get leader(): RaftNode | null {
    let newest: RaftNode | null = null;
    for (const node of this.nodes.values()) {
      const state = node.runner?.state;
      if (state?.role.kind !== 'leader') continue;
      if (state.term > (newest?.runner?.state.term ?? 0)) newest = node;
    }
    return newest;
  }

  #add(id: string, members: Members, options: WorldOptions): void {
    const { rules = {}, limits = {}, plant = (log) => log } = options;
    const node: RaftNode = new RaftNode({
      id,
      random: this.random,
      checks: this.checks,
      begin: members.some((member) => member.id === id) ? members : null,
      rules,
      limits,
      plant,
      send: (message) => this.#send(message),
      answered: (answer) => this.#answered(answer),
      deciding: () => this.#check(node),
      stepped: () => this.#stepped(node),
      failed: (error) => this.#problems.push(error),
    });
    this.nodes.set(id, node);
    node.start();
    this.#planTick(node);
  }

  #planTick(node: RaftNode): void {
    this.events.plan(node.tickMs + between(this.random, -3, 4), () => {
      node.take({ kind: 'tick' });
      this.#planTick(node);
    });
  }

  /** Lets `ms` pass. @throws Broken */
  async run(ms: number): Promise<void> {
    const end = this.events.now + ms;
    await this.#settle();
    while (this.events.next(end)) await this.#settle();
  }

  /** Lets time pass until `done`, at most `ms`; whether it came to that. */
  async until(done: () => boolean, ms: number): Promise<boolean> {
    const end = this.events.now + ms;
    await this.#settle();
    while (!done()) {
      if (!this.events.next(end)) return false;
      await this.#settle();
    }
    return true;
  }

  /** Waits for the disks, which know no time but their gates. */
  async #settle(): Promise<void> {
    for (;;) {
      let busy = false;
      for (const node of this.nodes.values()) {
        busy ||= node.busy;
        node.busy = false;
      }
      if (!busy) break;
      await setImmediate();
    }
    if (this.#problems.length > 0) throw this.#problems[0];
  }

  #send(message: RaftMessage): void {
    for (const delay of this.network.route(message.from, message.to)) {
      this.events.plan(delay, () => {
        this.delivered += 1;
        this.#mark(message.kind, message.from, message.to, message.term);
        this.nodes.get(message.to)?.take({ kind: 'message', message });
      });
    }
  }

  #mark(...facts: readonly (string | number)[]): void {
    this.trace = crc32(Buffer.from(`${this.events.now} ${facts.join(' ')}`), this.trace);
  }

  #stepped(node: RaftNode): void {
    const { runner } = node;
    if (runner === null) return;
    this.#check(node);
    const due = this.#due.get(node.id);
    if (due === undefined) return;
    const rest = due.filter((each) => !this.#complete(node, runner.applied, each));
    if (rest.length === 0) this.#due.delete(node.id);
    else this.#due.set(node.id, rest);
  }

  #check({ runner }: RaftNode): void {
    if (runner !== null) this.checks.stepped(runner.state, this.#states());
  }

  *#states(): Iterable<RaftState> {
    for (const { runner } of this.nodes.values()) if (runner !== null) yield runner.state;
  }

  #complete(node: RaftNode, applied: number, { index, term, operation }: Due): boolean {
    if (applied < index) return false;
    if (term !== null && node.appliedTerm.get(index) !== term) return true;
    operation.length = node.machine.items.length;
    operation.ended = ++this.#clock;
    return true;
  }

  /** A client adds a number at `node`. */
  write(node: RaftNode): Operation {
    const item = this.operations.length + 1;
    return this.#begin(node, 'write', item);
  }

  read(node: RaftNode): Operation {
    return this.#begin(node, 'read', 0);
  }

  #begin(node: RaftNode, kind: 'read' | 'write', item: number): Operation {
    const began = ++this.#clock;
    const operation = { kind, item, began, ended: Number.POSITIVE_INFINITY, length: 0 };
    this.operations.push(operation);
    const id = this.id();
    this.#waiting.set(id, { operation, node: node.id });
    if (kind === 'read') node.take({ kind, id });
    else node.take({ kind: 'propose', id, data: itemBytes(item) });
    return operation;
  }

  /** A number for something asked of a voter. */
  id(): number {
    return ++this.#ids;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if (answer.kind !== 'accepted' && answer.kind !== 'readable') return;
    const { operation, node } = waiting;
    const term = answer.kind === 'accepted' ? answer.term : null;
    const due = this.#due.get(node) ?? [];
    this.#due.set(node, [...due, { index: answer.index, term, operation }]);
  }

  /** What clients of this voter waited for is not known any more. */
  forget(node: RaftNode): void {
    this.#due.delete(node.id);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.node === node.id) this.#waiting.delete(id);
    }
  }

  stop(node: RaftNode, power: boolean): void {
    this.forget(node);
    this.#mark('stop', node.id, power ? 1 : 0);
    node.stop(power);
  }

  /** Ends all faults. */
  heal(): void {
    this.network.heal();
    this.network.weather = { ...fair };
    for (const node of this.nodes.values()) {
      node.tickMs = 50;
      this.release(node);
      this.resume(node);
      if (node.down) node.start();
    }
  }

  /** A stopped voter goes on; what was sent to it meanwhile arrives. */
  resume(node: RaftNode): void {
    if (!node.stopped) return;
    for (const input of node.resume()) {
      this.events.plan(between(this.random, 1, 60), () => node.take(input));
    }
  }

  readonly #gates = new Map<string, () => void>();

  /** Syncs of this disk take until `release`. */
  hold(node: RaftNode): void {
    if (node.disk.gate !== null || node.down) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    node.disk.gate = promise;
    this.#gates.set(node.id, resolve);
  }

  release(node: RaftNode): void {
    node.disk.gate = null;
    this.#gates.get(node.id)?.();
    this.#gates.delete(node.id);
    node.busy = true;
  }

  /** After `heal`: a leader comes, decides something new, and all its members have it. */
  async recover(ms = 20_000): Promise<void> {
    let last: Operation | null = null;
    const settled = await this.until(() => {
      if (last !== null && last.ended !== Number.POSITIVE_INFINITY) return this.#converged();
      const { leader } = this;
      if (leader === null) return false;
      const tried = last !== null && this.#clock - last.began < 4;
      this.#clock += 0.01;
      if (!tried) last = this.write(leader);
      return false;
    }, ms);
    if (!settled) throw new Broken(`liveness: nothing decided within ${ms} ms of the healing`);
  }

  #converged(): boolean {
    const state = this.leader?.runner?.state;
    if (state === undefined) return false;
    return state.log.members.every(({ id }) => this.node(id).runner?.applied === state.log.commit);
  }

  /** @throws Broken when clients saw what no single list could have shown */
  checkHistory(): void {
    const all = [...this.nodes.values()].map(({ machine }) => machine.items);
    const items = all.reduce((a, b) => (b.length > a.length ? b : a));
    const problem = inconsistency(this.operations, items);
    if (problem !== null) throw new Broken(`linearizability: ${problem}`);
  }
}
