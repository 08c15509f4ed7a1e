/** How datagrams travel. The driver knows nothing else of the network. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { fault, isFault, type Logger, reasonOf } from '../core/index.ts';
import { formatAddress, isLoopback, parseAddress, type Target } from '../transport/index.ts';
import { DATAGRAM_BYTES_MAX } from './limits.ts';

/** Called with the address that a datagram came from; `bytes` are the receiver's to keep. */
export type DatagramReceiver = (from: string, bytes: Uint8Array) => void;

export interface Datagrams {
  /** "host:port" that this end is bound to */
  readonly address: string;
  /** Sends `bytes`, perhaps; what goes wrong is the network's usual loss. */
  send(to: string, bytes: Uint8Array): void;
  /** Hands over what comes, from now on. */
  receive(receiver: DatagramReceiver): void;
  close(): Promise<void>;
}

export interface UdpOptions {
  /** "host:port", "[v6]:port"; port 0 takes a free one */
  readonly bind: string;
  /** whether packets are sealed; without a key only loopback is listened on */
  readonly keyed: boolean;
  readonly log: Logger;
}

/**
 * A UDP socket, of IPv4 or IPv6 as the address says.
 * @throws fault ADDRESS_INVALID, KEY_REQUIRED, PORT_IN_USE, LISTEN_FAILED
 */
export async function openUdp({ bind, keyed, log }: UdpOptions): Promise<Datagrams> {
  const target = parseAddress(bind);
  if (target.kind === 'unix')
    throw fault('ADDRESS_INVALID', { address: bind, reason: 'datagrams need host:port' });
  if (!keyed && !isLoopback(target)) throw fault('KEY_REQUIRED', { address: bind });
  const v6 = isIP(target.host) === 6;
  const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6 });
  try {
    await bound(socket, target.host, target.port);
  } catch (error) {
    socket.close();
    throw listenFault(bind, error);
  }
  return new UdpDatagrams(socket, log);
}

class UdpDatagrams implements Datagrams {
  readonly address: string;
  readonly #socket: Socket;
  #receiver: DatagramReceiver | null = null;
  #closed: Promise<void> | null = null;

  constructor(socket: Socket, log: Logger) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = formatAddress(address, port);
    socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      if (bytes.length <= DATAGRAM_BYTES_MAX)
        this.#receiver?.(formatAddress(from.address, from.port), bytes);
    });
    socket.on('error', (error) => {
      log.error('the datagram socket failed and is closed', { reason: reasonOf(error) });
      void this.close();
    });
  }

  send(to: string, bytes: Uint8Array): void {
    if (this.#closed !== null) return;
    const target = reachable(to);
    if (target === null) return;
    // Unreachable, unresolvable, no buffer: as good as lost on the way.
    this.#socket.send(bytes, target.port, target.host, () => undefined);
  }

  receive(receiver: DatagramReceiver): void {
    this.#receiver = receiver;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#receiver = null;
      this.#socket.close(() => resolve());
    });
    return this.#closed;
  }
}

/** Where `address` is; null when no datagram can get there, whoever named it. */
function reachable(address: string): (Target & { kind: 'tcp' }) | null {
  try {
    const target = parseAddress(address);
    return target.kind === 'tcp' ? target : null;
  } catch (error) {
    if (isFault(error, 'ADDRESS_INVALID')) return null;
    throw error;
  }
}

function bound(socket: Socket, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind({ address: host, port, exclusive: true }, () => {
    socket.off('error', reject);
    resolve();
  });
  return promise;
}

function listenFault(address: string, error: unknown): Error {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  if (inUse) return fault('PORT_IN_USE', { address }, error);
  return fault('LISTEN_FAILED', { address, reason: reasonOf(error) }, error);
}
