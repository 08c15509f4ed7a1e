/**
 * Membership on a real network: runs the effects of the core and wakes it in time.
 *
 * Invariants
 *   V1  Effects are performed in their order, and events are logged before listeners hear of them.
 *   V2  There is one timer, for the core's `dueAt`. When it fires late, the socket is read first:
 *       an answer that is already here must not be missed because we were slow.
 *   V3  A datagram that does not open, is not fresh, cannot be read, or speaks for another boot id
 *       than the one that sealed it, is counted and dropped. Nothing is answered to it.
 */
import {
  type Clock,
  fault,
  type Logger,
  type Random,
  randomId,
  type Timer,
  unit,
} from '../core/index.ts';
import { type ClusterKeys, isLoopback, parseAddress } from '../transport/index.ts';
import { decodePacket, encodePacket } from './codec.ts';
import type { MembershipConfig } from './config.ts';
import { MembershipCore, type MemberView } from './core.ts';
import type { Datagrams } from './datagrams.ts';
import type { Effect, MemberEvent } from './effects.ts';
import { SEEDS_MAX } from './limits.ts';
import type { LoadFigures } from './load.ts';
import type { Mode, Protocol } from './mode.ts';
import type { Packet } from './packet.ts';
import { ReplayGuard } from './replay-guard.ts';
import { report } from './reports.ts';
import { Keyring, openPacket, type Refusal, type Stamp, sealPacket } from './seal.ts';

export interface DriverOptions {
  readonly datagrams: Datagrams;
  /** "host:port" that others reach this node at; the bound one unless given */
  readonly advertise?: string;
  /** addresses of nodes to join; none for the first node of a cluster */
  readonly seeds: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** null leaves packets plain */
  readonly keys?: ClusterKeys | null;
  /** the boot id of this start; made here unless given */
  readonly boot?: string;
  /** what the node begins with; the cluster's mode replaces it */
  readonly mode?: Mode;
  readonly config?: MembershipConfig;
  /** for experiments: the share of datagrams that is thrown away on arrival */
  readonly dropRate?: number;
}

export type MembershipListener = (event: MemberEvent) => void;
export type DropReason = Refusal | 'replayed' | 'stale' | 'malformed' | 'foreign' | 'drop-rate';

/** Counters since the start. */
export interface MembershipStats {
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
}

/** A timer that fires later than this found the event loop busy (V2). */
const LATE_MS = 5;
/** Between two lines about datagrams that are refused for the same reason. */
const COMPLAINT_MS = 60_000;

type Counters = { -readonly [K in keyof Omit<MembershipStats, 'dropped'>]: number };

