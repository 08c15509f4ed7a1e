/**
 * A connection over any carrier: what is the same for sockets and within one process.
 *
 * Invariants
 *   L1  `closed` is told once, after the last message, and always after `serve` has returned.
 *   L2  Nothing is read before `serve`; the carrier holds the rest back, so a peer that floods a
 *       connection nobody serves fills its own queue.
 *   L3  After the end nothing is delivered, sends are dropped and everyone who waits for a shorter
 *       queue is released.
 *   L4  The last thing a peer reads of a connection that was closed here is a goodbye, unless the
 *       peer is silent or has stopped reading.
 *   L5  A peer that does not read costs at most `queueBytesMax`, then its connection.
 */
import { assert, type Clock, Fault, fault } from '../core/index.ts';
import { fromWireFault, type Goodbye, type Message, toWireFault } from '../wire/index.ts';
import type { Connection, ConnectionHandler, Peer } from './connection.ts';
import { Keepalive } from './keepalive.ts';
import type { TransportLimits } from './limits.ts';

/** Moves messages for a link; below it is a socket or another object. */
export interface Carrier {
  send(message: Message): void;
  readonly queuedBytes: number;
  /** Starts or goes on delivering to the events. */
  resume(): void;
  /** Sends what is queued, then ends. */
  end(): void;
  /** Drops everything at once. */
  destroy(): void;
}

/** What a carrier tells. */
export interface CarrierEvents {
  received(message: Message): void;
  /** Bytes have come in, perhaps not a whole message. */
  heard(): void;
  /** The queue has become shorter. */
  progress(): void;
  /** Nothing more can be received: `reason` says why, in a few words; `error` is the socket's. */
  lost(reason: string, error: Error | null): void;
  /** The peer breaks the protocol. */
  invalid(problem: Fault): void;
}

type Phase =
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'open';
      readonly handler: ConnectionHandler;
      readonly keepalive: Keepalive;
    }
  | { readonly kind: 'closed'; readonly reason: Fault | null };

const edges = {
  waiting: ['open', 'closed'],
  open: ['closed'],
  closed: [],
} as const satisfies Record<Phase['kind'], readonly Phase['kind'][]>;

export interface LinkOptions {
  readonly carrier: Carrier;
  readonly remote: Peer;
  /** Node id of this side. */
  readonly self: string;
  readonly clock: Clock;
  readonly limits: TransportLimits;
}

export class Link implements Connection, CarrierEvents {
  readonly remote: Peer;
  readonly #carrier: Carrier;
  readonly #self: string;
  readonly #clock: Clock;
  readonly #limits: TransportLimits;
  #phase: Phase = { kind: 'waiting' };
  #pings = 0;
  #shorter: PromiseWithResolvers<void> | null = null;

  constructor(options: LinkOptions) {
    this.remote = options.remote;
    this.#carrier = options.carrier;
    this.#self = options.self;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  get peer(): string {
    return this.remote.node;
  }

  get queuedBytes(): number {
    return this.#phase.kind === 'closed' ? 0 : this.#carrier.queuedBytes;
  }

  send(message: Message): void {
    if (this.#phase.kind === 'closed') return;
    this.#carrier.send(message);
    const bytes = this.#carrier.queuedBytes;
    if (bytes <= this.#limits.queueBytesMax) return;
    this.#abandon(fault('PEER_SLOW', { peer: this.peer, bytes }));
  }

  drained(): Promise<void> | null {
    if (this.#shorter === null) {
      if (this.queuedBytes < this.#limits.highBytes) return null;
      this.#shorter = Promise.withResolvers();
    }
    return this.#shorter.promise;
  }

  serve(handler: ConnectionHandler): void {
    if (this.#phase.kind === 'closed') {
      this.#tell(handler, this.#phase.reason);
      return;
    }
    assert(this.#phase.kind === 'waiting', 'a connection is served once');
    const { pingMs, silentMs } = this.#limits;
    const keepalive = new Keepalive({
      clock: this.#clock,
      pingMs,
      silentMs,
      ping: () => this.send({ kind: 'ping', n: ++this.#pings }),
      silent: () =>
        this.#abandon(fault('PEER_SILENT', { peer: this.peer, seconds: silentMs / 1000 })),
    });
    this.#enter({ kind: 'open', handler, keepalive });
    queueMicrotask(() => {
      if (this.#phase.kind === 'open') this.#carrier.resume();
    });
  }

  close(reason?: string): void {
    const peer = this.#self;
    this.#part(null, reason === undefined ? null : fault('PEER_CLOSED', { peer, reason }));
  }

  received(message: Message): void {
    if (this.#phase.kind !== 'open') return;
    const { handler, keepalive } = this.#phase;
    keepalive.heard();
    switch (message.kind) {
      case 'ping':
        this.send({ kind: 'pong', n: message.n });
        break;
      case 'pong':
        break;
      case 'goodbye':
        this.#goodbye(message);
        break;
      case 'hello':
      case 'welcome':
        this.invalid(fault('WIRE_INVALID', { problem: `a second ${message.kind}` }));
        break;
      default:
        this.#deliver(handler, message);
    }
  }

  heard(): void {
    if (this.#phase.kind === 'open') this.#phase.keepalive.heard();
  }

  progress(): void {
    if (this.#shorter === null || this.queuedBytes > this.#limits.lowBytes) return;
    this.#release();
  }

  lost(reason: string): void {
    this.#abandon(fault('PEER_LOST', { peer: this.peer, reason }));
  }

  invalid(problem: Fault): void {
    this.#part(problem, problem);
  }

  #deliver(handler: ConnectionHandler, message: Message): void {
    try {
      handler.message(message);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#part(error, error);
    }
  }

  #goodbye(message: Goodbye): void {
    const reason = message.fault === null ? null : fromWireFault(message.fault, this.peer);
    this.#settle(reason);
    this.#carrier.end();
  }

  /** Ends in order: `reason` is for the owner, `farewell` for the peer. */
  #part(reason: Fault | null, farewell: Fault | null): void {
    if (this.#phase.kind === 'closed') return;
    const fault = farewell === null ? null : toWireFault(farewell);
    this.#carrier.send({ kind: 'goodbye', fault });
    this.#settle(reason);
    this.#carrier.end();
  }

  /** Ends at once, for a peer that would not read a goodbye. */
  #abandon(reason: Fault): void {
    this.#settle(reason);
    this.#carrier.destroy();
  }

  #settle(reason: Fault | null): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    this.#enter({ kind: 'closed', reason });
    this.#release();
    if (phase.kind !== 'open') return;
    phase.keepalive.stop();
    this.#tell(phase.handler, reason);
  }

  #tell(handler: ConnectionHandler, reason: Fault | null): void {
    queueMicrotask(() => handler.closed(reason));
  }

  #release(): void {
    this.#shorter?.resolve();
    this.#shorter = null;
  }

  #enter(next: Phase): void {
    const legal: readonly Phase['kind'][] = edges[this.#phase.kind];
    assert(legal.includes(next.kind), `a connection goes from ${this.#phase.kind} to ${next.kind}`);
    this.#phase = next;
  }
}
