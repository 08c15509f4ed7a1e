import test from 'ava';
import { readValue } from '../../src/wire/cbor.ts';
import { DEPTH_MAX, ITEMS_MAX } from '../../src/wire/index.ts';
import { scanCbor } from '../../src/wire/scan.ts';

const scan = (hex: string): string | null => scanCbor(Buffer.from(hex, 'hex'));
const deep = (depth: number): string => `${'81'.repeat(depth)}f6`;

test('plain CBOR is accepted', (t) => {
  const plain = [
    '00',
    '20',
    '40',
    '60',
    '80',
    'a0',
    'f4',
    'f6',
    'f7',
    'f93c00',
    'fb3ff8000000000000',
  ];
  const nested = ['a16161820102', 'a201020304', '820080', '9a0000000100', '1b001fffffffffffff'];
  for (const hex of [...plain, ...nested]) t.is(scan(hex), null, hex);
});

test('every other form is refused with its reason', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'cut off'],
    ['19', 'cut off'],
    ['1900', 'cut off'],
    ['4201', 'cut off'],
    ['8200', 'cut off'],
    ['5bffffffffffffffff', 'cut off'],
    ['9bffffffffffffffff', 'cut off'],
    ['9affffffff', `more than ${ITEMS_MAX} items`],
    ['baffffffff', `more than ${ITEMS_MAX} items`],
    ['0000', 'bytes after the end'],
    ['9fff', 'an indefinite or reserved length'],
    ['1c', 'an indefinite or reserved length'],
    ['c100', 'a tag'],
    ['d9d9f700', 'a tag'],
    ['e0', 'an unknown simple value'],
    ['f8ff', 'an unknown simple value'],
    ['1b0020000000000000', 'an integer above 2^53'],
    ['3bffffffffffffffff', 'an integer above 2^53'],
    ['a18000', 'a map key that is neither text nor an unsigned integer'],
    ['a1f600', 'a map key that is neither text nor an unsigned integer'],
    [deep(DEPTH_MAX + 1), `deeper than ${DEPTH_MAX}`],
  ];
  for (const [hex, problem] of cases) t.is(scan(hex), problem, hex);
  t.is(scan(deep(DEPTH_MAX)), null);
});

test('items are counted, not promised', (t) => {
  const array = (items: number): Uint8Array => {
    const bytes = new Uint8Array(5 + items);
    bytes.set([0x9a, items >>> 24, (items >>> 16) & 255, (items >>> 8) & 255, items & 255]);
    return bytes;
  };
  t.is(scanCbor(array(ITEMS_MAX - 1)), null);
  t.is(scanCbor(array(ITEMS_MAX)), `more than ${ITEMS_MAX} items`);
});

test('the decoder alone would take what the scan refuses', (t) => {
  // without the scan these would be accepted, so it is the scan that guards
  for (const hex of [deep(100), 'c11a00000000', '9f00ff', 'a1f600'])
    t.notThrows(() => readValue(Buffer.from(hex, 'hex')), hex);
});
