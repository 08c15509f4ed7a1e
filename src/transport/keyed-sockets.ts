/**
 * TLS 1.3 between nodes that know one cluster key. README.md in this folder has the argument.
 *
 * Invariants
 *   E1  One version, one cipher suite, an ephemeral key exchange, no certificates, no tickets:
 *       there is nothing to negotiate down to, and the cluster key is the only way in.
 *   E2  A client proves in its first message that it knows the key, before the server says
 *       anything but an alert; the server proves it in its answer.
 *   E3  Both sides look at the finished handshake again (`proven`): the settings above are
 *       another library's to keep.
 *   E4  A key that the server does not know fails exactly as a wrong key does, so that strangers
 *       are not told which keys there are.
 *   E5  Unix sockets stay as they are: the file's mode, which the listener sets, lets in nobody but
 *       the user himself.
 */
import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import { type Fault, fault, type Random, systemRandom } from '../core/index.ts';
import { type ClusterKey, type ClusterKeys, keyOf } from './cluster-key.ts';
import { plainSockets, type ServerEvents, type SocketFactory, socketReason } from './sockets.ts';

const PURPOSE = 'tls 1.3 psk';
const PSK_BYTES = 32;

/** E1. The suite's hash has to be SHA-256: no other works with keys that a callback gives. */
const settings: SecureContextOptions = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
  ca: [],
};

const UNANSWERED =
  'it closed the connection unanswered: it is full, is no RainStorm node, or has no cluster key';

/** A handshake that ended well without the key: never seen, and then the last line (E3). */
class Unproven extends Error {
  readonly code = 'ERR_SSL_UNPROVEN';
  readonly reason = 'it did not prove that it knows a cluster key';
}

/**
 * Streams that only programs with one of the cluster's keys can make. `keys` is asked at each
 * handshake, so that a file read again counts from the next connection on.
 */
export function keyedSockets(
  keys: () => ClusterKeys,
  random: Random = systemRandom,
): SocketFactory {
  const context = createSecureContext(settings);
  return {
    secure: true,
    server: (events) => keyedServer(keys, random, events),
    connect(target, ready) {
      if (target.kind === 'unix') return plainSockets.connect(target, ready);
      return keyedClient(keys().current, context, target, ready);
    },
    explain: (address, error) => explain(address, error, keys().current.id),
  };
}

function keyedServer(keys: () => ClusterKeys, random: Random, events: ServerEvents): Server {
  const raws = new Map<string, Socket>();
  const handshakes = createTlsServer({
    ...settings,
    pskCallback: (_, id) =>
      keyOf(keys(), id)?.derive(PURPOSE, PSK_BYTES) ?? random.bytes(PSK_BYTES),
  });
  handshakes.on('secureConnection', (stream) => {
    const raw = raws.get(pathOf(stream));
    if (raw === undefined || !proven(stream)) stream.destroy();
    else events.ready(stream, raw);
  });
  handshakes.on('tlsClientError', (error, stream) => {
    events.refused(stream.remoteAddress ?? '', socketReason(error));
    stream.destroy();
  });
  const server = createServer({ noDelay: true }, (raw) => {
    if (!events.arrived(raw)) {
      raw.destroy();
    } else if (typeof server.address() === 'string') {
      events.ready(raw, raw);
    } else {
      const path = pathOf(raw);
      raws.set(path, raw);
      raw.once('close', () => raws.delete(path));
      handshakes.emit('connection', raw);
    }
  });
  return server;
}

function keyedClient(
  key: ClusterKey,
  secureContext: SecureContext,
  { host, port }: { readonly host: string; readonly port: number },
  ready: () => void,
): Socket {
  const stream = tlsConnect({
    host,
    port,
    secureContext,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: key.derive(PURPOSE, PSK_BYTES), identity: key.id }),
  });
  stream.setNoDelay(true);
  stream.once('secureConnect', () => {
    if (proven(stream)) ready();
    else stream.destroy(new Unproven('unproven'));
  });
  return stream;
}

/** E3: TLS 1.3 was spoken, nobody showed a certificate, and so a pre-shared key was used. */
function proven(stream: TLSSocket): boolean {
  return (
    stream.getProtocol() === 'TLSv1.3' &&
    stream.isSessionReused() &&
    stream.getPeerX509Certificate() === undefined
  );
}

/** Names a connection: its TLS stream and the socket below have the same two ends. */
function pathOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function explain(address: string, error: Error | null, key: string): Fault {
  const code = error !== null && 'code' in error ? error.code : null;
  // the proof of the key did not fit (E4)
  if (code === 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR')
    return fault('KEY_WRONG', { address, key }, error);
  if (error === null || code === 'ECONNRESET')
    return fault('PEER_UNREACHABLE', { address, reason: UNANSWERED }, error);
  const reason = socketReason(error);
  const system = 'syscall' in error || error instanceof AggregateError;
  return fault(system ? 'PEER_UNREACHABLE' : 'PEER_FOREIGN', { address, reason }, error);
}
