/**
 * Membership as a pure core: time and packets go in, packets and events come out. It does no IO,
 * reads no clock and draws all randomness from the `Random` it was given, so the same inputs give the
 * same outputs, under a simulator as in a node.
 *
 * Invariants
 *   M1  Every step takes the time and returns what is to be done, in order. Between two steps nothing
 *       changes; the next step without a packet is due at `dueAt`.
 *   M2  A packet proves that its sender lived in its incarnation, whatever else it says.
 *   M3  Whoever is taken for dead and still sends is told so, and objects.
 *   M4  The highest mode wins (mode.ts). Detectors are exchanged on the spot; suspicions that stand
 *       end as they would have.
 *   M5  A step that comes later than `stallMs` after its time says that this node was stopped. Then
 *       all deadlines move on by as long, because what others sent in the meantime waits unread.
 */
import type { Random } from '../core/index.ts';
import type { Appointment, Duty } from './agenda.ts';
import { BeatDetector } from './beat-detector.ts';
import { type Claim, nodeIdOf, type Status } from './claim.ts';
import { checkConfig, defaultConfig, type MembershipConfig } from './config.ts';
import type { Effect } from './effects.ts';
import { Exchange } from './exchange.ts';
import { Ground } from './ground.ts';
import { Ledger } from './ledger.ts';
import { type LoadClaim, type LoadFigures, packLoad, unpackLoad } from './load.ts';
import type { Member } from './member.ts';
import { defaultMode, isHigher, type Mode, type Protocol } from './mode.ts';
import type { Packet } from './packet.ts';
import { ProbeDetector } from './probe-detector.ts';
import { type Rules, standardRules } from './rules.ts';

export interface CoreOptions {
  readonly address: string;
  readonly boot: string;
  /** above any that an earlier start at this address had: the wall clock in milliseconds */
  readonly incarnation: number;
  readonly mode?: Mode;
  readonly config?: MembershipConfig;
  readonly rules?: Rules;
  readonly random: Random;
  readonly now: number;
}

/** A node as listings show it. */
export interface MemberView {
  /** "host:port#boot id" */
  readonly id: string;
  readonly address: string;
  readonly boot: string;
  readonly incarnation: number;
  readonly status: Status;
  readonly isSelf: boolean;
  readonly load: LoadFigures | null;
}

type Phase =
  | { kind: 'new' }
  | { kind: 'running' }
  | { kind: 'leaving'; rounds: number }
  | { kind: 'left' };

const LEAVE_ROUNDS = 3;
const LEAVE_ROUND_MS = 100;
/** Members that hear of a leave or a switch first hand, in each round. */
const DIRECT_NEWS = 4;

export class MembershipCore {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  readonly #probes: ProbeDetector;
  readonly #beats: BeatDetector;
  readonly #exchange: Exchange;
  #phase: Phase = { kind: 'new' };

  constructor(options: CoreOptions) {
    const { mode = defaultMode, config = defaultConfig, rules = standardRules } = options;
    checkConfig(config);
    this.#ground = new Ground({ ...options, mode, config, rules });
    this.#ledger = new Ledger(this.#ground);
    this.#probes = new ProbeDetector(this.#ground, this.#ledger);
    this.#beats = new BeatDetector(this.#ground, this.#ledger);
    this.#exchange = new Exchange(this.#ground);
  }

  /** When the next `tick` is due; Infinity when never. */
  get dueAt(): number {
    return this.#ground.agenda.dueAt;
  }

  get mode(): Mode {
    return this.#ground.mode;
  }

  /** The score of local health; 0 is healthy. */
  get health(): number {
    return this.#ground.health.score;
  }

  get isJoining(): boolean {
    return this.#exchange.isJoining;
  }

