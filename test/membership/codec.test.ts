import test from 'ava';
import fc from 'fast-check';
import {
  decodePacket,
  encodePacket,
  PACKET_BYTES_MAX,
  packetBytes,
} from '../../src/membership/index.ts';
import { encodeCbor } from '../../src/wire/index.ts';
import { anyPacket, boot, packetOf } from './helpers.ts';

test('a packet is read as it was written, and is never larger than estimated', (t) => {
  fc.assert(
    fc.property(anyPacket, (packet) => {
      const bytes = encodePacket(packet);
      t.deepEqual(decodePacket(bytes), packet);
      t.true(bytes.length <= packetBytes(packet));
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('bytes that are no packet are null, never an exception', (t) => {
  let read = 0;
  const mutated = fc
    .tuple(anyPacket, fc.nat(), fc.nat(255), fc.boolean())
    .map(([packet, at, to, cut]) => {
      const bytes = Buffer.from(encodePacket(packet));
      if (cut) return bytes.subarray(0, at % bytes.length);
      bytes[at % bytes.length] = to;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 1500 })), (bytes) => {
      if (decodePacket(bytes) !== null) read += 1;
    }),
    { numRuns: 1000 },
  );
  t.true(read < 1000);
});

test('what breaks the grammar is refused', (t) => {
  const from = ['10.0.0.1:7000', Buffer.alloc(16), 5];
  const parts = [1, from, [0, 1], [3, 7], [], []];
  t.not(decodePacket(encodeCbor(parts)), null);
  const claim = ['10.0.0.2:7000', Buffer.alloc(16), 5, 0, 0];
  const beats = Buffer.alloc(15);
  const broken: readonly unknown[][] = [
    [2, from, [0, 1], [3, 7], [], []],
    [1, from, [0, 1], [3, 7], []],
    [1, from, [0, 4], [3, 7], [], []],
    [1, from, [0, 1], [3], [], []],
    [1, from, [0, 1], [3, 7, 8], [], []],
    [1, from, [0, 1], [3, -1], [], []],
    [1, from, [0, 1], [99, 7], [], []],
    [1, from, [0, 1], [5, beats], [], []],
    [1, from, [0, 1], [5, Buffer.alloc(0)], [], []],
    [1, ['nowhere', Buffer.alloc(16), 5], [0, 1], [3, 7], [], []],
    [1, ['10.0.0.1:7000', Buffer.alloc(15), 5], [0, 1], [3, 7], [], []],
    [1, ['10.0.0.1:7000', Buffer.alloc(16), 2 ** 52], [0, 1], [3, 7], [], []],
    [1, from, [0, 1], [3, 7], [claim.slice(1)], []],
    [1, from, [0, 1], [3, 7], [claim.with(3, 4)], []],
    [1, from, [0, 1], [3, 7], Array.from({ length: 65 }, () => 0), []],
    [1, from, [0, 1], [3, 7], [], [[1, 1, Array.from({ length: 17 }, () => 1)]]],
  ];
  for (const parts of broken) t.is(decodePacket(encodeCbor(parts)), null, JSON.stringify(parts));
});

test('a short packet that announces a long array is refused before it is decoded', (t) => {
  t.is(decodePacket(Uint8Array.of(0x9a, 0x7f, 0xff, 0xff, 0xff)), null);
  t.is(decodePacket(new Uint8Array(PACKET_BYTES_MAX + 1)), null);
});

test('a packet that does not fit is a bug, not a datagram', (t) => {
  const claim = {
    address: `${'n'.repeat(90)}:7000`,
    boot: boot(1),
    incarnation: 1,
    by: 0,
  } as const;
  const claims = Array.from({ length: 12 }, () => ({ ...claim, status: 'alive' as const }));
  t.throws(() => encodePacket(packetOf(1, claims)), { message: 'a packet fits in a datagram' });
});
