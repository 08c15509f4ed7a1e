/**
 * Peers that break the protocol, with and without a cluster key, before and after their hello.
 */
import test, { type ExecutionContext } from 'ava';
import { isFault, seededRandom } from '../../src/core/index.ts';
import { parseKeyFile, plainSockets, type SocketFactory } from '../../src/transport/index.ts';
import { badFirstFrames, badFrames, damaged, data, longPromise } from './helpers/bad-frames.ts';
import {
  type Door,
  enter,
  frame,
  hello,
  keyed,
  knownSpeaker,
  openDoor,
  ping,
  recorded,
  Stranger,
  speaker,
} from './helpers/door.ts';
import { Inbox } from './helpers/inbox.ts';
import type { RawPeer } from './helpers/raw-peer.ts';

const factories: readonly (readonly [string, () => SocketFactory])[] = [
  ['without a key', () => plainSockets],
  ['with the key', keyed],
];

/** A connection that must not notice anything. */
async function bystander(t: ExecutionContext, door: Door, secure: SocketFactory) {
  const connection = await enter(t, door, secure);
  const inbox = Inbox.on(connection);
  const { messages } = door.inboxes[0];
  return async (): Promise<boolean> => {
    connection.send({ kind: 'end-ack', channel: messages.length });
    await door.inboxes[0].until(messages.length + 1);
    return inbox.ends === 0;
  };
}

for (const [kind, factory] of factories) {
  test(`${kind}: whoever breaks the protocol before hello gets no byte`, async (t) => {
    const door = await openDoor(t, { secure: factory() });
    const undisturbed = await bystander(t, door, factory());
    for (const [name, bytes] of badFirstFrames) {
      const peer = await speaker(t, door, factory());
      peer.socket.write(bytes);
      await peer.ended;
      t.is(peer.bytes, 0, name);
    }
    t.is(door.accepted.length, 1);
    t.true(await undisturbed());
  });

  test(`${kind}: whoever breaks the protocol after hello is told and closed alone`, async (t) => {
    const door = await openDoor(t, { secure: factory() });
    const undisturbed = await bystander(t, door, factory());
    for (const [name, bytes] of [...badFrames, ['hello twice', frame(hello)] as const]) {
      const peer = await knownSpeaker(t, door, factory());
      peer.socket.write(bytes);
      const [, goodbye] = await peer.until(2);
      t.like(goodbye, { kind: 'goodbye', fault: { code: 'WIRE_INVALID' } }, name);
      await peer.ended;
      t.true(isFault(await door.inboxes[door.inboxes.length - 1].ended, 'WIRE_INVALID'), name);
    }
    t.true(await undisturbed());
  });

  test(`${kind}: a range of versions that does not fit is answered with ours`, async (t) => {
    const door = await openDoor(t, { secure: factory() });
    for (const versions of [
      [0, 0],
      [2, 9],
      [9, 2],
      [2, 0],
      [0xffff, 0xffff],
    ] as const) {
      const peer = await speaker(t, door, factory());
      peer.say({ ...hello, versions: [...versions] });
      t.like((await peer.until(1))[0], { kind: 'goodbye', fault: { code: 'PROTOCOL_VERSION' } });
      await peer.ended;
    }
    t.is(door.accepted.length, 0);
  });

  test(`${kind}: memory follows what has come, not what was promised`, async (t) => {
    const door = await openDoor(t, { secure: factory() });
    const peers: RawPeer[] = [];
    for (let i = 0; i < 30; i++) peers.push(await knownSpeaker(t, door, factory()));
    const before = process.memoryUsage().arrayBuffers;
    for (const peer of peers) {
      peer.say(ping);
      peer.socket.write(longPromise);
    }
    for (const peer of peers) await peer.until(2);
    const promisedBytes = peers.length * 32 * 1024 * 1024;
    t.true(process.memoryUsage().arrayBuffers - before < promisedBytes / 32);
    for (const peer of peers) peer.socket.destroy();
  });

  test(`${kind}: damaged frames harm nobody else`, async (t) => {
    const door = await openDoor(t, { secure: factory() });
    const undisturbed = await bystander(t, door, factory());
    const random = seededRandom(11);
    const valid = [hello, ping].map(frame).concat(data);
    const seen = { accepted: 0, silent: 0 };
    for (let i = 0; i < 60; i++) {
      const peer = await speaker(t, door, factory());
      const first = i % 2 === 0 ? frame(hello) : damaged(frame(hello), random);
      peer.socket.end(Buffer.concat([first, damaged(valid[i % valid.length], random)]));
      await peer.ended;
      seen[peer.messages.some((each) => each.kind === 'welcome') ? 'accepted' : 'silent'] += 1;
    }
    t.true(seen.accepted >= 20 && seen.silent >= 10, JSON.stringify(seen));
    t.true(await undisturbed());
  });
}

test('a damaged recording of a handshake opens nothing and stops nothing', async (t) => {
  const door = await openDoor(t, { secure: keyed() });
  const said = Buffer.concat(await recorded(t, door, keyed()));
  const random = seededRandom(12);
  for (let i = 0; i < 100; i++) {
    const stranger = new Stranger(t, door.address);
    stranger.socket.end(damaged(said, random));
    await stranger.closed;
    t.true(stranger.received.length < 4096);
  }
  t.is(door.accepted.length, 1);
  await enter(t, door, keyed());
  t.is(door.accepted.length, 2);
});

test('a key file is read or refused, whatever is in it, and never quoted', (t) => {
  const random = seededRandom(13);
  const secret = Buffer.from(random.bytes(32)).toString('hex');
  const good = Buffer.from(`# a comment\n${secret}\n`);
  const seen = { read: 0, refused: 0 };
  for (let i = 0; i < 3000; i++) {
    const bytes = i % 3 === 0 ? Buffer.from(random.bytes(i % 97)) : damaged(good, random);
    try {
      parseKeyFile(bytes, 'k');
      seen.read += 1;
    } catch (error) {
      if (!isFault(error, 'KEY_FILE_INVALID')) throw error;
      seen.refused += 1;
      for (let at = 0; at + 8 <= secret.length; at += 8)
        if (error.message.includes(secret.slice(at, at + 8))) t.fail(error.message);
    }
  }
  t.true(seen.read > 100 && seen.refused > 1000, JSON.stringify(seen));
});