  get self(): MemberView {
    const { self, load } = this.#ground;
    return view({ ...self, status: this.#phase.kind === 'left' ? 'left' : 'alive' }, true, load);
  }

  /** Claims that are still passed on. */
  get newsWaiting(): number {
    return this.#ground.news.size;
  }

  /** This node and all others, those that are gone included while they are remembered. */
  members(): MemberView[] {
    const others = [...this.#ground.table.all()];
    return [this.self, ...others.map((member) => view(member, false, member.load))];
  }

  /** What this node holds of the one at `address`, or null when it knows none. */
  statusOf(address: string): Status | null {
    if (address === this.#ground.self.address) return this.self.status;
    return this.#ground.table.at(address)?.status ?? null;
  }

  /** Members that are alive or suspected, this one counted. */
  get liveCount(): number {
    return this.#ground.count;
  }

  /** Begins, and joins whoever answers at `seeds`. */
  start(now: number, seeds: readonly string[]): readonly Effect[] {
    this.#ground.now = now;
    this.#phase = { kind: 'running' };
    this.#exchange.start(seeds);
    this.#detector().start();
    return this.#ground.takeEffects();
  }

  /** Does what is due. */
  tick(now: number): readonly Effect[] {
    this.#enter(now);
    const { agenda } = this.#ground;
    for (let due = agenda.take(now); due !== null; due = agenda.take(now)) this.#perform(due);
    return this.#ground.takeEffects();
  }

  receive(now: number, packet: Packet): readonly Effect[] {
    this.#enter(now);
    if (this.#phase.kind === 'running' && packet.from.boot !== this.#ground.self.boot)
      this.#take(packet);
    return this.#ground.takeEffects();
  }

  /** Changes the failure detector of the whole cluster. */
  switchMode(now: number, protocol: Protocol, suspicion: boolean): readonly Effect[] {
    this.#enter(now);
    const { mode } = this.#ground;
    if (mode.protocol !== protocol || mode.suspicion !== suspicion) {
      this.#adopt({ version: mode.version + 1, protocol, suspicion });
      this.#tellSome((member) => this.#ground.send(member, { kind: 'news' }));
    }
    return this.#ground.takeEffects();
  }

  /** Tells the others that this node goes; `departed` says that it may. */
  leave(now: number): readonly Effect[] {
    this.#enter(now);
    if (this.#phase.kind === 'running') {
      this.#ledger.leaving = true;
      this.#ground.agenda.clear();
      this.#phase = { kind: 'leaving', rounds: 0 };
      this.#sayGoodbye();
    }
    return this.#ground.takeEffects();
  }

  /** Gives this node's own figures to travel with what it sends. */
  setLoad(figures: LoadFigures): void {
    const ground = this.#ground;
    const version = ((ground.load?.version ?? 0) + 1) >>> 0;
    ground.load = { key: ground.key, version, figures: packLoad(figures) };
  }

  #enter(now: number): void {
    const ground = this.#ground;
    const lateMs = now - ground.agenda.dueAt;
    ground.now = now;
    if (lateMs <= ground.config.stallMs || this.#phase.kind !== 'running') return;
    ground.agenda.postpone(lateMs + ground.config.stallMs);
    for (const member of ground.table.live) member.postpone(lateMs);
    ground.health.change(1);
    ground.event({ kind: 'stalled', lateMs });
  }

  #perform({ duty }: Appointment): void {
    switch (duty.kind) {
      case 'probe-period':
        return this.#probes.period();
      case 'probe-indirect':
        return this.#probes.indirect(duty.probe);
      case 'probe-fail':
        return this.#probes.fail(duty.probe);
      case 'relay-nack':
        return this.#probes.sendNack(duty.relay);
      case 'relay-end':
        return this.#probes.endRelay(duty.relay);
      case 'suspicion-end':
        return this.#endSuspicion(duty.member);
      default:
        return this.#performSlow(duty);
    }
  }

  #performSlow(duty: Duty): void {
    switch (duty.kind) {
      case 'beat-period':
        return this.#beats.period();
      case 'sync':
        return this.#exchange.sync();
      case 'join':
        return this.#exchange.join();
      case 'forget':
        return this.#ledger.forget(duty.member);
      case 'leave':
        return this.#sayGoodbye();
    }
  }

  #take(packet: Packet): void {
    const { from, mode, body, news, loads } = packet;
    const ground = this.#ground;
    const joins = this.#exchange.isJoining;
    const brings = joins && body.kind === 'state' && mode.version === ground.mode.version;
    if (brings || isHigher(mode, ground.mode)) this.#adopt(mode);
    this.#ledger.hear({ ...from, status: 'alive', by: 0 });
    // What a table says is news to nobody but a node that has just come.
    const quietly = joins && body.kind === 'state';
    for (const claim of news) this.#ledger.hear(claim, quietly);
    for (const load of loads) this.#hearLoad(load);
    this.#answer(packet);
    const sender = ground.table.at(from.address);
    const unaware = sender?.standing.kind === 'dead' && sender.boot === from.boot;
    if (unaware && body.kind !== 'ping' && ground.config.lifeguard.buddy)
      ground.send(sender, { kind: 'news' });
  }

  #answer(packet: Packet): void {
    const { body, from } = packet;
    switch (body.kind) {
      case 'ping':
        return this.#probes.onPing(body, from);
      case 'ping-request':
        return this.#probes.onPingRequest(body, from);
      case 'ack':
        return this.#probes.onAck(body);
      case 'nack':
        return this.#probes.onNack(body);
      case 'beat':
        if (this.#beats.onBeat(body)) this.#exchange.syncWith(from);
        return;
      case 'sync':
        return this.#exchange.onSync(body, from);
      case 'state':
        return this.#exchange.onState(body, packet);
      case 'news':
        return;
    }
  }

  #adopt(mode: Mode): void {
    const ground = this.#ground;
    const { protocol } = ground.mode;
    if (protocol === mode.protocol && ground.mode.suspicion === mode.suspicion) {
      ground.mode = mode;
      return;
    }
    this.#detector().stop();
    ground.mode = mode;
    this.#detector().start();
    ground.event({ kind: 'mode', mode });
  }

  #detector(): ProbeDetector | BeatDetector {
    return this.#ground.mode.protocol === 'ping' ? this.#probes : this.#beats;
  }

