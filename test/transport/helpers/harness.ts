import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../../src/core/index.ts';
import {
  type Connection,
  type Identity,
  InProcessHub,
  InProcessTransport,
  keyedSockets,
  plainSockets,
  type SocketFactory,
  TcpTransport,
  type Transport,
  type TransportLimits,
} from '../../../src/transport/index.ts';
import { encodeMessage } from '../../../src/wire/index.ts';
import { tmpDir } from '../../helpers/tmp-dir.ts';
import { clusterKeys } from './keys.ts';

export interface Setting {
  readonly clock?: Clock;
  readonly limits?: Partial<TransportLimits>;
}

export interface Pair {
  readonly near: Connection;
  readonly far: Connection;
}

/** What the shared suite needs of a kind of transport. */
export interface Harness {
  readonly name: string;
  /** Two nodes that can reach each other. */
  nodes(t: ExecutionContext, setting?: Setting): readonly [Transport, Transport];
  /** An address that is free to listen on. */
  address(t: ExecutionContext): string;
  /** A connection whose peer has been stopped after the handshake. */
  halfOpen(t: ExecutionContext, setting: Setting): Promise<Connection>;
}

export const nearId: Identity = { node: '127.0.0.1:1#near', role: 'client', term: () => 5 };
export const farId: Identity = { node: '127.0.0.1:2#far', role: 'node', term: () => 9 };

/** A connection between two nodes, both ends, ended after the test. */
export async function connected(
  harness: Harness,
  t: ExecutionContext,
  setting?: Setting,
): Promise<Pair> {
  const [a, b] = harness.nodes(t, setting);
  const accepted = Promise.withResolvers<Connection>();
  const listener = await b.listen(harness.address(t), accepted.resolve);
  t.teardown(() => listener.close());
  const near = await a.connect(listener.address);
  const far = await accepted.promise;
  t.teardown(() => {
    near.close();
    far.close();
  });
  return { near, far };
}

export const inProcess: Harness = {
  name: 'in process',
  nodes: (_t, setting) => {
    const hub = new InProcessHub();
    const common = { hub, clock: systemClock, ...setting };
    return [
      new InProcessTransport({ ...common, identity: nearId }),
      new InProcessTransport({ ...common, identity: farId }),
    ];
  },
  address: () => 'node-2:0',
  async halfOpen(_t, setting) {
    const hub = new InProcessHub();
    const common = { hub, clock: systemClock, ...setting };
    const far = new InProcessTransport({ ...common, identity: farId });
    const { address } = await far.listen('node-2', () => 'never served');
    const near = await new InProcessTransport({ ...common, identity: nearId }).connect(address);
    hub.silence(address, true);
    return near;
  },
};

/** Sockets that `secure` makes; addresses come from `address`. */
function sockets(
  name: string,
  address: (t: ExecutionContext) => string,
  secure: SocketFactory = plainSockets,
): Harness {
  const common = { clock: systemClock, secure };
  return {
    name,
    address,
    nodes: (_t, setting) => [
      new TcpTransport({ ...common, ...setting, identity: nearId }),
      new TcpTransport({ ...common, ...setting, identity: farId }),
    ],
    async halfOpen(t, setting) {
      const at = await stoppedPeer(t, address(t), secure);
      return new TcpTransport({ ...common, ...setting, identity: nearId }).connect(at);
    },
  };
}

export const tcp = sockets('tcp', () => '127.0.0.1:0');
export const unix = sockets('unix', (t) => `unix:${join(tmpDir(t), 'node.sock')}`);
export const tls = sockets(
  'tls',
  () => '127.0.0.1:0',
  keyedSockets(() => clusterKeys('a')),
);

/** A peer that welcomes whoever connects, and then neither reads nor writes. */
async function stoppedPeer(
  t: ExecutionContext,
  address: string,
  factory: SocketFactory,
): Promise<string> {
  const welcome = { kind: 'welcome' as const, version: 1, node: farId.node, term: 9 };
  const open = new Set<Socket>();
  const server = factory.server({
    arrived: (raw) => open.add(raw).has(raw),
    ready: (stream) => {
      open.add(stream.pause());
      stream.on('error', () => stream.destroy());
      for (const part of encodeMessage(welcome)) stream.write(part);
    },
    refused: (_from, reason) => t.fail(reason),
  });
  t.teardown(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  if (address.startsWith('unix:')) server.listen(address.slice('unix:'.length), resolve);
  else server.listen(0, '127.0.0.1', resolve);
  await promise;
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? `127.0.0.1:${bound.port}` : address;
}
