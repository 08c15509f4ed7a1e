/**
 * Strangers at the door of a node with a cluster key. Each attack gives the ways in that it found;
 * it is run against the door as it is and against one with the guard taken out.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  createServer as createTlsServer,
  type TlsOptions,
  connect as tlsConnect,
} from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { isFault, systemClock } from '../../src/core/index.ts';
import {
  keyedSockets,
  plainSockets,
  type SocketFactory,
  TcpTransport,
} from '../../src/transport/index.ts';
import { certificate, certificateKey } from './helpers/certificate.ts';
import {
  type Door,
  enter,
  frame,
  hello,
  keyed,
  openDoor,
  ping,
  recorded,
  Stranger,
  targetOf,
} from './helpers/door.ts';
import { nearId } from './helpers/harness.ts';
import { clusterKey, clusterKeys } from './helpers/keys.ts';

type Attack = (t: ExecutionContext, door: Door) => Promise<readonly string[]>;

const wrongKey = (): SocketFactory => keyedSockets(() => clusterKeys('w'));
const psk = clusterKey('a').derive('tls 1.3 psk', 32);
const pskOptions: ConnectionOptions = {
  ca: [],
  checkServerIdentity: () => undefined,
  pskCallback: () => ({ psk, identity: clusterKey('a').id }),
};

const plainClients: Attack = async (t, door) => {
  const found: string[] = [];
  const garbage = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const first = [frame(hello), frame(ping), garbage, Buffer.alloc(300), Buffer.from([22, 3, 1])];
  for (const bytes of first) {
    const stranger = new Stranger(t, door.address);
    stranger.write(bytes);
    stranger.socket.end();
    await stranger.closed;
    if (stranger.answered > 0) found.push(`${stranger.answered} bytes of an answer`);
  }
  return [...found, ...door.accepted.map(() => 'a plain client was accepted')];
};

const wrongKeys: Attack = async (_t, door) => {
  const stranger = new TcpTransport({
    identity: nearId,
    clock: systemClock,
    secure: wrongKey(),
  });
  const outcome = await stranger.connect(door.address).catch((error: unknown) => error);
  if (isFault(outcome, 'KEY_WRONG')) return [];
  return ['a wrong key was accepted'];
};

/** Every way that is not the one way: other versions, other suites, no key, another key's name. */
const games: readonly (readonly [string, ConnectionOptions])[] = [
  ['TLS 1.2', { ...pskOptions, maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2', ciphers: 'PSK' }],
  ['another suite', { ...pskOptions, ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }],
  ['a longer hash', { ...pskOptions, ciphers: 'TLS_AES_256_GCM_SHA384' }],
  ['no key', { ca: [], rejectUnauthorized: false }],
  ['no name', { ...pskOptions, pskCallback: () => ({ psk, identity: '' }) }],
  ['a long name', { ...pskOptions, pskCallback: () => ({ psk, identity: 'a'.repeat(128) }) }],
  ['an empty key', emptyKey()],
  ['a certificate', { cert: certificate, key: certificateKey, ca: [], rejectUnauthorized: false }],
];

function emptyKey(): ConnectionOptions {
  const identity = clusterKey('a').id;
  return { ...pskOptions, pskCallback: () => ({ psk: Buffer.alloc(32), identity }) };
}

/** The end of `socket`, whatever ends it. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

const downgrades: Attack = async (t, door) => {
  const found: string[] = [];
  for (const [name, options] of games) {
    const { host, port } = targetOf(door.address);
    const stream = tlsConnect({ host, port, ...options });
    t.teardown(() => stream.destroy());
    let bytes = 0;
    stream.on('error', () => 'expected');
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.once('secureConnect', () => {
      stream.write(frame(hello));
      stream.end();
    });
    await closeOf(stream);
    if (bytes > 0) found.push(`${name} was answered ${bytes} bytes`);
  }
  return [...found, ...door.accepted.map(() => 'a game was accepted')];
};

/** TLS as it might be set up by mistake. */
function mistaken(options: TlsOptions): SocketFactory {
  const good = keyed();
  return {
    ...good,
    server({ arrived, ready }) {
      return createTlsServer(options, (stream) => {
        stream.on('error', () => stream.destroy());
        if (arrived(stream)) ready(stream, stream);
      }).on('tlsClientError', (_error, stream) => stream.destroy());
    },
  };
}

const plants: readonly (readonly [string, Attack, SocketFactory])[] = [
  ['that forgot the encryption', plainClients, { ...plainSockets, secure: true }],
  ['that knows more keys than its own', wrongKeys, keyedSockets(() => clusterKeys('a', 'w'))],
  [
    'that speaks older versions',
    downgrades,
    mistaken({
      pskCallback: () => psk,
      ciphers: 'PSK:TLS_AES_128_GCM_SHA256',
      minVersion: 'TLSv1.2',
    }),
  ],
  [
    'that has a certificate',
    downgrades,
    mistaken({ cert: certificate, key: certificateKey, minVersion: 'TLSv1.3' }),
  ],
];

for (const [name, attack] of Object.entries({ plainClients, wrongKeys, downgrades })) {
  test(`attack, ${name}: nothing gets in and nothing is answered`, async (t) => {
    const door = await openDoor(t, { secure: keyed() });
    t.deepEqual(await attack(t, door), []);
    await enter(t, door, keyed());
    t.is(door.accepted.length, 1, 'the door still opens for a node with the key');
  });
}

for (const [name, attack, secure] of plants) {
  test(`attacks notice a node ${name}`, async (t) => {
    const door = await openDoor(t, { secure });
    t.not((await attack(t, door)).length, 0);
  });
}

test('a recorded connection that is played again is not accepted', async (t) => {
  const door = await openDoor(t, { secure: keyed() });
  const said = await recorded(t, door, keyed());
  t.is(door.accepted.length, 1);
  t.true(Buffer.concat(said).length > 500, 'there is something to play again');
  for (const parts of [said, [Buffer.concat(said)], said.slice(0, 1)]) {
    const stranger = new Stranger(t, door.address);
    for (const part of parts) {
      stranger.write(part);
      await new Promise(setImmediate);
    }
    stranger.socket.end();
    await stranger.closed;
    // the server's own handshake and at most an alert: 10 times less than one block
    t.true(stranger.received.length < 4096, String(stranger.received.length));
  }
  t.is(door.accepted.length, 1);
  t.is(door.inboxes[0].messages.length, 1);
});

test('the replay is noticed where there is no encryption', async (t) => {
  const door = await openDoor(t, { secure: { ...plainSockets, secure: true } });
  const said = await recorded(t, door, plainSockets);
  const stranger = new Stranger(t, door.address);
  stranger.write(Buffer.concat(said));
  await stranger.closed;
  t.is(door.accepted.length, 2);
});

test('a session of before is not taken up again', async (t) => {
  const door = await openDoor(t, { secure: keyed() });
  const { host, port } = targetOf(door.address);
  const ciphers = 'TLS_AES_128_GCM_SHA256';
  const first = tlsConnect({ host, port, ...pskOptions, ciphers });
  t.teardown(() => first.destroy());
  first.on('error', () => 'the end of the test');
  const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
  first.on('data', () => 'read the welcome');
  first.write(frame(hello));
  const second = tlsConnect({ host, port, ca: [], ciphers, session: await session });
  second.on('error', () => 'expected');
  second.once('secureConnect', () => t.fail('a ticket opened the door'));
  await closeOf(second);
  t.is(door.accepted.length, 1);
});

test('one who dials is told a wrong key from what is no RainStorm node', async (t) => {
  const door = await openDoor(t, { secure: keyed() });
  const plainDoor = await openDoor(t);
  const impostor = await listening(t, mistakenServer());
  const talker = await listening(
    t,
    createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')),
  );
  const ofCluster = (secure: SocketFactory) =>
    new TcpTransport({ identity: nearId, clock: systemClock, secure });
  const cases: readonly (readonly [SocketFactory, string, string, RegExp])[] = [
    [wrongKey(), door.address, 'KEY_WRONG', /^wrong key: .* does not know the key [0-9a-f]{16};/],
    [plainSockets, door.address, 'PEER_UNREACHABLE', /unanswered: .* asks for a --key-file\)/],
    [keyed(), plainDoor.address, 'PEER_UNREACHABLE', /unanswered: .* has no cluster key\)/],
    [keyed(), impostor, 'PEER_FOREIGN', /is not a RainStorm node like this one/],
    [keyed(), talker, 'PEER_FOREIGN', /wrong version number/],
    [plainSockets, talker, 'PEER_FOREIGN', /is not a RainStorm node like this one/],
  ];
  for (const [secure, address, code, says] of cases) {
    const error = await t.throwsAsync(ofCluster(secure).connect(address));
    t.true(isFault(error) && error.code === code, String(error));
    t.regex(error?.message ?? '', says);
    t.false(/\n|routes|openssl/i.test(error?.message ?? ''), 'one sentence');
  }
  t.is(door.accepted.length + plainDoor.accepted.length, 0);
});

