/**
 * The `ping` protocol: SWIM (Das, Gupta, Motivala, DSN 2002) with the probes of Lifeguard.
 *
 * Invariants
 *   D1  One probe per period, of a member of `Rules.probeOrder`. It has a number that nobody else's
 *       ack carries, and ends once: with an ack, or with its time.
 *   D2  After the timeout, k others are asked to probe. Each answers with the ack it got, or with a
 *       nack shortly before it would be too late.
 *   D3  A probe without an answer accuses. It also says something about this node: each nack that is
 *       missing lowers its health, and when nobody could be asked, so does the failure itself.
 *   D4  Health stretches the period, the timeout and the time after which a probe has failed.
 */
import { unit } from '../core/index.ts';
import type { Appointment } from './agenda.ts';
import type { Ground } from './ground.ts';
import type { Ledger } from './ledger.ts';
import type { Member } from './member.ts';
import type { Ack, Nack, Ping, PingRequest } from './messages/index.ts';
import type { Sender } from './packet.ts';

export interface Probe {
  readonly seq: number;
  readonly member: Member;
  readonly factor: number;
  asked: number;
  nacks: number;
  next: Appointment | null;
}

/** A probe on behalf of another member. */
export interface Relay {
  readonly seq: number;
  readonly origin: string;
  readonly originSeq: number;
  nack: Appointment | null;
}

/** The share of the time that is left in which a nack is sent. */
const NACK_SHARE = 0.8;
/** Probes on behalf of others at a time. */
const RELAYS_MAX = 1024;

export class ProbeDetector {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #probes = new Map<number, Probe>();
  readonly #relays = new Map<number, Relay>();
  #seq: number;
  #period: Appointment | null = null;

  constructor(ground: Ground, ledger: Ledger) {
    this.#ground = ground;
    this.#ledger = ledger;
    this.#seq = ground.random.u32();
  }

  /** Begins somewhere in a period, for the cluster's probes to be spread over it. */
  start(): void {
    const delay = unit(this.#ground.random) * this.#ground.config.probeIntervalMs;
    this.#period = this.#ground.in(delay, { kind: 'probe-period' });
  }

  stop(): void {
    if (this.#period !== null) this.#period.cancelled = true;
    for (const { next } of this.#probes.values()) if (next !== null) next.cancelled = true;
    this.#probes.clear();
  }

  period(): void {
    const { config, health, table, random, order } = this.#ground;
    const factor = health.factor;
    this.#period = this.#ground.in(config.probeIntervalMs * factor, { kind: 'probe-period' });
    const member = order.next(table.live, random);
    if (member === null) return;
    const probe: Probe = { seq: this.#nextSeq(), member, factor, asked: 0, nacks: 0, next: null };
    this.#probes.set(probe.seq, probe);
    this.#ground.send(member, { kind: 'ping', seq: probe.seq, target: member.key });
    const duty = { kind: 'probe-indirect', probe } as const;
    probe.next = this.#ground.in(config.probeTimeoutMs * factor, duty);
  }

  /** The target did not answer in time: asks others (D2). */
  indirect(probe: Probe): void {
    const { config, table, random, now } = this.#ground;
    const { member, seq, factor } = probe;
    const helpers = table.pick(random, config.indirectProbes, member);
    probe.asked = helpers.length;
    const nack = config.lifeguard.health;
    for (const helper of helpers) {
      const { address, key } = member;
      this.#ground.send(helper, { kind: 'ping-request', seq, address, target: key, nack });
    }
    const rest = (config.probeFailMs - config.probeTimeoutMs) * factor;
    probe.next = this.#ground.agenda.add(now + rest, { kind: 'probe-fail', probe });
  }

  fail(probe: Probe): void {
    this.#probes.delete(probe.seq);
    // Lifeguard counts nacks that are due, not the failure of one that all agree on (D3).
    this.#ground.health.change(probe.asked === 0 ? 1 : probe.asked - probe.nacks);
    this.#ledger.accuse(probe.member);
  }

  onPing({ seq, target }: Ping, from: Sender): void {
    // To a ping for a predecessor at this address the sender's claim is answer enough.
    const body = target === this.#ground.key ? ({ kind: 'ack', seq } as const) : null;
    this.#ground.send(from.address, body ?? { kind: 'news' });
  }

  onPingRequest(request: PingRequest, from: Sender): void {
    if (this.#relays.size >= RELAYS_MAX) return;
    const { config } = this.#ground;
    const seq = this.#nextSeq();
    const relay: Relay = { seq, origin: from.address, originSeq: request.seq, nack: null };
    this.#relays.set(seq, relay);
    this.#ground.send(request.address, { kind: 'ping', seq, target: request.target });
    const rest = config.probeFailMs - config.probeTimeoutMs;
    if (request.nack)
      relay.nack = this.#ground.in(rest * NACK_SHARE, { kind: 'relay-nack', relay });
    this.#ground.in(config.probeFailMs * (config.healthMax + 1), { kind: 'relay-end', relay });
  }

  onAck({ seq }: Ack): void {
    const relay = this.#relays.get(seq);
    if (relay !== undefined) return this.#handOn(relay);
    const probe = this.#probes.get(seq);
    if (probe === undefined) return;
    this.#probes.delete(seq);
    if (probe.next !== null) probe.next.cancelled = true;
    this.#ground.health.change(-1);
  }

  onNack({ seq }: Nack): void {
    const probe = this.#probes.get(seq);
    if (probe !== undefined) probe.nacks = Math.min(probe.asked, probe.nacks + 1);
  }

  sendNack(relay: Relay): void {
    relay.nack = null;
    if (this.#relays.has(relay.seq))
      this.#ground.send(relay.origin, { kind: 'nack', seq: relay.originSeq });
  }

  endRelay(relay: Relay): void {
    this.#relays.delete(relay.seq);
  }

  #handOn(relay: Relay): void {
    this.#relays.delete(relay.seq);
    if (relay.nack !== null) relay.nack.cancelled = true;
    this.#ground.send(relay.origin, { kind: 'ack', seq: relay.originSeq });
  }

  #nextSeq(): number {
    this.#seq = (this.#seq + 1) >>> 0;
    return this.#seq;
  }
}
