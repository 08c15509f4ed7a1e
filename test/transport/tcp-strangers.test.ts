import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { isFault, systemClock } from '../../src/core/index.ts';
import {
  type Connection,
  type Listener,
  TcpTransport,
  type TransportLimits,
} from '../../src/transport/index.ts';
import { Strangers } from '../../src/transport/strangers.ts';
import type { Message } from '../../src/wire/index.ts';
import { farId, nearId } from './helpers/harness.ts';
import { Inbox } from './helpers/inbox.ts';
import { ManualClock } from './helpers/manual-clock.ts';
import { RawPeer } from './helpers/raw-peer.ts';

const hello: Message = {
  kind: 'hello',
  versions: [1, 1],
  node: nearId.node,
  role: 'node',
  term: 1,
};
const ping: Message = { kind: 'ping', n: 1 };

interface Door {
  readonly listener: Listener;
  readonly clock: ManualClock;
  readonly accepted: Connection[];
}

async function door(t: ExecutionContext, limits?: Partial<TransportLimits>): Promise<Door> {
  const clock = new ManualClock();
  const transport = new TcpTransport({ identity: farId, clock, limits: { ...limits } });
  const accepted: Connection[] = [];
  const listener = await transport.listen('127.0.0.1:0', (connection) => {
    accepted.push(connection);
    Inbox.on(connection);
  });
  t.teardown(async () => {
    await listener.close();
    for (const connection of accepted) connection.close();
    clock.advance(60_000);
  });
  return { listener, clock, accepted };
}

test('a stranger that says no hello is dropped without an answer', async (t) => {
  const { listener, accepted } = await door(t);
  const garbage = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const oversize = Buffer.from('00100000a5000101', 'hex');
  for (const bytes of [garbage, oversize, Buffer.alloc(100)]) {
    const peer = await RawPeer.to(t, listener.address);
    peer.socket.write(bytes);
    await peer.ended;
    t.is(peer.bytes, 0);
  }
  const peer = await RawPeer.to(t, listener.address);
  peer.say(ping);
  await peer.ended;
  t.is(peer.bytes, 0);
  t.is(accepted.length, 0);
});

test('a stranger that says nothing is dropped after its time', async (t) => {
  const { listener, clock } = await door(t);
  const peer = await RawPeer.to(t, listener.address);
  // the peer behind it shows that the one before has been accepted by the listener
  const second = await RawPeer.to(t, listener.address);
  second.say(hello);
  await second.until(1);
  clock.advance(5_000);
  await peer.ended;
  t.is(peer.bytes, 0);
});

test('strangers are bounded, and known peers do not count', async (t) => {
  const { listener } = await door(t, { strangersMax: 2 });
  const known = await RawPeer.to(t, listener.address);
  known.say(hello);
  t.is((await known.until(1))[0].kind, 'welcome');
  const waiting = [await RawPeer.to(t, listener.address), await RawPeer.to(t, listener.address)];
  const third = await RawPeer.to(t, listener.address);
  await third.ended;
  waiting[0].say(hello);
  t.is((await waiting[0].until(1))[0].kind, 'welcome');
  const fourth = await RawPeer.to(t, listener.address);
  fourth.say(hello);
  t.is((await fourth.until(1))[0].kind, 'welcome');
});

test('one address of another machine cannot take every place', (t) => {
  const strangers = new Strangers(64, 8);
  const from = (address: string, count: number): number =>
    Array.from({ length: count }, () => strangers.admit(address)).filter(Boolean).length;
  t.is(from('10.0.0.1', 20), 8);
  t.is(from('::ffff:10.0.0.2', 20), 8);
  t.is(from('127.0.0.1', 100), 48);
  t.is(from('10.0.0.3', 1), 0);
  strangers.release('10.0.0.1');
  t.is(from('10.0.0.1', 2), 1);
  strangers.release('10.9.9.9');
  t.is(from('10.0.0.3', 1), 0);
});

test('another protocol version is refused with both ranges and both names', async (t) => {
  const { listener } = await door(t);
  const peer = await RawPeer.to(t, listener.address);
  peer.say({ ...hello, versions: [2, 4] });
  const [goodbye] = await peer.until(1);
  t.like(goodbye, { kind: 'goodbye', fault: { code: 'PROTOCOL_VERSION' } });
  const said = goodbye.kind === 'goodbye' ? goodbye.fault?.message : '';
  t.regex(said ?? '', /near speaks the protocol versions 2 to 4 and .*far speaks 1; run the same/);
  await peer.ended;
});

