import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../../src/core/index.ts';
import {
  type Connection,
  keyedSockets,
  type SocketFactory,
  TcpTransport,
  type TransportLimits,
} from '../../../src/transport/index.ts';
import { encodeMessage, type Hello, type Message } from '../../../src/wire/index.ts';
import { farId, nearId } from './harness.ts';
import { Inbox } from './inbox.ts';
import { clusterKeys } from './keys.ts';
import { ManualClock } from './manual-clock.ts';
import { RawPeer } from './raw-peer.ts';

export const hello: Hello = {
  kind: 'hello',
  versions: [1, 1],
  node: nearId.node,
  role: 'node',
  term: 1,
};
export const ping: Message = { kind: 'ping', n: 1 };

/** A running listener, and what strangers have achieved at it. */
export interface Door {
  readonly address: string;
  readonly accepted: readonly Connection[];
  readonly inboxes: readonly Inbox[];
}

export interface DoorOptions {
  readonly secure?: SocketFactory;
  readonly limits?: Partial<TransportLimits>;
  readonly clock?: Clock;
}

/** What nodes with the key `a` use. */
export const keyed = (): SocketFactory => keyedSockets(() => clusterKeys('a'));

/** Listens; every connection that is accepted is served. */
export async function openDoor(t: ExecutionContext, options: DoorOptions = {}): Promise<Door> {
  const { clock = systemClock } = options;
  const transport = new TcpTransport({ identity: farId, clock, ...options });
  const accepted: Connection[] = [];
  const inboxes: Inbox[] = [];
  const listener = await transport.listen('127.0.0.1:0', (connection) => {
    accepted.push(connection);
    inboxes.push(Inbox.on(connection));
  });
  t.teardown(async () => {
    await listener.close();
    for (const connection of accepted) connection.close();
    if (clock instanceof ManualClock) clock.advance(60_000);
  });
  return { address: listener.address, accepted, inboxes };
}

/** A connection to `door` of a node as it should be. */
export async function enter(
  t: ExecutionContext,
  door: Door,
  secure: SocketFactory,
): Promise<Connection> {
  const transport = new TcpTransport({ identity: nearId, clock: systemClock, secure });
  const connection = await transport.connect(door.address);
  t.teardown(() => connection.close());
  return connection;
}

/** A peer that has passed TLS with `secure` and says what a test wants it to say. */
export async function speaker(
  t: ExecutionContext,
  door: Door,
  secure: SocketFactory,
): Promise<RawPeer> {
  const ready = Promise.withResolvers<void>();
  const socket = secure.connect(targetOf(door.address), ready.resolve);
  const peer = RawPeer.on(t, socket);
  socket.once('close', () => ready.reject(new Error('closed before it was ready')));
  await ready.promise;
  return peer;
}

/** As `speaker`, after the hello and the welcome. */
export async function knownSpeaker(
  t: ExecutionContext,
  door: Door,
  secure: SocketFactory,
): Promise<RawPeer> {
  const peer = await speaker(t, door, secure);
  peer.say(hello);
  await peer.until(1);
  return peer;
}

/** A bare socket at `address`, and everything it has been sent. */
export class Stranger {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly chunks: Buffer[] = [];

  constructor(t: ExecutionContext, address: string) {
    const { host, port } = targetOf(address);
    this.socket = connect(port, host);
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('error', () => 'the close that follows is what tests wait for');
    this.socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    t.teardown(() => this.socket.destroy());
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** What came back that is not a TLS alert, which is at most one record of 7 bytes. */
  get answered(): number {
    const { received } = this;
    const alert = received.length === 7 && received[0] === 21 && received[1] === 3;
    return alert ? 0 : received.length;
  }

  async connected(): Promise<this> {
    if (this.socket.connecting) await once(this.socket, 'connect');
    return this;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }
}

export function frame(message: Message): Buffer {
  return Buffer.concat(encodeMessage(message));
}

export function targetOf(address: string): {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
} {
  const at = address.lastIndexOf(':');
  return { kind: 'tcp', host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

/** Records what a good node says to `door`, byte for byte: its handshake, its hello and a message. */
export async function recorded(
  t: ExecutionContext,
  door: Door,
  secure: SocketFactory,
): Promise<Buffer[]> {
  const said: Buffer[] = [];
  const { host, port } = targetOf(door.address);
  const between = createServer((client) => {
    const server = connect(port, host);
    client.on('data', (chunk: Buffer) => said.push(chunk));
    for (const each of [client, server]) each.on('error', () => client.destroy());
    client.pipe(server).pipe(client);
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  t.teardown(() => between.close());
  const bound = between.address();
  const at = bound !== null && typeof bound === 'object' ? bound.port : 0;
  const before = door.inboxes.length;
  const through = { ...door, address: `127.0.0.1:${at}` };
  const connection = await enter(t, through, secure);
  Inbox.on(connection);
  connection.send({ kind: 'end-ack', channel: 7 });
  await door.inboxes[before].until(1);
  connection.close();
  await door.inboxes[before].ended;
  return said;
}
