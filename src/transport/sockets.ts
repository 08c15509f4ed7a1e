/**
 * How byte streams are made. Encryption is another factory of the same shape: it accepts the raw
 * socket first (so that strangers are counted before a single byte is read) and hands over the
 * stream to speak on when its own handshake is done.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Target } from './address.ts';

export interface SocketFactory {
  /** Peers have proved that they know the cluster's key before `ready`. */
  readonly secure: boolean;
  /**
   * A server that does not listen yet.
   * @param arrived asked for each raw socket; false drops it unread
   * @param ready called with the stream to speak on
   */
  server(arrived: (raw: Socket) => boolean, ready: (stream: Socket, raw: Socket) => void): Server;
  /** Begins to connect; `ready` is called when the stream may be spoken on. */
  connect(target: Target, ready: () => void): Socket;
}

/** Sockets as they are, for the machine itself. */
export const plainSockets: SocketFactory = {
  secure: false,
  server(arrived, ready) {
    return createServer({ noDelay: true }, (socket) => {
      if (arrived(socket)) ready(socket, socket);
      else socket.destroy();
    });
  },
  connect(target, ready) {
    const options = target.kind === 'unix' ? { path: target.path } : { ...target, noDelay: true };
    return connect(options, ready);
  },
};