export class MembershipDriver {
  readonly #datagrams: Datagrams;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #keyring: Keyring | null;
  readonly #core: MembershipCore;
  readonly #replays = new ReplayGuard();
  readonly #listeners = new Set<MembershipListener>();
  readonly #complaints = new Map<string, number>();
  readonly #joined = Promise.withResolvers<void>();
  readonly #departed = Promise.withResolvers<void>();
  readonly #counters: Counters = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
  };
  readonly #dropped: Record<DropReason, number> = {
    format: 0,
    plain: 0,
    'unknown-key': 0,
    forged: 0,
    replayed: 0,
    stale: 0,
    malformed: 0,
    foreign: 0,
    'drop-rate': 0,
  };
  #sealed = 0;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #closed: Promise<void> | null = null;
  /** the share of datagrams that is thrown away on arrival */
  dropRate: number;

  private constructor(options: DriverOptions) {
    const { datagrams, clock, random, log, keys = null, boot = randomId(random) } = options;
    this.#datagrams = datagrams;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#keyring = keys === null ? null : new Keyring(keys);
    this.dropRate = options.dropRate ?? 0;
    this.#core = new MembershipCore({
      address: advertised(options),
      boot,
      incarnation: Math.floor(clock.wall()),
      random,
      now: clock.now(),
      ...(options.mode === undefined ? {} : { mode: options.mode }),
      ...(options.config === undefined ? {} : { config: options.config }),
    });
  }

  /**
   * Begins to listen and to join. It takes the datagrams over and closes them at the end.
   * @throws fault ADDRESS_INVALID, KEY_REQUIRED
   */
  static start(options: DriverOptions): MembershipDriver {
    for (const seed of options.seeds) parseAddress(seed);
    const driver = new MembershipDriver(options);
    driver.#begin(options.seeds.slice(0, SEEDS_MAX));
    return driver;
  }

  get self(): MemberView {
    return this.#core.self;
  }

  /** Resolves once a seed has answered; at once when there is none, never after `close`. */
  get joined(): Promise<void> {
    return this.#joined.promise;
  }

  /** The failure detector that the cluster runs, as far as this node knows. */
  protocol(): Mode {
    return this.#core.mode;
  }

  /** This node and all others, those that died or left a short while ago included. */
  members(): MemberView[] {
    return this.#core.members();
  }

  suspects(): MemberView[] {
    return this.members().filter(({ status }) => status === 'suspect');
  }

  stats(): MembershipStats {
    return { ...this.#counters, dropped: { ...this.#dropped } };
  }

  /** Calls `listener` with each event from now on. @returns ends that */
  subscribe(listener: MembershipListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Changes the failure detector of the whole cluster. */
  switchMode(protocol: Protocol, suspicion: boolean): void {
    this.#perform(this.#core.switchMode(this.#clock.now(), protocol, suspicion));
  }

  /** The figures of this node, to be shown wherever members are listed. */
  setLoad(figures: LoadFigures): void {
    this.#core.setLoad(figures);
  }

  /** Tells the others, then closes. */
  async leave(): Promise<void> {
    if (this.#closed === null) {
      this.#perform(this.#core.leave(this.#clock.now()));
      await this.#departed.promise;
    }
    await this.close();
  }

  /** Stops at once; the others find out by themselves. */
  close(): Promise<void> {
    this.#closed ??= this.#datagrams.close();
    this.#timer?.timer.cancel();
    this.#timer = null;
    this.#departed.resolve();
    this.#listeners.clear();
    return this.#closed;
  }

  #begin(seeds: readonly string[]): void {
    this.#datagrams.receive((from, bytes) => this.#receive(from, bytes));
    this.#perform(this.#core.start(this.#clock.now(), seeds));
    if (!this.#core.isJoining) this.#joined.resolve();
  }

  #receive(from: string, datagram: Uint8Array): void {
    if (this.#closed !== null) return;
    this.#counters.packetsReceived += 1;
    this.#counters.bytesReceived += datagram.length;
    if (this.dropRate > 0 && unit(this.#random) < this.dropRate) {
      this.#drop('drop-rate');
      return;
    }
    const packet = this.#read(from, datagram);
    if (packet !== null) this.#perform(this.#core.receive(this.#clock.now(), packet));
  }

  /** What a datagram says, or null once it is counted and dropped (V3). */
  #read(from: string, datagram: Uint8Array): Packet | null {
    const opened = openPacket(this.#keyring, datagram);
    if (opened.kind === 'refused') return this.#refuse(from, opened.why);
    const { bytes, stamp } = opened;
    if (stamp !== null) {
      const freshness = this.#replays.check(stamp, this.#wallSeconds());
      if (freshness === 'stale') this.#complainOfClock(from, stamp);
      if (freshness !== 'fresh') return this.#drop(freshness);
    }
    const packet = decodePacket(bytes);
    if (packet === null) return this.#drop('malformed');
    if (stamp !== null && stamp.boot !== packet.from.boot) return this.#drop('foreign');
    return packet;
  }

  #refuse(from: string, why: Refusal): null {
    if (why === 'unknown-key' || why === 'plain')
      this.#complain(why, fault('DATAGRAM_KEY_UNKNOWN', { address: from }).message);
    return this.#drop(why);
  }

  #drop(reason: DropReason): null {
    this.#dropped[reason] += 1;
    return null;
  }

  #complainOfClock(address: string, { sentAt }: Stamp): void {
    const seconds = Math.abs(this.#wallSeconds() - sentAt);
    this.#complain('clock', fault('CLOCK_DIFFERS', { address, seconds }).message);
  }

  /** Strangers can make us complain, but not often. */
  #complain(about: string, message: string): void {
    const now = this.#clock.now();
    const last = this.#complaints.get(about) ?? Number.NEGATIVE_INFINITY;
    if (now - last < COMPLAINT_MS) return;
    this.#complaints.set(about, now);
    this.#log.warn(message);
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.#send(effect.to, effect.packet);
      else this.#tell(effect.event);
    }
    this.#arm();
  }

  #send(to: string, packet: Packet): void {
    const stamp = {
      boot: packet.from.boot,
      counter: this.#sealed,
      sentAt: this.#wallSeconds(),
    };
    this.#sealed += 1;
    const datagram = sealPacket(this.#keyring, stamp, encodePacket(packet));
    this.#counters.packetsSent += 1;
    this.#counters.bytesSent += datagram.length;
    this.#datagrams.send(to, datagram);
  }

  #tell(event: MemberEvent): void {
    report(this.#log, event);
    if (event.kind === 'connected') this.#joined.resolve();
    if (event.kind === 'departed') this.#departed.resolve();
    for (const listener of [...this.#listeners]) listener(event);
  }

  #arm(): void {
    if (this.#closed !== null) return;
    const at = this.#core.dueAt;
    if (at === Number.POSITIVE_INFINITY || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.timer.cancel();
    const delay = Math.max(0, at - this.#clock.now());
    this.#timer = { at, timer: this.#clock.timer(delay, () => this.#wake(at)) };
  }

  #wake(at: number): void {
    if (this.#clock.now() - at <= LATE_MS) return this.#tick();
    this.#timer = { at, timer: this.#clock.timer(0, () => this.#tick()) };
  }

  #tick(): void {
    this.#timer = null;
    if (this.#closed === null) this.#perform(this.#core.tick(this.#clock.now()));
  }

  #wallSeconds(): number {
    return Math.floor(this.#clock.wall() / 1000);
  }
}

/** The address that others get to know. */
function advertised({ datagrams, advertise, keys = null }: DriverOptions): string {
  const address = advertise ?? datagrams.address;
  const target = parseAddress(address);
  if (target.kind === 'unix' || /^(?:0\.0\.0\.0|::)$/.test(target.host)) {
    const reason = 'others cannot reach this node there, give the address that they use';
    throw fault('ADDRESS_INVALID', { address, reason });
  }
  if (keys === null && !isLoopback(target)) throw fault('KEY_REQUIRED', { address });
  return address;
}
