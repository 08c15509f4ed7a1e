import test from 'ava';
import fc from 'fast-check';
import { crc32, crc32After, crc32Of } from '../../src/core/index.ts';

/** Bit by bit, as the definition says. */
function byDefinition(bytes: Uint8Array): number {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

test('the check values of the catalogue come out', (t) => {
  t.is(crc32(Buffer.from('123456789')), 0xcbf43926);
  t.is(crc32(new Uint8Array(32)), 0x190a55ad);
  t.is(crc32(new Uint8Array(32).fill(0xff)), 0xff6cab0b);
  t.is(crc32(new Uint8Array(0)), 0);
});

test('at any alignment, length and cut it is what the definition says', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(17), fc.nat(200), (bytes, skip, cut) => {
      const view = bytes.subarray(Math.min(skip, bytes.length));
      const [head, rest] = [view.subarray(0, cut), view.subarray(cut)];
      const expected = byDefinition(view);
      t.is(crc32(view), expected);
      t.is(crc32(rest, crc32(head)), expected);
      t.is(crc32Of([head, rest]), expected);
    }),
  );
});

test('the sum of bytes that follow others comes from their own sum and their number', (t) => {
  const anyCrc = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), anyCrc, (bytes, previous) => {
      t.is(crc32After(crc32(bytes), bytes.length, previous), crc32(bytes, previous));
    }),
  );
  const large = new Uint8Array(3_000_001).fill(7);
  t.is(crc32After(crc32(large), large.length, 0xdead_beef), crc32(large, 0xdead_beef));
  t.is(crc32After(0, 0, 0xdead_beef), 0xdead_beef);
});
