import { chmod, unlink } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { type Clock, Fault, fault, type Logger, reasonOf, type Timer } from '../core/index.ts';
import { formatAddress, type Target } from './address.ts';
import type { Connection, Identity, Listener } from './connection.ts';
import { Answering } from './handshake.ts';
import type { TransportLimits } from './limits.ts';
import { Refusals } from './refusals.ts';
import type { SocketFactory } from './sockets.ts';
import { Strangers } from './strangers.ts';

/** Connections at most, strangers counted; far above any cluster, far below the usual file limit. */
const CONNECTIONS_MAX = 4096;

interface Stranger {
  readonly from: string;
  readonly deadline: Timer;
}

export interface TcpListenerOptions {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: TransportLimits;
  readonly sockets: SocketFactory;
  readonly accept: (connection: Connection) => void;
}

/** A listening socket and the strangers at its door. */
export class TcpListener implements Listener {
  readonly #options: TcpListenerOptions;
  readonly #server: Server;
  readonly #count: Strangers;
  readonly #refusals: Refusals;
  readonly #strangers = new Map<Socket, Stranger>();
  #address = '';

  constructor(options: TcpListenerOptions) {
    this.#options = options;
    const { strangersMax, strangersPerAddressMax } = options.limits;
    this.#count = new Strangers(strangersMax, strangersPerAddressMax);
    this.#refusals = new Refusals(options.clock, options.log);
    this.#server = options.sockets.server({
      arrived: (raw) => this.#arrived(raw),
      ready: (stream, raw) => this.#ready(stream, raw),
      refused: (from, reason) => this.#refusals.note(from, reason),
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  get address(): string {
    return this.#address;
  }

  /**
   * Begins to listen.
   * @throws faults PORT_IN_USE, LISTEN_FAILED
   */
  async open(target: Target, address: string): Promise<void> {
    try {
      await this.#bind(target);
    } catch (error) {
      if (!inUse(error)) throw fault('LISTEN_FAILED', { address, reason: reasonOf(error) }, error);
      if (target.kind === 'tcp' || !(await abandoned(target.path)))
        throw fault('PORT_IN_USE', { address }, error);
      await unlink(target.path);
      await this.#bind(target);
    }
    if (target.kind === 'unix') await chmod(target.path, 0o600);
    const bound = this.#server.address();
    this.#address =
      target.kind === 'tcp' && bound !== null && typeof bound === 'object'
        ? formatAddress(target.host, bound.port)
        : address;
    this.#server.on('error', (error) =>
      this.#options.log.error('the listener reported an error', { reason: error.message }),
    );
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of [...this.#strangers.keys()]) socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #bind(target: Target): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    const options =
      target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port };
    this.#server.listen(options, resolve);
    return promise.finally(() => this.#server.off('error', reject));
  }

  #arrived(raw: Socket): boolean {
    const from = raw.remoteAddress ?? '';
    if (!this.#count.admit(from)) {
      this.#refusals.note(from, 'too many connections have not said hello');
      return false;
    }
    const { clock, limits } = this.#options;
    const deadline = clock.timer(limits.helloMs, () => raw.destroy());
    this.#strangers.set(raw, { from, deadline });
    raw.once('close', () => this.#known(raw));
    return true;
  }

  #ready(stream: Socket, raw: Socket): void {
    const { identity, clock, limits, accept } = this.#options;
    const address = this.#strangers.get(raw)?.from ?? '';
    new Answering({
      socket: stream,
      address,
      identity,
      clock,
      limits,
      explain: (peer, error) =>
        fault('PEER_LOST', { peer, reason: error?.message ?? 'it said no hello' }),
      done: (outcome) => {
        this.#known(raw);
        if (!(outcome instanceof Fault)) return accept(outcome);
        this.#refusals.note(address, outcome.message);
      },
    });
  }

  /** The socket is a stranger no more, or is gone. */
  #known(raw: Socket): void {
    const stranger = this.#strangers.get(raw);
    if (stranger === undefined) return;
    this.#strangers.delete(raw);
    stranger.deadline.cancel();
    this.#count.release(stranger.from);
  }
}

function inUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** Whether nobody listens at a socket file that exists: its process was killed. */
function abandoned(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => {
      resolve('code' in error && error.code === 'ECONNREFUSED');
    });
  });
}