  #endSuspicion(member: Member): void {
    const { mode, config } = this.#ground;
    if (mode.protocol === 'gossip' && this.#beats.hasObjected(member)) {
      const { standing, heardAt } = member;
      if (standing.kind === 'suspect') standing.since = heardAt;
      return this.#ledger.prolong(member, config.beatSuspectPeriods * config.beatIntervalMs);
    }
    this.#ledger.suspicionOver(member);
  }

  #hearLoad(load: LoadClaim): void {
    const member = this.#ground.table.withKey(load.key);
    if (member !== undefined && load.version > (member.load?.version ?? 0)) member.load = load;
  }

  #sayGoodbye(): void {
    if (this.#phase.kind !== 'leaving') return;
    const ground = this.#ground;
    if (this.#phase.rounds === LEAVE_ROUNDS || ground.table.live.length === 0) {
      this.#phase = { kind: 'left' };
      ground.event({ kind: 'departed' });
      return;
    }
    const claims: Claim[] = [ground.claim('left')];
    this.#tellSome(({ address }) => ground.sendClaims(address, { kind: 'news' }, claims));
    this.#phase = { kind: 'leaving', rounds: this.#phase.rounds + 1 };
    ground.in(LEAVE_ROUND_MS, { kind: 'leave' });
  }

  #tellSome(tell: (member: Member) => void): void {
    const { table, random } = this.#ground;
    for (const member of table.pick(random, DIRECT_NEWS)) tell(member);
  }
}

function view(
  node: Pick<Claim, 'address' | 'boot' | 'incarnation' | 'status'>,
  isSelf: boolean,
  load: LoadClaim | null,
): MemberView {
  const { address, boot, incarnation, status } = node;
  const figures = load === null ? null : unpackLoad(load.figures);
  return { id: nodeIdOf(node), address, boot, incarnation, status, isSelf, load: figures };
}