function mistakenServer() {
  return createTlsServer({ cert: certificate, key: certificateKey }, (stream) => {
    stream.on('error', () => stream.destroy());
    stream.write(frame({ kind: 'welcome', version: 1, node: 'impostor', term: 0 }));
  }).on('tlsClientError', (_error, stream) => stream.destroy());
}

async function listening(
  t: ExecutionContext,
  server: ReturnType<typeof createServer>,
): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const bound = server.address();
  return `127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
}

test('keys change one node at a time, and no connection is refused on the way', async (t) => {
  const steps = [
    [clusterKeys('a'), clusterKeys('a', 'b')],
    [clusterKeys('a', 'b'), clusterKeys('b', 'a')],
    [clusterKeys('b', 'a'), clusterKeys('b')],
  ] as const;
  for (const [before, after] of steps) {
    for (const [near, far] of [
      [before, after],
      [after, before],
      [after, after],
    ]) {
      const door = await openDoor(t, { secure: keyedSockets(() => far) });
      await enter(
        t,
        door,
        keyedSockets(() => near),
      );
      t.is(door.accepted.length, 1);
    }
  }
  const old = await openDoor(t, { secure: keyedSockets(() => clusterKeys('b')) });
  const error = await t.throwsAsync(
    enter(
      t,
      old,
      keyedSockets(() => clusterKeys('a')),
    ),
  );
  t.true(isFault(error, 'KEY_WRONG'));
});

test('keys that are read again count from the next connection on', async (t) => {
  let keys = clusterKeys('a');
  const door = await openDoor(t, { secure: keyedSockets(() => keys) });
  await enter(t, door, keyed());
  keys = clusterKeys('b');
  t.true(isFault(await t.throwsAsync(enter(t, door, keyed())), 'KEY_WRONG'));
});
