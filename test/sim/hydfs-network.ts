/**
 * Connections between processes that are slow, stall and break; the shipped requests run over them.
 *
 * W1 Messages of one direction arrive in order. Where it is cut they wait, and arrive when it is
 *    healed: late, and after much else has happened.
 * W2 A connection of which a direction stays cut breaks at both ends, each in its own time. What is
 *    under way then is lost, and neither end knows what the other one has heard.
 * W3 Every message is written down and read again, as on a socket.
 */
import { between, type Fault, fault, type Random, unit } from '../../src/core/index.ts';
import type { Connection, ConnectionHandler, Peer } from '../../src/transport/index.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/wire/index.ts';
import type { SimProcess, SimTime } from './hydfs-time.ts';

/** Bytes of the length in front of a frame. */
const LENGTH_BYTES = 4;
/** How long nobody answers before a process gives up to connect. */
const CONNECT_MS = 2000;

export interface Weather {
  /** Milliseconds. */
  delayMin: number;
  delayMax: number;
  /** How likely a message takes ten times as long. */
  lag: number;
}

export const fair: Weather = { delayMin: 0, delayMax: 2, lag: 0 };

interface Service {
  readonly process: SimProcess;
  readonly node: string;
  readonly accept: (connection: Connection) => void;
}

/** An end of a connection, at the address of its process. */
interface Seat {
  readonly process: SimProcess;
  readonly address: string;
  readonly node: string;
}

export class SimNetwork {
  weather: Weather = { ...fair };
  delivered = 0;
  broken = 0;
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #services = new Map<string, Service>();
  readonly #cut = new Set<string>();
  readonly #slow = new Map<string, number>();
  readonly #pairs = new Set<Pair>();
  readonly #healed: (() => void)[] = [];

