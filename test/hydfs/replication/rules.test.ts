/** The decisions of replicas, without disks or messages. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { inOnePiece } from '../../../src/core/index.ts';
import { Assembly, divide, piecesOf, undivide } from '../../../src/hydfs/replication/bundle.ts';
import { type HeldPoint, refusalOf } from '../../../src/hydfs/replication/held-points.ts';
import { KeptEntries } from '../../../src/hydfs/replication/kept-entries.ts';
import { Rate } from '../../../src/hydfs/replication/rate.ts';
import { missingHere } from '../../../src/hydfs/replication/reconcile.ts';
import { Slots } from '../../../src/hydfs/replication/slots.ts';
import { payloadOf } from '../../../src/storage/index.ts';
import { microtasks } from '../helpers.ts';

const extent = (name: string, nextIndex: number, createdAt = 1, firstIndex = 0) => {
  return { name, createdAt, firstIndex, nextIndex };
};
const held = (version: number, session: number): HeldPoint => {
  return { point: 7, version, session, fill: null };
};
const config = (version: number, replicas = ['p', 'me'], joining: string[] = []) => {
  return { point: 7, version, replicas, joining };
};
const goesOn = { store: 'me', begins: false };
const begins = { store: 'me', begins: true };

test('the longest copy is fetched, and where it can be gone on with only what is missing', (t) => {
  const own = [extent('same', 5), extent('short', 2), extent('long', 9)];
  const others = [
    { store: 'b', files: [extent('same', 5), extent('short', 4), extent('long', 3)] },
    { store: 'c', files: [extent('short', 6), extent('new', 1)] },
  ];
  const missing = missingHere(own, others);
  t.deepEqual(
    missing.map(({ name, absent, sources }) => [name, absent, sources.map(({ store }) => store)]),
    [
      ['short', false, ['c', 'b']],
      ['new', true, ['c']],
    ],
  );
  t.deepEqual(
    missing.map(({ sources }) => sources.map(({ whole }) => whole)),
    [[false, false], [true]],
  );
});

test('a copy that does not go on where this one ends is fetched as a whole', (t) => {
  const trimmed = missingHere([extent('f', 2)], [{ store: 'b', files: [extent('f', 9, 1, 4)] }]);
  t.true(trimmed[0].sources[0].whole);
  const younger = missingHere([extent('f', 8, 1)], [{ store: 'b', files: [extent('f', 3, 2)] }]);
  t.true(younger[0].sources[0].whole, 'a file that was made anew, though it is shorter');
  t.deepEqual(missingHere([extent('f', 3, 2)], [{ store: 'b', files: [extent('f', 8, 1)] }]), []);
});

test('a request of an older configuration is refused, whoever told of the newer one', (t) => {
  const stamp = { point: 7, version: 3, session: 9 };
  t.is(refusalOf(held(4, 1), config(2), stamp, goesOn)?.why, 'version');
  t.is(refusalOf(held(3, 9), config(4), stamp, goesOn)?.why, 'version');
  t.is(refusalOf(held(0, 0), config(4), stamp, begins)?.why, 'version');
  t.is(refusalOf(held(3, 9), config(3), stamp, goesOn), null);
});

test('a session begins once, and nothing is heard of another one', (t) => {
  const stamp = { point: 7, version: 3, session: 5 };
  t.is(refusalOf(held(3, 5), config(3), stamp, begins)?.why, 'session');
  t.is(refusalOf(held(3, 6), config(3), stamp, begins)?.session, 6);
  t.is(refusalOf(held(3, 4), config(3), stamp, begins), null);
  t.is(refusalOf(held(2, 8), config(3), stamp, begins), null, 'another primary counts anew');
  t.is(refusalOf(held(3, 6), config(3), stamp, goesOn)?.why, 'session');
  t.is(refusalOf(held(0, 0), config(3), stamp, goesOn)?.why, 'session', 'after a restart');
  t.is(refusalOf(held(2, 5), config(2), stamp, goesOn), null, 'the primary stays');
});

test('a store that the same configuration does not name refuses', (t) => {
  const stamp = { point: 7, version: 3, session: 5 };
  t.is(refusalOf(held(0, 0), config(3, ['p']), stamp, begins)?.why, 'unknown-point');
  t.is(refusalOf(held(0, 0), config(3, ['p'], ['me']), stamp, begins), null);
  t.is(refusalOf(held(0, 0), config(2, ['p']), stamp, begins), null, 'it may have come since');
});

test('entries are kept up to a number of bytes, but never dropped before they are on the disk', (t) => {
  const kept = new KeptEntries(100, 10);
  const entry = payloadOf([Buffer.alloc(40)]);
  for (let i = 0; i < 5; i++) kept.add(entry, 10);
  t.is(kept.firstIndex, 10);
  kept.add(entry, 13);
  t.is(kept.firstIndex, 13);
  kept.add(entry, 17);
  t.is(kept.firstIndex, 15);
  t.is(kept.take(14, 17, 1000), null);
  t.is(kept.take(15, 17, 1000)?.length, 2);
  t.is(kept.take(15, 17, 10)?.length, 1, 'one at least');
  kept.passed(17);
  t.is(kept.firstIndex, 17);
  t.is(kept.bytesOf(16), 0, 'it is not kept');
  kept.passOver();
  t.is(kept.firstIndex, 18);
  kept.add(entry, 18);
  t.is(kept.bytesOf(18), 40);
  t.is(kept.bytesOf(19), 0, 'it is not there yet');
});

test('the bytes of entries that are dropped do not stay in memory', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept = new KeptEntries(1_000_000, 0);
  const refs = Array.from({ length: 50 }, () => {
    const bytes = new Uint8Array(1_000);
    kept.add(payloadOf([bytes]), 0);
    return new WeakRef(bytes);
  });
  kept.passed(30);
  await setImmediate();
  collect();
  t.is(refs.filter((ref) => ref.deref() !== undefined).length, 20);
  t.is(kept.take(30, 50, 5_000)?.length, 5);
});

test('many entries are dropped one after the other without being mixed up', (t) => {
  const kept = new KeptEntries(1_000_000, 0);
  for (let i = 0; i < 5_000; i++) kept.add(payloadOf([Buffer.from(String(i))]), 0);
  for (let i = 0; i < 5_000; i += 7) {
    kept.passed(i);
    const [first] = kept.take(i, 5_000, 1) ?? [];
    t.is(Buffer.concat([...first.parts]).toString(), String(i));
  }
});

test('a bundle whose bytes or sizes changed on the way is not taken', (t) => {
  const entries = ['one', '', 'three'].map((text) => payloadOf([Buffer.from(text)]));
  const divided = divide(entries);
  const data = Buffer.concat(entries.flatMap(({ parts }) => [...parts]));
  t.deepEqual(
    undivide(divided, [data])?.map(({ parts }) => inOnePiece(parts).toString()),
    ['one', '', 'three'],
  );
  for (let byte = 0; byte < data.length; byte++) {
    const changed = Buffer.from(data);
    changed[byte] ^= 1;
    t.is(undivide(divided, [changed]), null);
  }
  t.is(undivide({ ...divided, sizes: [4, 0, 4] }, [data]), null);
  t.is(undivide(divided, [data.subarray(1)]), null);
});

test('pieces make the entry again only in their order and undamaged', (t) => {
  const payload = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
  const whole = payloadOf([payload.subarray(0, 30), payload.subarray(30)]);
  const pieces = [...piecesOf(inOnePiece(whole.parts), 33)].map(({ offset, data, crc }) => {
    return { piece: { index: 4, offset, total: 100, install: false, crc }, data };
  });
  t.is(pieces.length, 4);
  const assembly = new Assembly(pieces[0].piece);
  t.false(assembly.add(pieces[1].piece, [pieces[1].data]));
  for (const { piece, data } of pieces) {
    t.false(assembly.add({ ...piece, crc: piece.crc ^ 1 }, [data]));
    t.false(assembly.add({ ...piece, index: 5 }, [data]));
    t.true(assembly.add(piece, [data.subarray(0, 7), data.subarray(7)]));
  }
  t.true(assembly.complete);
  t.is(Buffer.compare(inOnePiece(assembly.bundle.payloads[0].parts), payload), 0);
});

test('bytes beyond the rate wait until the clock has come so far', async (t) => {
  let now = 0;
  let timers: { at: number; fire: () => void }[] = [];
  const clock = {
    now: () => now,
    wall: () => 0,
    timer: (delayMs: number, fire: () => void) => {
      const timer = { at: now + delayMs, fire };
      timers.push(timer);
      return { cancel: () => timers.splice(timers.indexOf(timer), 1) };
    },
  };
  const rate = new Rate(clock, 1_000, 500);
  const taken: number[] = [];
  for (const bytes of [500, 300, 800]) void rate.take(bytes).then(() => taken.push(bytes));
  await microtasks(10);
  t.deepEqual(taken, [500]);
  const advance = async (ms: number): Promise<void> => {
    now += ms;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { fire } of due) fire();
    await microtasks(10);
  };
  await advance(299);
  t.deepEqual(taken, [500]);
  await advance(1);
  t.deepEqual(taken, [500, 300]);
  await advance(499);
  t.deepEqual(taken, [500, 300]);
  await advance(1);
  t.deepEqual(taken, [500, 300, 800], 'more than a burst goes when the burst is full');
});

test('slots run no more steps than there are, and a failed step frees its own', async (t) => {
  const slots = new Slots(2);
  const ends: (() => void)[] = [];
  let running = 0;
  const step = async (): Promise<void> => {
    running += 1;
    await new Promise<void>((resolve) => ends.push(resolve));
    running -= 1;
    throw new Error('it failed');
  };
  const all = [1, 2, 3].map(() => slots.run(step).catch(() => 'failed'));
  await microtasks(5);
  t.is(running, 2);
  ends[0]();
  await microtasks(5);
  t.is(running, 2);
  ends[1]();
  ends[2]();
  t.deepEqual(await Promise.all(all), ['failed', 'failed', 'failed']);
});
