/**
 * Connections within one process: a node with its own tasks, tests, the simulator.
 *
 *   const hub = new InProcessHub();
 *   const a = new InProcessTransport({ hub, identity, clock });
 *   const b = new InProcessTransport({ hub, identity: other, clock });
 *
 * Addresses are any text; `:0` at the end is replaced by a number of its own, as with sockets.
 */
import { type Clock, fault } from '../core/index.ts';
import type { Connection, Identity, Listener, Peer, Transport } from './connection.ts';
import { type InProcessCarrier, Wire } from './in-process-carrier.ts';
import { limitsWith, type TransportLimits } from './limits.ts';
import { Link } from './link.ts';

interface Service {
  readonly identity: Identity;
  readonly accept: (dialled: InProcessCarrier, peer: Peer) => void;
}

/** Who listens where; one for each network of in-process nodes. */
export class InProcessHub {
  readonly #services = new Map<string, Service>();
  readonly #wires = new Map<string, Set<WeakRef<Wire>>>();
  #ports = 0;

  /** Registers a service and returns its address. */
  bind(address: string, service: Service): string {
    const bound = address.endsWith(':0') ? `${address.slice(0, -1)}${++this.#ports}` : address;
    if (this.#services.has(bound)) throw fault('PORT_IN_USE', { address: bound });
    this.#services.set(bound, service);
    return bound;
  }

  unbind(address: string): void {
    this.#services.delete(address);
  }

  find(address: string): Service | undefined {
    return this.#services.get(address);
  }

  /** Remembers a connection that was accepted at `address`. */
  joined(address: string, wire: Wire): void {
    const wires = this.#wires.get(address) ?? new Set();
    for (const each of wires) if (each.deref() === undefined) wires.delete(each);
    this.#wires.set(address, wires.add(new WeakRef(wire)));
  }

  /**
   * Makes every connection accepted at `address` fall silent in both directions, as if its process
   * had been stopped, or lets them go on.
   */
  silence(address: string, silent: boolean): void {
    for (const ref of this.#wires.get(address) ?? []) {
      const wire = ref.deref();
      if (wire !== undefined) wire.silent = silent;
    }
  }
}

export interface InProcessOptions {
  readonly hub: InProcessHub;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly limits?: Partial<TransportLimits>;
}

export class InProcessTransport implements Transport {
  readonly #hub: InProcessHub;
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #limits: TransportLimits;

  constructor(options: InProcessOptions) {
    this.#hub = options.hub;
    this.#identity = options.identity;
    this.#clock = options.clock;
    this.#limits = limitsWith(options.limits);
  }

  async listen(address: string, accept: (connection: Connection) => void): Promise<Listener> {
    const bound = this.#hub.bind(address, {
      identity: this.#identity,
      accept: (carrier, peer) => accept(this.#link(carrier, peer)),
    });
    return { address: bound, close: async () => this.#hub.unbind(bound) };
  }

  async connect(address: string, signal?: AbortSignal): Promise<Connection> {
    signal?.throwIfAborted();
    const service = this.#hub.find(address);
    if (service === undefined)
      throw fault('PEER_UNREACHABLE', { address, reason: 'nobody listens there' });
    const wire = new Wire();
    this.#hub.joined(address, wire);
    const link = this.#link(wire.near, asPeer(service.identity));
    service.accept(wire.far, asPeer(this.#identity));
    return link;
  }

  #link(carrier: InProcessCarrier, remote: Peer): Link {
    const link = new Link({
      carrier,
      remote,
      self: this.#identity.node,
      clock: this.#clock,
      limits: this.#limits,
    });
    carrier.events = link;
    return link;
  }
}

function asPeer({ node, role, term }: Identity): Peer {
  return { node, role, term: term() };
}
