/**
 * This node's part in the cluster's decisions: its voter, and what membership tells it.
 *
 * Invariants
 *   D1  Who leads asks every living node for the id of its voter, which is kept with the voter's log
 *       and so survives restarts, and names it to the voter log; who votes is decided there. A
 *       voter that died before this node led cannot be asked: its address tells that it is gone. One
 *       whose address another living voter has will not come back, and is replaced at once.
 *   D2  Who leads admits nodes that live and removes those that are dead or gone; each is a command,
 *       proposed again while the state says otherwise. One that membership still does not list when
 *       this node has led for `UNHEARD_MS` died when nobody here was there to hear of it: after a
 *       power cut machines do not come back in the same second, and removing one means that all its
 *       files are copied to others.
 *   D3  Membership is only heard: nothing here makes a node dead. What it tells is acted upon at once: a
 *       dead node's tasks and files stand still until it is removed.
 *   D4  A node that leaves properly gives its vote back first: otherwise a cluster that is made smaller
 *       node by node ends with voters that nobody can reach. With nobody to decide it, it leaves
 *       all the same.
 *   D5  How many copies there are of each file is wished for by the node that is told so at its start,
 *       until it is decided.
 */

import { z } from 'zod';
import {
  type Command,
  type ControlLog,
  type ControlState,
  type Outcome,
  type Role,
  VoterLog,
} from '../control/index.ts';
import {
  type Clock,
  fault,
  isFault,
  type Logger,
  type Random,
  reasonOf,
  sleep,
  type Timer,
} from '../core/index.ts';
import type { MemberEvent, MembershipDriver, MemberView } from '../membership/index.ts';
import { nodeDisk, type SyncMode } from '../storage/index.ts';
import { openRpc, type RpcMethods, type Transport, unary } from '../transport/index.ts';
import type { ControlRow } from './cluster-service.ts';
import type { Tenant } from './door.ts';

/** Between two looks at what membership says, by who leads, when it tells nothing. */
const LOOK_MS = 250;
/** What membership tells that is looked at without waiting for that (D3). */
const NEWS: ReadonlySet<MemberEvent['kind']> = new Set(['joined', 'alive', 'left', 'dead']);
/** How long another node may take to tell its voter's id. */
const ASK_MS = 2000;
/** How long a node that was admitted may be missing from the list of a new leader. */
const UNHEARD_MS = 30_000;
/** How long a node that leaves tries to give its vote back. */
const GIVE_BACK_MS = 3000;
/** Between two tries to change who votes. */
const GIVE_BACK_RETRY_MS = 100;

export interface ClusterControlOptions {
  readonly dir: string;
  readonly sync: SyncMode;
  readonly address: string;
  readonly nodeId: string;
  readonly cores: number;
  /** The id of the store of this node's files. */
  readonly store: string;
  /** how many copies of each file the cluster is to have; what has been decided unless given */
  readonly copies?: number;
  /** this node begins a cluster, unless its log says that it belongs to one */
  readonly first: boolean;
  readonly voters: 1 | 3 | 5;
  readonly replaceAfterMs?: number;
  readonly transport: Transport;
  readonly membership: Pick<MembershipDriver, 'members' | 'subscribe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What a node tells others about its voter and its store. */
const introduction = z.strictObject({
  voter: z.string(),
  node: z.string(),
  cores: z.number(),
  store: z.string(),
});
type Introduction = z.infer<typeof introduction>;

/** A voter by its address or, because a new node may have that address, by its id. */
const changeParams = z.strictObject({ remove: z.string() });

export class ClusterControl {
  readonly #options: ClusterControlOptions;
  readonly #voter: VoterLog;
  /** Introductions by node id. */
  readonly #known = new Map<string, Introduction>();
  readonly #asking = new Set<string>();
  readonly #proposing = new Set<string>();
  readonly #over = new AbortController();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  #leadsSince = 0;
  /** The number of copies that is still to be decided. */
  #copies: number | null;

