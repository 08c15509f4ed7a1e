/**
 * A cluster of membership cores, as shipped, in virtual time.
 *
 * Invariants
 *   W1  All randomness comes from the seed, so the same seed and the same calls give the same
 *       `traceHash`, which covers every packet sent and every event, with its time.
 *   W2  A slow member (`slow`) is one of the Lifeguard paper: its timers run, but what it sends
 *       leaves, and what it is sent is read, only when the pause ends.
 *   W3  A stopped member (`stop`) does nothing at all until it goes on; then its timers come before
 *       what waits in its socket, the worst order.
 *   W4  With `wire`, every packet goes through its bytes, and the largest is remembered.
 */
import { type Random, randomId, seededRandom } from '../../src/core/index.ts';
import {
  decodePacket,
  type Effect,
  encodePacket,
  type MemberEvent,
  type MembershipConfig,
  MembershipCore,
  type Mode,
  type Packet,
  type Protocol,
  packetBytes,
  type Rules,
} from '../../src/membership/index.ts';
import { goodNetwork, type NetworkConditions, SimNetwork } from './membership-network.ts';
import { EventQueue } from './membership-queue.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly config?: MembershipConfig;
  readonly mode?: Mode;
  readonly rules?: Rules;
  readonly network?: NetworkConditions;
  /** whether packets are encoded and decoded */
  readonly wire?: boolean;
  /** whether all nodes know each other from the start; otherwise they join the first */
  readonly acquainted?: boolean;
}

export interface WorldEvent {
  readonly at: number;
  readonly node: number;
  readonly event: MemberEvent;
}

type Pause = { readonly kind: 'slow' | 'stop'; readonly until: number };

class SimNode {
  readonly index: number;
  readonly address: string;
  core: MembershipCore;
  up = true;
  pause: Pause | null = null;
  /** the earliest wake-up that is planned */
  wakeAt = Number.POSITIVE_INFINITY;
  readonly inbox: Packet[] = [];
  readonly outbox: (Effect & { kind: 'send' })[] = [];
  packets = 0;
  bytes = 0;

  constructor(index: number, core: MembershipCore) {
    this.index = index;
    this.address = core.self.address;
    this.core = core;
  }
}

type Happening =
  | { readonly kind: 'arrive'; readonly to: SimNode; readonly packet: Packet }
  | { readonly kind: 'wake'; readonly node: SimNode }
  | { readonly kind: 'resume'; readonly node: SimNode; readonly pause: Pause }
  | { readonly kind: 'call'; readonly call: () => void };

