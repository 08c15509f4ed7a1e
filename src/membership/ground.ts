/**
 * What the parts of the core share: the time of the step, the table, the news, what is due, and the
 * one way to send.
 */
import type { Random } from '../core/index.ts';
import { Agenda, type Duty } from './agenda.ts';
import { type Claim, keyOf } from './claim.ts';
import { claimBytes, emptyPacketBytes, loadBytes } from './codec.ts';
import type { MembershipConfig } from './config.ts';
import type { Effect, MemberEvent } from './effects.ts';
import { LocalHealth } from './health.ts';
import { LOADS_MAX, PACKET_BYTES_MAX } from './limits.ts';
import type { LoadClaim } from './load.ts';
import type { Member } from './member.ts';
import type { Mode } from './mode.ts';
import { NewsQueue } from './news-queue.ts';
import type { Body, Sender } from './packet.ts';
import type { ProbeOrder } from './probe-order.ts';
import type { Rules } from './rules.ts';
import { MemberTable } from './table.ts';

export interface GroundOptions {
  readonly address: string;
  readonly boot: string;
  readonly incarnation: number;
  readonly mode: Mode;
  readonly config: MembershipConfig;
  readonly rules: Rules;
  readonly random: Random;
  readonly now: number;
}

const NO_LOADS: readonly LoadClaim[] = [];

export class Ground {
  readonly config: MembershipConfig;
  readonly rules: Rules;
  readonly random: Random;
  readonly key: number;
  readonly table = new MemberTable();
  readonly news = new NewsQueue();
  readonly agenda = new Agenda();
  readonly health: LocalHealth;
  readonly order: ProbeOrder;
  now: number;
  mode: Mode;
  self: Sender;
  load: LoadClaim | null = null;
  #effects: Effect[] = [];
  #loadTurn = 0;

  constructor(options: GroundOptions) {
    const { address, boot, incarnation, config, rules } = options;
    this.config = config;
    this.rules = rules;
    this.random = options.random;
    this.now = options.now;
    this.mode = options.mode;
    this.self = { address, boot, incarnation };
    this.key = keyOf(boot);
    this.health = new LocalHealth(config.lifeguard.health ? config.healthMax : 0);
    this.order = rules.probeOrder(config.probeOrder);
  }

  /** Nodes of the cluster, this one counted. */
  get count(): number {
    return this.table.live.length + 1;
  }

  in(delayMs: number, duty: Duty): ReturnType<Agenda['add']> {
    return this.agenda.add(this.now + delayMs, duty);
  }

  event(event: MemberEvent): void {
    this.#effects.push({ kind: 'event', event });
  }

  /** What has to be done since the last call, in order. */
  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Sends `body` to a member, or to an address; with it go news and load figures that fit. */
  send(to: Member | string, body: Body): void {
    const member = typeof to === 'string' ? this.table.at(to) : to;
    const address = typeof to === 'string' ? to : to.address;
    let room = PACKET_BYTES_MAX - emptyPacketBytes(this.self.address, body);
    const loads = this.#loads();
    for (const load of loads) room -= loadBytes(load);
    const limit = this.rules.retransmissions(this.count, this.config.retransmitFactor);
    const news = this.news.take(room, limit, this.#accusation(member));
    this.#effects.push({
      kind: 'send',
      to: address,
      packet: { from: this.self, mode: this.mode, body, news, loads },
    });
  }

  /** Sends exactly `claims` with `body`. */
  sendClaims(to: string, body: Body, claims: readonly Claim[]): void {
    const packet = { from: this.self, mode: this.mode, body, news: claims, loads: NO_LOADS };
    this.#effects.push({ kind: 'send', to, packet });
  }

  /** Bytes that claims may take in a packet with `body`. */
  room(body: Body): number {
    return PACKET_BYTES_MAX - emptyPacketBytes(this.self.address, body) - claimBytes(this.claim());
  }

  /** What this node says of itself. */
  claim(status: Claim['status'] = 'alive'): Claim {
    return { ...this.self, status, by: 0 };
  }

  /** What is held against `member`: it hears of it first (Lifeguard, buddy system). */
  #accusation(member: Member | undefined): Claim | null {
    if (member === undefined || member.standing.kind === 'alive') return null;
    return this.config.lifeguard.buddy ? member.claim() : null;
  }

  /** This node's figures and those of a few others in turn. */
  #loads(): readonly LoadClaim[] {
    if (this.load === null) return NO_LOADS;
    const loads = [this.load];
    const { live } = this.table;
    for (let looked = 0; looked < LOADS_MAX && looked < live.length; looked++) {
      this.#loadTurn = (this.#loadTurn + 1) % live.length;
      const { load } = live[this.#loadTurn];
      if (load !== null && loads.length < LOADS_MAX) loads.push(load);
    }
    return loads;
  }
}