  private constructor(options: ClusterControlOptions, voter: VoterLog) {
    const { nodeId, cores, store, copies = null } = options;
    this.#options = options;
    this.#voter = voter;
    this.#copies = copies;
    this.#known.set(nodeId, { voter: voter.id, node: nodeId, cores, store });
    this.#unsubscribe = options.membership.subscribe(({ kind }) => {
      if (NEWS.has(kind)) this.#act();
    });
  }

  /** @throws CONTROL_LOG_INVALID, LOG_CORRUPT, DISK_FAILED, DISK_FULL */
  static async open(options: ClusterControlOptions): Promise<ClusterControl> {
    const { dir, sync, clock, log, random, transport, address, voters, replaceAfterMs } = options;
    const voter = await VoterLog.open({
      disk: nodeDisk,
      dir,
      sync,
      clock,
      log,
      random,
      transport,
      address,
      begin: options.first ? 'alone' : 'joins',
      voters,
      ...(replaceAfterMs === undefined ? {} : { replaceAfterMs }),
    });
    const control = new ClusterControl(options, voter);
    voter.onRole((role) => control.#roleChanged(role));
    control.#look();
    return control;
  }

  /** `host:port` of this node */
  get address(): string {
    return this.#options.address;
  }

  get term(): number {
    return this.#voter.newestTerm;
  }

  get state(): ControlState {
    return this.#voter.state;
  }

  /** The log of all decisions, as this node knows it. */
  get log(): ControlLog {
    return this.#voter;
  }

  /** What this part of the node answers to others. */
  get tenant(): Tenant {
    return {
      receiver: (connection) => this.#voter.receiver(connection),
      methods: () => this.#methods(),
    };
  }

  #methods(): RpcMethods {
    const { nodeId: node, cores, store } = this.#options;
    const told: Introduction = { voter: this.#voter.id, node, cores, store };
    return {
      'cluster.introduce': unary(z.strictObject({}), async () => told),
      'control.take-vote': unary(changeParams, async ({ remove }) => {
        await this.removeVoter(remove);
        return null;
      }),
    };
  }

  /** Decides `command`, wherever the leader is. @throws CONTROL_UNAVAILABLE */
  propose(command: Command): Promise<Outcome> {
    return this.#voter.propose(command);
  }

  /** Who decides, as far as is known here. */
  row(): ControlRow {
    const { role, members } = this.#voter;
    return {
      role: role.kind,
      term: this.#voter.newestTerm,
      leader: this.#leader(role),
      voters: members.filter(({ votes }) => votes).map(({ address }) => address),
      nodes: [...this.#voter.state.nodes.keys()],
    };
  }

  #leader(role: Role): string | null {
    if (role.kind === 'leader') return this.#options.address;
    return role.kind === 'follower' ? role.leader : null;
  }

  /**
   * Takes the vote from the node at `address` (or with that voter id); another takes its place when
   * there is one.
   * @throws VOTER_UNKNOWN, CONTROL_UNAVAILABLE
   */
  async removeVoter(address: string): Promise<void> {
    const { role, members } = this.#voter;
    const found = members.find(
      (member) => member.votes && (member.address === address || member.id === address),
    );
    if (found === undefined) {
      const voters = members.filter(({ votes }) => votes).map((member) => member.address);
      throw fault('VOTER_UNKNOWN', { address, voters: voters.join(', ') || 'none that are known' });
    }
    if (role.kind === 'leader') return this.#takeVote(found.id);
    const { leader } = this.row();
    if (leader === null) throw fault('CONTROL_UNAVAILABLE', { reason: 'no leader is known' });
    await this.#ask(leader, 'control.take-vote', { remove: address });
  }

  /** Another change may be under way: then again, a little later. */
  async #takeVote(id: string): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + ASK_MS;
    for (;;) {
      try {
        await this.#voter.change({ kind: 'remove', id });
        // It is noted again at the next look, behind all others that could have the vote.
        return this.#voter.forgetNode(id);
      } catch (error) {
        const again = this.#voter.role.kind === 'leader' && clock.now() < until;
        if (!again || !isFault(error, 'CONTROL_UNAVAILABLE')) throw error;
        await sleep(clock, GIVE_BACK_RETRY_MS, this.#over.signal);
      }
    }
  }

  /** Hands leadership on: others are about to hear that this node goes. */
  handOver(): Promise<void> {
    return this.#voter.handOver();
  }

  /** Gives the vote of this node back, if others can decide that (D4). Never rejects. */
  async giveVoteBack(): Promise<void> {
    const { clock, log, nodeId } = this.#options;
    const until = clock.now() + GIVE_BACK_MS;
    while (this.#canGiveBack() && clock.now() < until && !this.#over.signal.aborted) {
      try {
        return await this.removeVoter(this.#voter.id);
      } catch (error) {
        if (isFault(error, 'VOTER_UNKNOWN')) return;
        log.debug('the vote is still here', { node: nodeId, reason: reasonOf(error) });
      }
      await sleep(clock, GIVE_BACK_RETRY_MS, this.#over.signal);
    }
  }

  /** Votes, beside others, and is not itself the one to decide. */
  #canGiveBack(): boolean {
    const { role, members, id } = this.#voter;
    const voters = members.filter(({ votes }) => votes);
    return role.kind === 'follower' && voters.length > 1 && voters.some((each) => each.id === id);
  }

  async close(): Promise<void> {
    this.#over.abort();
    this.#unsubscribe();
    this.#timer?.cancel();
    await this.#voter.close();
  }

  #roleChanged(role: Role): void {
    const { log } = this.#options;
    if (role.kind === 'leader') {
      this.#leadsSince = this.#options.clock.now();
      log.info(`this node leads now, in term ${role.term}`);
      this.#act();
    }
    if (role.kind === 'failed') log.error(`the control log failed: ${reasonOf(role.reason)}`);
    else if (role.kind === 'follower') {
      const { leader } = this.row();
      if (leader !== null) log.info(`${leader} leads in term ${role.term}`);
    }
  }

  #look(): void {
    this.#timer = this.#options.clock.timer(LOOK_MS, () => this.#look());
    this.#act();
  }

  /** Does what is missing; asked again a few times a second, so nothing here is remembered. */
  #act(): void {
    if (this.#copies !== null) this.#wishCopies(this.#copies);
    if (this.#voter.role.kind !== 'leader') return;
    const members = this.#options.membership.members();
    for (const member of members) this.#introduce(member);
    this.#noteVoters(members);
    this.#admit(members);
  }

  /** D1. */
  #introduce(member: MemberView): void {
    if (!isLiving(member) || this.#known.has(member.id) || this.#asking.has(member.id)) return;
    this.#asking.add(member.id);
    this.#ask(member.address, 'cluster.introduce', {})
      .then((answer) => {
        const told = introduction.parse(answer);
        if (told.node !== member.id) return;
        this.#known.set(member.id, told);
        this.#act();
      })
      .catch((error: unknown) => {
        const reason = reasonOf(error);
        this.#options.log.debug('a node did not introduce itself', { node: member.id, reason });
      })
      .finally(() => this.#asking.delete(member.id));
  }

  /** D1. A voter lives when any node with its id does: a restarted node leaves a dead one behind. */
  #noteVoters(members: readonly MemberView[]): void {
    const notes = new Map<string, { id: string; address: string; alive: boolean }>();
    for (const member of members) {
      const id = this.#known.get(member.id)?.voter;
      if (id === undefined || notes.get(id)?.alive === true) continue;
      notes.set(id, { id, address: member.address, alive: isLiving(member) });
    }
    for (const { id, address } of this.#voter.members) {
      const mayBe = members.some(
        (member) => member.address === address && isLiving(member) && !this.#known.has(member.id),
      );
      if (!notes.has(id) && !mayBe) notes.set(id, { id, address, alive: false });
    }
    const homes = new Map([...notes.values()].filter(({ alive }) => alive).map(homeOf));
    for (const note of notes.values()) {
      this.#voter.noteNode({ ...note, superseded: !note.alive && homes.has(note.address) });
    }
  }

  /** D2. */
  #admit(members: readonly MemberView[]): void {
    const { nodes } = this.#voter.state;
    for (const member of members) {
      const { id, address } = member;
      const living = isLiving(member);
      const known = this.#known.get(id);
      const admitted = nodes.get(id);
      if (living && known !== undefined && admitted?.store !== known.store) {
        const { cores, store } = known;
        this.#decide(id, { kind: 'node-admit', node: id, address, cores, store });
      } else if (!living && admitted !== undefined) {
        this.#decide(id, { kind: 'node-remove', node: id });
      }
    }
    if (this.#options.clock.now() - this.#leadsSince < UNHEARD_MS) return;
    const listed = new Set(members.map(({ id }) => id));
    for (const id of nodes.keys()) {
      if (!listed.has(id)) this.#decide(id, { kind: 'node-remove', node: id });
    }
  }

  /** D5. */
  #wishCopies(copies: number): void {
    if (this.#voter.state.index === 0) return; // nothing is known here yet
    if (this.#voter.state.hydfs.copies === copies) this.#copies = null;
    else this.#decide('copies', { kind: 'hydfs-copies', copies });
  }

  #decide(about: string, command: NodeCommand): void {
    if (this.#proposing.has(about)) return;
    this.#proposing.add(about);
    const { clock, log } = this.#options;
    const { term } = this.#voter;
    this.#voter
      .propose({ ...command, term, at: clock.wall() })
      .then((outcome) => {
        if (outcome.ok) log.info(`decided: ${command.kind} ${about}`, { term });
      })
      .catch((error: unknown) => log.debug('a decision waits', { reason: reasonOf(error) }))
      .finally(() => this.#proposing.delete(about));
  }

  async #ask(address: string, method: string, params: unknown): Promise<unknown> {
    const late = new AbortController();
    const timer = this.#options.clock.timer(ASK_MS, () => late.abort());
    const signal = AbortSignal.any([this.#over.signal, late.signal]);
    try {
      const connection = await this.#options.transport.connect(address, signal);
      try {
        return await openRpc(connection).call(method, params, signal);
      } finally {
        connection.close();
      }
    } finally {
      timer.cancel();
    }
  }
}

function homeOf({ id, address }: { readonly id: string; readonly address: string }) {
  return [address, id] as const;
}

function isLiving({ status }: MemberView): boolean {
  return status === 'alive' || status === 'suspect';
}

type NodeCommand =
  | { kind: 'node-admit'; node: string; address: string; cores: number; store: string }
  | { kind: 'node-remove'; node: string }
  | { kind: 'hydfs-copies'; copies: number };
