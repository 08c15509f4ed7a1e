import test from 'ava';
import fc from 'fast-check';
import {
  CLOCK_TOLERANCE_S,
  DATAGRAM_BYTES_MAX,
  Keyring,
  openPacket,
  PACKET_BYTES_MAX,
  ReplayGuard,
  sealPacket,
} from '../../src/membership/index.ts';
import { boot, clusterKeys } from './helpers.ts';

const keys = new Keyring(clusterKeys(1));
const stamp = { boot: boot(3), counter: 77, sentAt: 1_700_000_000 };
const packet = Buffer.from('what members say to each other');

test('a sealed packet opens with its stamp, and does not show what it says', (t) => {
  const datagram = sealPacket(keys, stamp, packet);
  t.false(Buffer.from(datagram).includes(packet.subarray(5, 15)));
  const opened = openPacket(new Keyring(clusterKeys(1)), datagram);
  t.deepEqual(opened, { kind: 'opened', bytes: packet, stamp });
  const largest = sealPacket(keys, stamp, new Uint8Array(PACKET_BYTES_MAX));
  t.true(largest.length <= DATAGRAM_BYTES_MAX);
});

test('a datagram that was changed in any byte, cut or lengthened does not open', (t) => {
  const datagram = Buffer.from(sealPacket(keys, stamp, packet));
  for (let at = 0; at < datagram.length; at++) {
    const changed = Buffer.from(datagram);
    changed[at] ^= 0x10;
    t.is(openPacket(keys, changed).kind, 'refused', `byte ${at}`);
    t.is(openPacket(keys, datagram.subarray(0, at)).kind, 'refused', `cut at ${at}`);
  }
  t.is(openPacket(keys, Buffer.concat([datagram, Buffer.of(0)])).kind, 'refused');
});

test('arbitrary datagrams are refused, never an exception', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1600 }), (bytes) => {
      return openPacket(keys, bytes).kind === 'refused';
    }),
  );
  const header = sealPacket(keys, stamp, packet).subarray(0, 31);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      return openPacket(keys, Buffer.concat([header, bytes])).kind === 'refused';
    }),
  );
  t.pass();
});

test('plain and sealed clusters do not mix, nor do two keys', (t) => {
  const plain = sealPacket(null, stamp, packet);
  t.deepEqual(openPacket(null, plain), { kind: 'opened', bytes: packet, stamp: null });
  t.deepEqual(openPacket(keys, plain), { kind: 'refused', why: 'plain' });
  const sealed = sealPacket(keys, stamp, packet);
  t.deepEqual(openPacket(null, sealed), { kind: 'refused', why: 'unknown-key' });
  t.deepEqual(openPacket(new Keyring(clusterKeys(2)), sealed), {
    kind: 'refused',
    why: 'unknown-key',
  });
});

test('a key is replaced in three steps during which all understand each other', (t) => {
  const steps = [clusterKeys(1), clusterKeys(1, 2), clusterKeys(2, 1), clusterKeys(2)];
  const rings = steps.map((each) => new Keyring(each));
  for (let step = 0; step + 1 < rings.length; step++)
    for (const [from, to] of [
      [rings[step], rings[step + 1]],
      [rings[step + 1], rings[step]],
    ])
      t.is(openPacket(to, sealPacket(from, stamp, packet)).kind, 'opened', `step ${step}`);
  t.is(openPacket(rings[3], sealPacket(rings[0], stamp, packet)).kind, 'refused');
});

test('two starts of a node, and two packets of one, never share key and nonce', (t) => {
  const sealedBy = (boot: string, counter: number): string =>
    Buffer.from(sealPacket(keys, { ...stamp, boot, counter }, packet)).toString('hex', 31);
  const all = new Set([
    sealedBy(boot(3), 77),
    sealedBy(boot(3), 78),
    sealedBy(boot(4), 77),
    sealedBy(boot(3), 77 + 2 ** 32),
  ]);
  t.is(all.size, 4);
});

/** Whether `guard` accepts exactly what a set without bounds would, within its window. */
function agreesWithModel(guard: ReplayGuard, counters: readonly number[]): boolean {
  const seen = new Set<number>();
  let highest = -1;
  return counters.every((counter) => {
    const expected = !seen.has(counter) && counter > highest - 1024;
    seen.add(counter);
    highest = Math.max(highest, counter);
    return (guard.check({ ...stamp, counter }, stamp.sentAt) === 'fresh') === expected;
  });
}

const counters = fc
  .array(fc.tuple(fc.integer({ min: -40, max: 60 }), fc.constantFrom(1, 1, 1, 50)), {
    minLength: 1,
    maxLength: 200,
  })
  .map((steps) => {
    let at = 100;
    return steps.map(([step, factor]) => {
      at = Math.max(0, at + step * factor);
      return at;
    });
  });

test('every packet is accepted once, whatever the order', (t) => {
  fc.assert(fc.property(counters, (each) => agreesWithModel(new ReplayGuard(), each)));
  const forgetful = new ReplayGuard();
  forgetful.check = () => 'fresh';
  t.false(agreesWithModel(forgetful, [1, 2, 2]), 'a guard that lets repeats through is noticed');
});

test('the first packet of a node must be recent, later ones need no clock', (t) => {
  const guard = new ReplayGuard();
  const now = stamp.sentAt;
  const at = (counter: number, sentAt: number): string =>
    guard.check({ ...stamp, counter, sentAt }, now);
  t.is(at(1, now - CLOCK_TOLERANCE_S - 1), 'stale');
  t.is(at(1, now + CLOCK_TOLERANCE_S + 1), 'stale');
  t.is(at(2, now - CLOCK_TOLERANCE_S), 'fresh');
  t.is(at(3, now - 1_000_000), 'fresh', 'a clock that jumps does not cut a member off');
  t.is(at(3, now), 'replayed');
});
