/**
 * The control log of a cluster with several voters.
 *
 * 1. A command takes effect only as the agreement hands it out: decided by a quorum and durable here,
 *    in the same order at every voter.
 * 2. This process counts as the leader after the first command of its term, `term-begin`, has taken
 *    effect here: from then on its state holds all that earlier leaders decided, and commands of
 *    their terms are refused by `apply`.
 * 3. Whoever does not lead sends proposals on and reads with the leader's word for how new the state
 *    must be. A proposal is never appended twice.
 * 4. Time comes in as ticks; a late one counts once. Only a leader that has slept for longer than an
 *    election takes is told of all that time: it leads on when a quorum has answered it since.
 * 5. The first failure of the disk ends this voter, as it ends a log with one voter.
 */
import { assert, between, fault, reasonOf, systemRandom, type Timer } from '../core/index.ts';
import {
  type Answer,
  type Change,
  type Entry,
  isVoter,
  type Members,
  memberOf,
  type Owner,
  type RaftMessage,
  RaftStore,
  Runner,
  type Snapshot,
  votersOf,
} from '../raft/index.ts';
import type { Connection, Receiver } from '../transport/index.ts';
import { encodeCbor, type Message } from '../wire/index.ts';
import { type Command, commandSchema, type Outcome } from './command.ts';
import type { Applied, ControlLog, Role } from './control-log.ts';
import { restore, snapshot } from './snapshot.ts';
import { apply, type ControlState, emptyState } from './state.ts';
import { type KeeperView, nextChange, type VoterNode } from './voter-keeper.ts';
import { VoterLinks } from './voter-links.ts';
import { checkMessage, isRaft, readCommand } from './voter-messages.ts';
import {
  CALL_MS,
  CLOSE_MS,
  FORGET_AFTER_MS,
  KEEPER_TICKS,
  REPLACE_AFTER_MS,
  TICK_MS,
  type VoterOptions,
} from './voter-options.ts';
import { type Done, Waiting, type Wish } from './waiting.ts';

/** Numbers of what this voter asks by itself: a change of the members, and the start of its term. */
const KEEPER = 0;
const BEGIN = 1;

/** A `ControlLog` that several processes agree on. */
export class VoterLog implements ControlLog {
  readonly #options: VoterOptions;
  readonly #store: RaftStore;
  readonly #runner: Runner;
  readonly #links: VoterLinks;
  readonly #waiting: Waiting;
  readonly #nodes = new Map<string, VoterNode>();
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #roleListeners = new Set<(role: Role) => void>();
  readonly #restoreListeners = new Set<(state: ControlState) => void>();
  #state: ControlState = emptyState;
  #role: Role = { kind: 'follower', term: 0, leader: null };
  /** The term whose `term-begin` was proposed here, and the one whose has taken effect. */
  #begunTerm = 0;
  #ledTerm = 0;
  /** The agreement was too busy to take it: the next tick tries again. */
  #beginRefused = false;
  /** The entry whose members have ways to them. */
  #linkedAt = 0;
  #ticks = 0;
  #tickedAt: number;
  #timer: Timer | null = null;