test('the one who connects learns why it was refused', async (t) => {
  const fault = {
    code: 'PROTOCOL_VERSION',
    message:
      'n speaks the protocol versions 1 and m speaks 2; run the same release of rainstorm on both',
    parameters: { peer: 'n', theirs: '1', node: 'm', ours: '2' },
  };
  const answers: readonly (readonly [Message | null, string, RegExp])[] = [
    [{ kind: 'goodbye', fault }, 'PROTOCOL_VERSION', /^n speaks .* and m speaks 2/],
    [{ kind: 'welcome', version: 9, node: 'm', term: 0 }, 'PROTOCOL_VERSION', /^m speaks .* 9 and/],
    [ping, 'WIRE_INVALID', /ping came before welcome/],
    [null, 'PEER_UNREACHABLE', /it closed the connection unanswered: .* --key-file/],
  ];
  for (const [answer, code, says] of answers) {
    const server = createServer((socket) => {
      const peer = RawPeer.on(t, socket);
      if (answer !== null) peer.say(answer);
      socket.end();
    });
    t.teardown(() => server.close());
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    const transport = new TcpTransport({ identity: nearId, clock: systemClock });
    const error = await t.throwsAsync(transport.connect(`127.0.0.1:${port}`));
    t.true(isFault(error) && error.code === code, String(error));
    t.regex(error?.message ?? '', says);
  }
});

test('a peer that accepts and never answers is given up in time, or when asked', async (t) => {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => sockets.add(socket.pause()));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const bound = server.address();
  const address = `127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
  const clock = new ManualClock();
  const transport = new TcpTransport({ identity: nearId, clock });
  const attempt = transport.connect(address);
  clock.advance(5_000);
  const error = await t.throwsAsync(attempt);
  t.true(isFault(error, 'PEER_UNREACHABLE'));
  t.regex(error?.message ?? '', /no answer within 5 s/);
  const controller = new AbortController();
  const second = transport.connect(address, controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(second), reason);
  t.is(clock.pending, 0);
});

test('a message that breaks the protocol ends that connection only, with the reason', async (t) => {
  const { listener, accepted } = await door(t);
  const bad = await RawPeer.to(t, listener.address);
  const good = await RawPeer.to(t, listener.address);
  for (const peer of [bad, good]) {
    peer.say(hello);
    await peer.until(1);
  }
  for (const [index, bytes] of ['00000005a200184005', '00000005a2000401f5'].entries()) {
    const peer = index === 0 ? bad : await RawPeer.to(t, listener.address);
    if (index > 0) peer.say(hello);
    peer.socket.write(Buffer.from(bytes, 'hex'));
    const messages = await peer.until(2);
    t.like(messages[1], { kind: 'goodbye', fault: { code: 'WIRE_INVALID' } });
    await peer.ended;
  }
  good.say(ping);
  t.deepEqual((await good.until(2))[1], { kind: 'pong', n: 1 });
  good.say(hello);
  t.like((await good.until(3))[2], { kind: 'goodbye', fault: { code: 'WIRE_INVALID' } });
  t.is(accepted.length, 3);
});

test('a connection cut without a goodbye is a fault', async (t) => {
  const clock = new ManualClock();
  const transport = new TcpTransport({ identity: farId, clock });
  const ended = Promise.withResolvers<unknown>();
  const seen: Message[] = [];
  const listener = await transport.listen('127.0.0.1:0', (connection) =>
    connection.serve({ message: (message) => seen.push(message), closed: ended.resolve }),
  );
  t.teardown(() => listener.close());
  const peer = await RawPeer.to(t, listener.address);
  peer.say(hello);
  await peer.until(1);
  peer.say({ kind: 'end-ack', channel: 1 });
  peer.socket.end();
  t.true(isFault(await ended.promise, 'PEER_LOST'));
  t.deepEqual(seen, [{ kind: 'end-ack', channel: 1 }], 'what came before the end is delivered');
  t.is(clock.pending, 0);
});

test('a peer that does not read the goodbye is cut off after its time', async (t) => {
  const { listener, clock, accepted } = await door(t);
  const peer = await RawPeer.to(t, listener.address);
  peer.say(hello);
  await peer.until(1);
  peer.socket.pause();
  const block = new Uint8Array(16 * 1024 * 1024);
  const data = { kind: 'data' as const, channel: 1, fromEpoch: 1, toEpoch: 1, count: 1, block };
  accepted[0].send({ ...data, firstSeq: 1 });
  accepted[0].close();
  clock.advance(5_000);
  peer.socket.resume();
  await peer.ended;
  t.true(peer.bytes < block.length);
  t.is(clock.pending, 0);
});
