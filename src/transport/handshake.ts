/**
 * The first message each way.
 *
 *   H1  The side that connected says hello with the versions it speaks; the other answers with the
 *       highest version both speak, or with a goodbye that says why not.
 *   H2  A stranger is answered nothing until its hello has been read. What is no hello is dropped
 *       without an answer.
 *   H3  A handshake ends once: with a link, or with the reason why there is none.
 */

import type { Socket } from 'node:net';
import { type Clock, type Fault, fault } from '../core/index.ts';
import {
  fromWireFault,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Hello,
  type Message,
  PROTOCOL_VERSIONS,
  toWireFault,
  type Welcome,
} from '../wire/index.ts';
import type { Identity } from './connection.ts';
import type { TransportLimits } from './limits.ts';
import { type CarrierEvents, Link } from './link.ts';
import { TcpCarrier } from './tcp-carrier.ts';

export interface HandshakeOptions {
  readonly socket: Socket;
  /** The other side as people know it before it has a name. */
  readonly address: string;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  /** The fault of a socket that was lost before the handshake was done. */
  readonly explain: (address: string, error: Error | null) => Fault;
  /** H3: called once. */
  readonly done: (outcome: Link | Fault) => void;
}

/** What both sides share: the carrier's events until there is a link. */
abstract class Handshake implements CarrierEvents {
  protected readonly options: HandshakeOptions;
  protected readonly carrier: TcpCarrier;
  #settled = false;

  constructor(options: HandshakeOptions) {
    this.options = options;
    const { socket, clock, limits } = options;
    this.carrier = new TcpCarrier({
      socket,
      clock,
      lingerMs: limits.lingerMs,
      events: this,
      strangerBytesMax: HANDSHAKE_FRAME_BYTES_MAX,
    });
  }

  abstract received(message: Message): void;

  heard(): void {}

  progress(): void {}

  lost(_reason: string, error: Error | null): void {
    this.fail(this.options.explain(this.options.address, error));
  }

  invalid(problem: Fault): void {
    this.fail(problem);
  }

  /** Gives up without a word. */
  fail(reason: Fault): void {
    this.carrier.destroy();
    this.#settle(reason);
  }

  /** Gives up and says why. */
  protected refuse(reason: Fault): void {
    this.carrier.send({ kind: 'goodbye', fault: toWireFault(reason) });
    this.carrier.end();
    this.#settle(reason);
  }

  protected agree({ node, term }: Hello | Welcome, role: 'node' | 'client'): void {
    const { identity, clock, limits } = this.options;
    const link = new Link({
      carrier: this.carrier,
      remote: { node, role, term },
      self: identity.node,
      clock,
      limits,
    });
    this.carrier.accepted(link);
    this.#settle(link);
  }

  #settle(outcome: Link | Fault): void {
    if (this.#settled) return;
    this.#settled = true;
    this.options.done(outcome);
  }
}

/** The side that was connected to. */
export class Answering extends Handshake {
  received(message: Message): void {
    if (message.kind === 'hello') this.#answer(message);
    else this.fail(fault('WIRE_INVALID', { problem: `${message.kind} came before hello` }));
  }

  #answer(hello: Hello): void {
    const { identity } = this.options;
    const version = commonVersion(hello.versions);
    if (version === null) {
      this.refuse(versionFault(hello.node, hello.versions, identity.node));
    } else {
      const { node } = identity;
      this.carrier.send({ kind: 'welcome', version, node, term: identity.term() });
      this.agree(hello, hello.role);
    }
  }
}

/** The side that connected. `begin` when the stream can be written. */
export class Calling extends Handshake {
  override invalid(problem: Fault): void {
    const { address } = this.options;
    this.fail(fault('PEER_FOREIGN', { address, reason: String(problem.parameters.problem) }));
  }

  begin(): void {
    const { node, role, term } = this.options.identity;
    this.carrier.send({
      kind: 'hello',
      versions: [...PROTOCOL_VERSIONS],
      node,
      role,
      term: term(),
    });
  }

  received(message: Message): void {
    if (message.kind === 'welcome') this.#welcomed(message);
    else if (message.kind === 'goodbye' && message.fault !== null)
      this.fail(fromWireFault(message.fault, this.options.address));
    else this.fail(fault('WIRE_INVALID', { problem: `${message.kind} came before welcome` }));
  }

  #welcomed(welcome: Welcome): void {
    const versions = [welcome.version, welcome.version] as const;
    if (commonVersion(versions) !== null) this.agree(welcome, 'node');
    else this.refuse(versionFault(welcome.node, versions, this.options.identity.node));
  }
}

/** The highest version in both ranges, or null. */
export function commonVersion([min, max]: readonly [number, number]): number | null {
  const highest = Math.min(max, PROTOCOL_VERSIONS[1]);
  return highest >= Math.max(min, PROTOCOL_VERSIONS[0]) ? highest : null;
}

function versionFault(peer: string, theirs: readonly [number, number], node: string): Fault {
  return fault('PROTOCOL_VERSION', {
    peer,
    theirs: range(theirs),
    node,
    ours: range(PROTOCOL_VERSIONS),
  });
}

function range([min, max]: readonly [number, number]): string {
  return min === max ? String(min) : `${min} to ${max}`;
}