  /**
   * Opens the log in `dir` and takes part. Resolves when what was durable is restored; a group of one
   * leads soon after.
   * @throws Fault CONTROL_LOG_INVALID when a record cannot be read; the disk's own faults
   */
  static async open(options: VoterOptions): Promise<VoterLog> {
    const { disk, dir, sync, log, random = systemRandom, address, begin } = options;
    const store = await RaftStore.open({
      disk,
      dir,
      sync,
      log,
      random,
      ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
      ...(options.id === undefined ? {} : { id: options.id }),
      begin: begin === 'joins' ? null : (id) => firstMembers(begin, id, address),
    });
    const opened = new VoterLog(options, store);
    opened.#tick();
    log.info('control log opened', { voter: opened.id, term: opened.#runner.state.term });
    return opened;
  }

  private constructor(options: VoterOptions, store: RaftStore) {
    const { clock, log, random = systemRandom, transport, limits = {} } = options;
    this.#options = options;
    this.#tickedAt = clock.now();
    this.#store = store;
    this.#links = new VoterLinks({
      transport,
      clock,
      random,
      log,
      handler: (connection) => ({ message: (message) => this.#expect(connection, message) }),
      lost: (id) => this.#runner.take({ kind: 'unreachable', id }),
    });
    this.#waiting = new Waiting({
      clock,
      callMs: options.callMs ?? CALL_MS,
      // Numbers of an earlier process must not be met again, nor those that stand for nobody.
      firstId: between(random, 1, 2 ** 30) * 2 ** 20,
      ask: (id, wish) => this.#ask(id, wish),
      applied: () => this.#runner.applied,
    });
    this.#runner = new Runner({
      store,
      owner: this.#owner(),
      random,
      limits,
      ...(options.compactEntries === undefined ? {} : { compactEntries: options.compactEntries }),
    });
  }

  /** The id of this voter, for `addVoter` at the leader. */
  get id(): string {
    return this.#runner.state.id;
  }

  get state(): ControlState {
    return this.#state;
  }

  get role(): Role {
    return this.#role;
  }

  get term(): number {
    return this.#role.kind === 'leader' ? this.#role.term : this.#state.term;
  }

  /** The newest term heard of, for `hello`. */
  get newestTerm(): number {
    return this.#runner.state.term;
  }

  /** Who votes and who learns, as far as is known here. */
  get members(): Members {
    return this.#runner.state.log.members;
  }

  /**
   * As `ControlLog.propose`; a follower sends the command on.
   * @throws Fault CONTROL_UNAVAILABLE when it was not decided in time, or may have been lost
   */
  async propose(command: Command): Promise<Outcome> {
    this.#refuseIfEnded();
    const data = encodeCbor(commandSchema.parse(command));
    const done = await this.#waiting.call({ kind: 'decide', data });
    const outcome = done?.outcome ?? null;
    assert(outcome !== null, 'a proposal is a command');
    return outcome;
  }

  async read(): Promise<ControlState> {
    this.#refuseIfEnded();
    await this.#waiting.call({ kind: 'read' });
    return this.#state;
  }

  subscribe(listener: (applied: Applied) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRole(listener: (role: Role) => void): () => void {
    this.#roleListeners.add(listener);
    return () => this.#roleListeners.delete(listener);
  }

  onRestore(listener: (state: ControlState) => void): () => void {
    this.#restoreListeners.add(listener);
    return () => this.#restoreListeners.delete(listener);
  }

  /** One use of a connection that another node has made to this one. */
  receiver(connection: Connection): Receiver {
    return {
      receive: (message) => {
        if (!isRaft(message)) return false;
        this.#expect(connection, message);
        return true;
      },
      closed: () => this.#links.left(connection),
    };
  }

  /**
   * What membership says of a node whose voter is `id`; the leader acts on it. `superseded`: another
   * voter has its place, so that nobody need wait for it to come back.
   */
  noteNode(node: {
    readonly id: string;
    readonly address: string;
    readonly alive: boolean;
    readonly superseded?: boolean;
  }): void {
    const { id, address, alive, superseded = false } = node;
    const known = this.#nodes.get(id)?.deadSince ?? null;
    const dead = superseded ? Number.NEGATIVE_INFINITY : (known ?? this.#options.clock.now());
    this.#nodes.set(id, { id, address, deadSince: alive ? null : dead });
  }

  /** The node is no more and will not be back under this id. */
  forgetNode(id: string): void {
    this.#nodes.delete(id);
  }

  /**
   * Changes the members by one step; resolves when that is decided.
   * @throws Fault CONTROL_UNAVAILABLE when this voter does not lead, or the change is refused
   */
  async change(change: Change): Promise<void> {
    this.#refuseIfEnded();
    await this.#waiting.call({ kind: 'change', change });
  }

  /** Hands over to another voter, if there is one; resolves when this one does not lead any more. */
  async handOver(to?: string): Promise<void> {
    const { state } = this.#runner;
    if (state.role.kind !== 'leader') return;
    const others = votersOf(state.log.members).filter(({ id }) => id !== this.id);
    const { progress } = state.role;
    const best = others.toSorted(
      (a, b) => (progress.get(b.id)?.match ?? 0) - (progress.get(a.id)?.match ?? 0),
    );
    const next = to ?? best.at(0)?.id;
    if (next === undefined || memberOf(others, next) === null) return;
    this.#runner.take({ kind: 'transfer', to: next });
    await this.#notLeading(state.limits.electionTicks * this.#tickMs);
  }

  async close(): Promise<void> {
    if (this.#role.kind === 'closed') return this.#store.close();
    if (this.#role.kind !== 'failed') {
      await this.#atMost(CLOSE_MS, this.#waiting.idle());
      await this.handOver();
      this.#become({ kind: 'closed' });
    }
    this.#end('the log is closed');
    await this.#store.close();
  }

  get #tickMs(): number {
    return this.#options.tickMs ?? TICK_MS;
  }

  #refuseIfEnded(): void {
    const { kind } = this.#role;
    if (kind === 'failed' || kind === 'closed')
      throw fault('CONTROL_UNAVAILABLE', { reason: kind });
  }

  #notLeading(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.onRole((role) => {
      if (role.kind !== 'leader') resolve();
    });
    return this.#atMost(ms, promise).finally(stop);
  }

  /** Resolves with `work`, or after `ms`. */
  #atMost(ms: number, work: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.timer(ms, resolve);
    return Promise.race([work, promise]).finally(() => timer.cancel());
  }

  #ask(id: number, wish: Wish): void {
    switch (wish.kind) {
      case 'decide':
        return this.#runner.take({ kind: 'propose', id, data: wish.data });
      case 'read':
        return this.#runner.take({ kind: 'read', id });
      case 'change':
        return this.#runner.take({ kind: 'change', id, change: wish.change });
    }
  }

  /** 4. */
  #tick(): void {
    const { clock } = this.#options;
    const { role, limits } = this.#runner.state;
    const election = 2 * limits.electionTicks;
    const slept = clock.now() - this.#tickedAt > election * this.#tickMs;
    this.#tickedAt = clock.now();
    this.#timer = clock.timer(this.#tickMs, () => this.#tick());
    if (slept && role.kind === 'leader') {
      for (let n = 0; n < election; n++) this.#runner.take({ kind: 'tick' });
    }
    this.#ticks += 1;
    if (this.#beginRefused) this.#begunTerm = 0;
    this.#beginRefused = false;
    this.#runner.take({ kind: 'tick' });
    if (this.#runner.state.leader !== null) this.#waiting.askAgain();
    if (this.#ticks % KEEPER_TICKS === 0) this.#keepVoters();
  }

  #keepVoters(): void {
    const { clock, voters = null } = this.#options;
    const { replaceAfterMs = REPLACE_AFTER_MS, forgetAfterMs = FORGET_AFTER_MS } = this.#options;
    const { role, log, limits } = this.#runner.state;
    if (voters === null || role.kind !== 'leader' || this.#role.kind !== 'leader') return;
    const caughtUp = (id: string): boolean => {
      const progress = role.progress.get(id);
      return progress?.active === true && progress.match + limits.promoteLag >= log.last;
    };
    const view: KeeperView = {
      members: log.members,
      self: this.id,
      nodes: this.#nodes,
      caughtUp,
      voters,
      replaceAfterMs,
      forgetAfterMs,
      now: clock.now(),
    };
    const change = nextChange(view);
    if (change === null) return;
    this.#options.log.info('the members change', { kind: change.kind, voter: change.id });
    // A change that is refused now is wished for again at the next look.
    this.#runner.take({ kind: 'change', id: KEEPER, change });
  }

  /** Takes a message from another voter. @throws Fault WIRE_INVALID for what no voter says */
  #expect(connection: Connection, message: Message): void {
    if (!isRaft(message) || connection.remote.role !== 'node') {
      throw fault('WIRE_INVALID', { problem: `${message.kind} is not expected here` });
    }
    checkMessage(message);
    this.#links.heard(message.from, connection);
    this.#runner.take({ kind: 'message', message });
  }

  #owner(): Owner {
    return {
      apply: (entry) => this.#apply(entry),
      restore: (from) => this.#restore(from),
      snapshot: () => snapshot(this.#state),
      answer: (answer) => this.#answer(answer),
      send: (message) => this.#send(message),
      stepped: () => this.#stepped(),
      failed: (error) => this.#fail(error),
    };
  }

  /** 1. */
  #apply({ index, term, type, data }: Entry): void {
    const done: Done = { index, term, outcome: null };
    if (type !== 'command') {
      this.#waiting.applied(done);
      // The next change may follow: nodes of a new cluster come together.
      if (type === 'members') this.#keepVoters();
      return;
    }
    const command = readCommand(data, this.#options.dir);
    const { state, outcome } = apply(this.#state, command);
    this.#state = state;
    if (command.kind === 'term-begin' && command.term === this.#begunTerm) {
      this.#ledTerm = command.term;
    }
    const applied: Applied = { index: state.index, command, outcome, state };
    for (const listener of [...this.#listeners]) listener(applied);
    this.#waiting.applied({ ...done, outcome });
  }

  #restore({ data, index }: Snapshot): void {
    this.#state = data.length === 0 ? emptyState : restore(data);
    this.#options.log.info('control state restored', { index, entries: this.#state.index });
    for (const listener of [...this.#restoreListeners]) listener(this.#state);
    // The first restore comes while this object is being made, and nobody waits.
    this.#waiting.restored();
  }

  #answer(answer: Answer): void {
    if (answer.id === BEGIN) this.#beginRefused = answer.kind === 'refused';
    else this.#waiting.answered(answer);
  }

  #send(message: RaftMessage): void {
    const member = memberOf(this.members, message.to);
    if (member !== null) this.#links.send(member, message);
    else this.#links.answer(message.to, message);
  }

  /** 2. */
  #stepped(): void {
    const { state } = this.#runner;
    const { term, leader, log } = state;
    if (this.#linkedAt !== log.membersIndex) {
      this.#linkedAt = log.membersIndex;
      this.#links.keepOnly(new Set(log.members.map(({ id }) => id)));
    }
    if (state.role.kind === 'leader') {
      if (this.#begunTerm < term) this.#beginTerm(term);
      if (this.#ledTerm === term) return this.#turn({ kind: 'leader', term });
    }
    const address = leader === null ? null : (memberOf(this.members, leader)?.address ?? null);
    this.#turn({ kind: 'follower', term, leader: leader === this.id ? null : address });
  }

  #beginTerm(term: number): void {
    this.#begunTerm = term;
    const command: Command = { kind: 'term-begin', term, at: this.#options.clock.wall() };
    this.#runner.take({ kind: 'propose', id: BEGIN, data: encodeCbor(command) });
  }

  /** Takes on `role` if it is another one. */
  #turn(role: Role): void {
    const old = this.#role;
    if (old.kind === 'failed' || old.kind === 'closed' || equal(old, role)) return;
    if (role.kind !== old.kind) {
      const { log } = this.#options;
      log.info(`this voter is now ${role.kind}`, { voter: this.id, term: this.newestTerm });
    }
    this.#become(role);
  }

  #become(role: Role): void {
    this.#role = role;
    for (const listener of [...this.#roleListeners]) listener(role);
  }

  /** 5. */
  #fail(error: unknown): void {
    if (this.#role.kind === 'failed' || this.#role.kind === 'closed') return;
    this.#options.log.error('the control log failed', { reason: reasonOf(error) });
    this.#become({ kind: 'failed', reason: error });
    this.#end('the log has failed', error);
  }

  #end(reason: string, cause?: unknown): void {
    this.#runner.end();
    this.#timer?.cancel();
    this.#links.close();
    this.#waiting.failAll(reason, cause);
  }
}

function firstMembers(begin: 'alone' | Members, id: string, address: string): Members {
  if (begin === 'alone') return [{ id, address, votes: true }];
  assert(isVoter(begin, id), 'who begins a group is one of its voters');
  return begin;
}

function equal(a: Role, b: Role): boolean {
  if (a.kind === 'leader') return b.kind === 'leader' && a.term === b.term;
  return (
    a.kind === 'follower' && b.kind === 'follower' && a.term === b.term && a.leader === b.leader
  );
}