  constructor(time: SimTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  listen(seat: Seat, accept: (connection: Connection) => void): void {
    this.#services.set(seat.address, { process: seat.process, node: seat.node, accept });
  }

  /** @throws PEER_UNREACHABLE; the signal's reason */
  connect(from: Seat, to: string, signal?: AbortSignal): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const { process } = from;
    const refuse = (reason: string): void =>
      reject(fault('PEER_UNREACHABLE', { address: to, reason }));
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (this.isCut(from.address, to) || this.isCut(to, from.address)) {
      process.post(CONNECT_MS, () => refuse('it does not answer'));
      return promise;
    }
    this.#time.events.plan(this.delay(from.address, to), () => {
      const service = this.#services.get(to);
      if (service === undefined || service.process.ended) {
        process.post(this.delay(to, from.address), () => refuse('nobody listens there'));
        return;
      }
      const { node } = service;
      const pair = new Pair(this, from, { process: service.process, address: to, node });
      this.#pairs.add(pair);
      service.process.post(0, () => service.accept(pair.far));
      process.post(this.delay(to, from.address), () => resolve(pair.near));
    });
    return promise;
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  /** Cuts one direction. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
    for (const pair of this.#pairs) {
      if (!pair.joins(from, to)) continue;
      this.#time.events.plan(between(this.#random, 500, 6000), () => {
        if (this.isCut(from, to)) this.breaks(pair);
      });
    }
  }

  /** Cuts both ways between `group` and the others of `all`. */
  split(group: readonly string[], all: readonly string[]): void {
    for (const a of group) {
      for (const b of all) {
        if (group.includes(b)) continue;
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  /** Messages of this direction take `ms` longer. */
  slow(from: string, to: string, ms: number): void {
    this.#slow.set(`${from}>${to}`, ms);
  }

  heal(): void {
    this.#cut.clear();
    this.#slow.clear();
    for (const pair of this.#pairs) pair.healed();
    for (const run of this.#healed) run();
  }

  /** Calls `run` after each healing. */
  onHealed(run: () => void): void {
    this.#healed.push(run);
  }

  /** Breaks one connection between living processes, if there is any. */
  breakOne(): void {
    const pairs = [...this.#pairs];
    if (pairs.length > 0) this.breaks(pairs[between(this.#random, 0, pairs.length)]);
  }

  /** Everything that `process` was connected with hears of its end, or falls silent and then does. */
  ended(process: SimProcess, silently: boolean): void {
    for (const pair of [...this.#pairs]) {
      if (!pair.belongsTo(process)) continue;
      this.#time.events.plan(silently ? between(this.#random, 500, 6000) : 0, () => {
        this.breaks(pair);
      });
      pair.stall();
    }
  }

  /** Who waits long for a stopped process gives up. */
  stopped(process: SimProcess): void {
    for (const pair of this.#pairs) {
      if (!pair.belongsTo(process)) continue;
      this.#time.events.plan(between(this.#random, 2000, 8000), () => {
        if (!process.running) this.breaks(pair);
      });
    }
  }

  breaks(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    this.broken += 1;
    const reason = 'the connection broke';
    pair.near.lose(this.#delayOfBreak(), fault('PEER_LOST', { peer: pair.near.peer, reason }));
    pair.far.lose(this.#delayOfBreak(), fault('PEER_LOST', { peer: pair.far.peer, reason }));
  }

  /** Forgets a connection that was closed in order. */
  closed(pair: Pair): void {
    this.#pairs.delete(pair);
  }

  delay(from: string, to: string): number {
    const { delayMin, delayMax, lag } = this.weather;
    const delay = between(this.#random, delayMin, delayMax + 1);
    const slow = this.#slow.get(`${from}>${to}`) ?? 0;
    return slow + (unit(this.#random) < lag ? delay * 10 : delay);
  }

  mark(from: string, to: string, message: Message): void {
    this.delivered += 1;
    this.#time.mark(from, to, message.kind, 'method' in message ? message.method : '');
  }

  now(): number {
    return this.#time.now;
  }

  #delayOfBreak(): number {
    return between(this.#random, 0, unit(this.#random) < 0.3 ? 1500 : 20);
  }
}

/** A message between the ends; it arrives at `due`, unless it is held back. */
interface Underway {
  readonly bytes: Uint8Array;
  due: number;
}

class Pair {
  readonly near: End;
  readonly far: End;

  constructor(network: SimNetwork, from: Seat, to: Seat) {
    this.near = new End(network, this, from, to);
    this.far = new End(network, this, to, from);
  }

  joins(from: string, to: string): boolean {
    const { seat, other } = this.near;
    return (
      (seat.address === from && other.address === to) ||
      (seat.address === to && other.address === from)
    );
  }

  belongsTo(process: SimProcess): boolean {
    return this.near.seat.process === process || this.far.seat.process === process;
  }

  otherThan(end: End): End {
    return end === this.near ? this.far : this.near;
  }

  stall(): void {
    this.near.stalled = true;
    this.far.stalled = true;
  }

  healed(): void {
    this.near.release();
    this.far.release();
  }
}

/** One end; it sends to the other. */
class End implements Connection {
  readonly seat: Seat;
  readonly other: Seat;
  readonly queuedBytes = 0;
  /** Nothing leaves any more. */
  stalled = false;
  readonly #network: SimNetwork;
  readonly #pair: Pair;
  #handler: ConnectionHandler | null = null;
  /** What came before `serve`. */
  #early: (() => void)[] = [];
  #open = true;
  readonly #way: Underway[] = [];
  #lastDue = 0;

  constructor(network: SimNetwork, pair: Pair, seat: Seat, other: Seat) {
    this.#network = network;
    this.#pair = pair;
    this.seat = seat;
    this.other = other;
  }

  get peer(): string {
    return this.other.node;
  }

  get remote(): Peer {
    return { node: this.other.node, role: 'node', term: 0 };
  }

  send(message: Message): void {
    if (!this.#open || this.stalled) return;
    this.#transmit(Buffer.concat(encodeMessage(message)).subarray(LENGTH_BYTES));
  }

  drained(): null {
    return null;
  }

  serve(handler: ConnectionHandler): void {
    this.#handler = handler;
    for (const run of this.#early.splice(0)) queueMicrotask(run);
  }

  close(): void {
    if (!this.#open) return;
    this.#network.closed(this.#pair);
    const peer = this.peer;
    const { other } = this;
    const delay = this.#network.delay(this.seat.address, other.address);
    this.#pair.otherThan(this).lose(delay, fault('PEER_CLOSED', { peer, reason: 'it has closed' }));
    this.lose(0, null);
  }

  /** Hears of the end after `delay`; sends nothing from then on. */
  lose(delay: number, reason: Fault | null): void {
    this.seat.process.post(delay, () => {
      if (!this.#open) return;
      this.#open = false;
      this.#hand((handler) => handler.closed(reason));
    });
  }

  /** What was held back is on its way again. */
  release(): void {
    for (const each of this.#way) this.#arrive(each);
  }

  #transmit(bytes: Uint8Array): void {
    const each = { bytes, due: 0 };
    this.#way.push(each);
    this.#arrive(each);
  }

  /** Lets `each` arrive after all before it. */
  #arrive(each: Underway): void {
    const now = this.#network.now();
    const delay = this.#network.delay(this.seat.address, this.other.address);
    each.due = Math.max(this.#lastDue, now + delay);
    this.#lastDue = each.due;
    this.other.process.post(each.due - now, () => this.#deliver());
  }

  #deliver(): void {
    const { address } = this.seat;
    const to = this.other.address;
    while (this.#way.length > 0 && this.#way[0].due <= this.#network.now()) {
      if (this.#network.isCut(address, to)) return;
      const [{ bytes }] = this.#way.splice(0, 1);
      this.#pair.otherThan(this).#receive(bytes);
    }
  }

  #receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    const message = decodeMessage(bytes);
    this.#network.mark(this.other.address, this.seat.address, message);
    this.#hand((handler) => handler.message(message));
  }

  #hand(run: (handler: ConnectionHandler) => void): void {
    const handler = this.#handler;
    if (handler === null) this.#early.push(() => this.#hand(run));
    else run(handler);
  }
}
