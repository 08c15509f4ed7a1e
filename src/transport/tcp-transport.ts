/**
 * Connections over TCP and over Unix sockets.
 *
 *   const transport = new TcpTransport({ identity, clock: systemClock });
 *   const listener = await transport.listen('127.0.0.1:0', (connection) => { ... });
 *   const connection = await transport.connect(listener.address);
 */
import { type Clock, Fault, fault, type Logger, silentLog } from '../core/index.ts';
import { isLoopback, parseAddress, type Target } from './address.ts';
import type { Connection, Identity, Listener, Transport } from './connection.ts';
import { Calling } from './handshake.ts';
import { limitsWith, type TransportLimits } from './limits.ts';
import { plainSockets, type SocketFactory } from './sockets.ts';
import { TcpListener } from './tcp-listener.ts';

export interface TcpOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log?: Logger;
  readonly limits?: Partial<TransportLimits>;
  /** How streams are made: plain ones for this machine only (the default), or encrypted ones. */
  readonly secure?: SocketFactory;
}

export class TcpTransport implements Transport {
  readonly #identity: Identity;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: TransportLimits;
  readonly #sockets: SocketFactory;

  constructor(options: TcpOptions) {
    this.#identity = options.identity;
    this.#clock = options.clock;
    this.#log = options.log ?? silentLog;
    this.#limits = limitsWith(options.limits);
    this.#sockets = options.secure ?? plainSockets;
  }

  async listen(address: string, accept: (connection: Connection) => void): Promise<Listener> {
    const target = parseAddress(address);
    if (!this.#sockets.secure && !isLoopback(target)) throw fault('KEY_REQUIRED', { address });
    const listener = new TcpListener({
      identity: this.#identity,
      clock: this.#clock,
      log: this.#log,
      limits: this.#limits,
      sockets: this.#sockets,
      accept,
    });
    await listener.open(target, address);
    return listener;
  }

  async connect(address: string, signal?: AbortSignal): Promise<Connection> {
    signal?.throwIfAborted();
    return this.#call(parseAddress(address), address, signal);
  }

  #call(target: Target, address: string, signal: AbortSignal | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { connectMs } = this.#limits;
      const settle = (outcome: Connection | Fault): void => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
        if (outcome instanceof Fault) reject(signal?.aborted === true ? signal.reason : outcome);
        else resolve(outcome);
      };
      const calling = new Calling({
        socket: this.#sockets.connect(target, () => calling.begin()),
        address,
        identity: this.#identity,
        clock: this.#clock,
        limits: this.#limits,
        explain: this.#sockets.explain,
        done: settle,
      });
      const giveUp = (reason: string): void =>
        calling.fail(fault('PEER_UNREACHABLE', { address, reason }));
      const timer = this.#clock.timer(connectMs, () =>
        giveUp(`no answer within ${connectMs / 1000} s`),
      );
      const abort = (): void => giveUp('the attempt was given up');
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
