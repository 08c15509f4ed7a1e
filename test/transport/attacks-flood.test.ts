/**
 * Strangers that hold connections open without ever saying who they are.
 */
import test, { type ExecutionContext } from 'ava';
import { sleep, systemClock } from '../../src/core/index.ts';
import { plainSockets, type SocketFactory } from '../../src/transport/index.ts';
import {
  type Door,
  enter,
  frame,
  hello,
  keyed,
  openDoor,
  recorded,
  Stranger,
} from './helpers/door.ts';
import { Inbox } from './helpers/inbox.ts';
import { ManualClock } from './helpers/manual-clock.ts';

const WAVE = 250;
const WAVES = 20;
const PLACES = 64;
/** How long a wave may take to be thinned out; only a door without a limit takes it all. */
const PATIENCE_MS = 15_000;

/** Opens `count` sockets that say nothing or next to nothing; how many are let stay. */
async function wave(
  t: ExecutionContext,
  door: Door,
  count: number,
  patienceMs: number,
): Promise<number> {
  const thin = new AbortController();
  let open = count;
  const strangers = Array.from({ length: count }, (_, i) => {
    const stranger = new Stranger(t, door.address);
    if (i % 2 === 0) stranger.write(Buffer.from([22, 3, 1]));
    stranger.closed.then(() => {
      open -= 1;
      if (open <= PLACES) thin.abort();
    }, t.fail);
    return stranger;
  });
  await sleep(systemClock, patienceMs, thin.signal);
  const stayed = open;
  t.true(strangers.every(({ answered }) => answered === 0));
  for (const { socket } of strangers) socket.destroy();
  await Promise.all(strangers.map(({ closed }) => closed));
  return stayed;
}

test('5,000 half-open sockets disturb no connection that is in use', async (t) => {
  const limits = { pingMs: 100, silentMs: 10_000 };
  const door = await openDoor(t, { secure: keyed(), limits });
  const near = await enter(t, door, keyed());
  const inbox = Inbox.on(near);
  const before = process.memoryUsage();
  let worst = 0;
  for (let i = 1; i <= WAVES; i++) {
    const stayed = wave(t, door, WAVE, PATIENCE_MS);
    const start = systemClock.now();
    near.send({ kind: 'end-ack', channel: i });
    await door.inboxes[0].until(i);
    worst = Math.max(worst, systemClock.now() - start);
    t.true((await stayed) <= PLACES);
  }
  const after = process.memoryUsage();
  t.log(`slowest heartbeat ${worst.toFixed(0)} ms`);
  t.true(worst < limits.silentMs / 2);
  t.is(inbox.ends + door.inboxes[0].ends, 0);
  t.is(door.accepted.length, 1);
  t.true(after.rss - before.rss < 256 * 1024 * 1024);
  await enter(t, door, keyed());
  t.is(door.accepted.length, 2, 'their places are free again');
});

test('a door without a limit on strangers is noticed', async (t) => {
  const door = await openDoor(t, { secure: keyed(), limits: { strangersMax: 1_000_000 } });
  t.is(await wave(t, door, 2 * PLACES, 300), 2 * PLACES);
});

const drips: readonly (readonly [string, () => SocketFactory])[] = [
  ['without a key', () => plainSockets],
  ['with a key', keyed],
];

for (const [name, factory] of drips) {
  test(`${name}: one byte at a time buys no time`, async (t) => {
    const { door, clock, first } = await slow(t, factory());
    const stranger = await drip(t, door, clock, first, factory());
    await stranger.closed;
    t.is(stranger.answered, 0);
  });

  test(`${name}: a door that waits for ever is noticed`, async (t) => {
    const { door, clock, first } = await slow(t, factory(), { helloMs: 1e9 });
    const stranger = await drip(t, door, clock, first, factory());
    await enter(t, door, factory());
    t.false(stranger.socket.closed);
  });
}

async function slow(t: ExecutionContext, secure: SocketFactory, limits = {}) {
  const clock = new ManualClock();
  const door = await openDoor(t, { secure, clock, limits });
  const first = secure.secure ? (await recorded(t, door, secure))[0] : frame(hello);
  return { door, clock, first };
}

/** Says part of `first`, a byte each half second, for longer than anybody may take. */
async function drip(
  t: ExecutionContext,
  door: Door,
  clock: ManualClock,
  first: Buffer,
  secure: SocketFactory,
): Promise<Stranger> {
  const stranger = await new Stranger(t, door.address).connected();
  // who comes later has been accepted later
  await enter(t, door, secure);
  for (let i = 0; i < 12; i++) {
    stranger.write(first.subarray(i, i + 1));
    await new Promise(setImmediate);
    clock.advance(500);
  }
  return stranger;
}