export class World {
  readonly nodes: SimNode[] = [];
  readonly network: SimNetwork;
  readonly events: WorldEvent[] = [];
  /** called with each event as it happens, instead of keeping it, when set */
  onEvent: ((event: WorldEvent) => void) | null = null;
  now = 0;
  largestPacket = 0;
  readonly random: Random;
  readonly #options: WorldOptions;
  readonly #queue = new EventQueue<Happening>();
  readonly #byAddress = new Map<string, SimNode>();
  #hash = 0x811c9dc5;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    this.network = new SimNetwork(this.random, options.network ?? goodNetwork);
    for (let i = 0; i < options.nodes; i++) this.#add(options.mode);
    const acquainted = options.acquainted ?? true;
    for (const node of this.nodes) {
      const first = acquainted ? [(node.index + 1) % this.nodes.length] : [0];
      this.#start(
        node,
        first.filter((seed) => seed !== node.index),
      );
    }
    if (acquainted) this.#introduce();
  }

  /** Everything that was sent and that happened, as one number (W1). */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Lets time pass until `at`. */
  runUntil(at: number): void {
    while (this.#queue.nextAt <= at) {
      this.now = this.#queue.nextAt;
      this.#happen(this.#queue.pop());
    }
    this.now = at;
  }

  run(ms: number): void {
    this.runUntil(this.now + ms);
  }

  /** Runs until `condition` holds; @returns the time it took, or null when `limitMs` is over. */
  runWhile(condition: () => boolean, limitMs: number): number | null {
    const start = this.now;
    while (condition()) {
      if (this.#queue.nextAt > start + limitMs) return null;
      this.now = this.#queue.nextAt;
      this.#happen(this.#queue.pop());
    }
    return this.now - start;
  }

  /** Calls `call` at `at`. */
  plan(at: number, call: () => void): void {
    this.#queue.push(at, { kind: 'call', call });
  }

  /** One more node, which joins through `seeds`. */
  join(seeds: readonly number[], mode?: Mode): number {
    const node = this.#add(mode);
    this.#start(node, seeds);
    return node.index;
  }

  crash(index: number): void {
    this.nodes[index].up = false;
  }

  /** Starts a crashed node again, at its address, as a new node. `incarnation` is its clock. */
  restart(index: number, seeds: readonly number[], incarnation = this.#clock()): void {
    const node = this.nodes[index];
    node.core = this.#core(node.address, incarnation, this.#options.mode);
    node.up = true;
    node.pause = null;
    node.inbox.length = 0;
    node.outbox.length = 0;
    node.wakeAt = Number.POSITIVE_INFINITY;
    this.#start(node, seeds);
  }

  /** W2 and W3. */
  pause(index: number, kind: Pause['kind'], forMs: number): void {
    const node = this.nodes[index];
    const pause = { kind, until: this.now + forMs };
    node.pause = pause;
    this.#queue.push(pause.until, { kind: 'resume', node, pause });
  }

  /** Ends a pause before its time. */
  resume(index: number): void {
    const { pause } = this.nodes[index];
    if (pause !== null) this.#resume(this.nodes[index], pause);
  }

  switchMode(index: number, protocol: Protocol, suspicion: boolean): void {
    const node = this.nodes[index];
    this.#perform(node, node.core.switchMode(this.now, protocol, suspicion));
  }

  leave(index: number): void {
    const node = this.nodes[index];
    this.#perform(node, node.core.leave(this.now));
  }

  /** What `viewer` holds of `of`. */
  status(viewer: number, of: number): string | null {
    return this.nodes[viewer].core.statusOf(this.nodes[of].address);
  }

  /** Nodes that run. */
  up(): SimNode[] {
    return this.nodes.filter(({ up }) => up);
  }

  indexOf(address: string): number {
    return this.#byAddress.get(address)?.index ?? -1;
  }

  #add(mode?: Mode): SimNode {
    const index = this.nodes.length;
    const address = `10.0.${index >> 8}.${index & 255}:7000`;
    const node = new SimNode(index, this.#core(address, this.#clock(), mode));
    this.nodes.push(node);
    this.#byAddress.set(address, node);
    return node;
  }

  #core(address: string, incarnation: number, mode?: Mode): MembershipCore {
    const { config, rules } = this.#options;
    return new MembershipCore({
      address,
      boot: randomId(this.random),
      incarnation,
      random: seededRandom(this.random.u32()),
      now: this.now,
      ...(mode === undefined ? {} : { mode }),
      ...(config === undefined ? {} : { config }),
      ...(rules === undefined ? {} : { rules }),
    });
  }

  /** A wall clock that began some time ago. */
  #clock(): number {
    return 1_700_000_000_000 + Math.floor(this.now);
  }

  #start(node: SimNode, seeds: readonly number[]): void {
    const addresses = seeds.map((seed) => this.nodes[seed].address);
    this.#perform(node, node.core.start(this.now, addresses));
  }

  /** Gives everyone everyone's claim, as a finished join would have. */
  #introduce(): void {
    const claims = this.nodes.map(({ core }) => {
      const { address, boot, incarnation } = core.self;
      return { address, boot, incarnation, status: 'alive', by: 0 } as const;
    });
    for (const node of this.nodes) {
      const [from, body] = [
        claims[(node.index + 1) % claims.length],
        { kind: 'state', pull: false } as const,
      ];
      const packet = { from, mode: node.core.mode, body, news: claims, loads: [] };
      if (claims.length > 1) this.#perform(node, node.core.receive(this.now, packet));
    }
    this.events.length = 0;
  }

  #happen(happening: Happening): void {
    switch (happening.kind) {
      case 'arrive':
        return this.#arrive(happening.to, happening.packet);
      case 'wake':
        return this.#wake(happening.node);
      case 'resume':
        return this.#resume(happening.node, happening.pause);
      case 'call':
        return happening.call();
    }
  }

  #arrive(node: SimNode, packet: Packet): void {
    if (!node.up) return;
    if (node.pause === null) this.#perform(node, node.core.receive(this.now, packet));
    else node.inbox.push(packet);
  }

  #wake(node: SimNode): void {
    node.wakeAt = Number.POSITIVE_INFINITY;
    if (!node.up || node.pause?.kind === 'stop') return;
    if (node.core.dueAt <= this.now) this.#perform(node, node.core.tick(this.now));
    else this.#planWake(node);
  }

  #resume(node: SimNode, pause: Pause): void {
    if (node.pause !== pause) return;
    node.pause = null;
    if (!node.up) return;
    for (const effect of node.outbox.splice(0)) this.#send(node, effect);
    if (pause.kind === 'stop') this.#perform(node, node.core.tick(this.now));
    for (const packet of node.inbox.splice(0))
      this.#perform(node, node.core.receive(this.now, packet));
    this.#planWake(node);
  }

  #perform(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') {
        if (node.pause === null) this.#send(node, effect);
        else node.outbox.push(effect);
        continue;
      }
      const event = { at: this.now, node: node.index, event: effect.event };
      this.#note(node.index, effect.event.kind.length * 31 + effect.event.kind.charCodeAt(0));
      if (this.onEvent === null) this.events.push(event);
      else this.onEvent(event);
      if (effect.event.kind === 'departed') node.up = false;
    }
    this.#planWake(node);
  }

  #planWake(node: SimNode): void {
    const { dueAt } = node.core;
    if (dueAt >= node.wakeAt || dueAt === Number.POSITIVE_INFINITY) return;
    node.wakeAt = dueAt;
    this.#queue.push(Math.max(dueAt, this.now), { kind: 'wake', node });
  }

  #send(node: SimNode, { to, packet }: Effect & { kind: 'send' }): void {
    const target = this.#byAddress.get(to);
    node.packets += 1;
    this.#note(target?.index ?? -1, packet.news.length * 8 + packet.body.kind.length);
    const carried = this.#options.wire === true ? this.#throughBytes(node, packet) : packet;
    if (target === undefined) return;
    this.network.send(node.index, target.index, (delay) =>
      this.#queue.push(this.now + delay, { kind: 'arrive', to: target, packet: carried }),
    );
  }

  #throughBytes(node: SimNode, packet: Packet): Packet {
    const bytes = encodePacket(packet);
    if (bytes.length > packetBytes(packet)) throw new Error('a packet is larger than estimated');
    node.bytes += bytes.length;
    this.largestPacket = Math.max(this.largestPacket, bytes.length);
    const decoded = decodePacket(bytes);
    if (decoded === null) throw new Error(`a packet cannot be read: ${JSON.stringify(packet)}`);
    return decoded;
  }

  #note(a: number, b: number): void {
    const mix = (value: number): void => {
      this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
    };
    mix(Math.floor(this.now * 1000) | 0);
    mix(a);
    mix(b);
  }
}
