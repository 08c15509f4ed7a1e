/**
 * How byte streams are made. `keyedSockets` is another factory of the same shape: it accepts the
 * raw socket first (so that strangers are counted before a single byte is read) and hands over the
 * stream to speak on when its own handshake is done.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Fault, fault } from '../core/index.ts';
import type { Target } from './address.ts';

/** What a server of a factory tells. */
export interface ServerEvents {
  /** Asked for each raw socket; false drops it unread. */
  arrived(raw: Socket): boolean;
  /** `stream` may be spoken on; `raw` is the socket below it. */
  ready(stream: Socket, raw: Socket): void;
  /** A socket from the address `from` did not get as far as that. */
  refused(from: string, reason: string): void;
}

export interface SocketFactory {
  /** Peers have proved that they know the cluster's key before `ready`. */
  readonly secure: boolean;
  /** A server that does not listen yet. */
  server(events: ServerEvents): Server;
  /** Begins to connect; `ready` is called when the stream may be spoken on. */
  connect(target: Target, ready: () => void): Socket;
  /** Why nobody could be spoken to at `address`; the error is null when the peer just closed. */
  explain(address: string, error: Error | null): Fault;
}

const UNANSWERED =
  'it closed the connection unanswered: it is full, is no RainStorm node, or asks for a --key-file';

/** Sockets as they are, for the machine itself. */
export const plainSockets: SocketFactory = {
  secure: false,
  server({ arrived, ready }) {
    return createServer({ noDelay: true }, (socket) => {
      if (arrived(socket)) ready(socket, socket);
      else socket.destroy();
    });
  },
  connect(target, ready) {
    const options = target.kind === 'unix' ? { path: target.path } : { ...target, noDelay: true };
    return connect(options, ready);
  },
  explain(address, error) {
    const reason = error === null ? UNANSWERED : socketReason(error);
    return fault('PEER_UNREACHABLE', { address, reason }, error);
  },
};

/** The error of a socket in a few words. */
export function socketReason(error: Error): string {
  // a TLS message names source files; several failed addresses have no message of their own
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return error.message === '' && 'code' in error ? String(error.code) : error.message;
}
