import test from 'ava';
import fc from 'fast-check';
import { crc32c } from '../../src/core/index.ts';

/** Bit by bit, as the definition says. */
function byDefinition(bytes: Uint8Array): number {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  }
  return ~c >>> 0;
}

test('the check values of RFC 3720 and of the catalogue come out', (t) => {
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  t.is(crc32c(new Uint8Array(0)), 0);
});

test('at any alignment, length and cut it is what the definition says', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(17), fc.nat(200), (bytes, skip, cut) => {
      const view = bytes.subarray(Math.min(skip, bytes.length));
      const [head, rest] = [view.subarray(0, cut), view.subarray(cut)];
      const expected = byDefinition(view);
      return crc32c(view) === expected && crc32c(rest, crc32c(head)) === expected;
    }),
  );
  t.pass();
});
