import test from 'ava';
import { decode, Encoder } from 'cbor-x';
import fc from 'fast-check';
import { isFault } from '../../src/core/index.ts';
import { BLOCK_TUPLES_MAX, type Block, decodeBlock, encodeBlock } from '../../src/plan/index.ts';
import { blockOf, tuples, tuplesOf } from '../kernels/tuples.ts';

/** The ten items of a block, as any CBOR decoder gives them. */
function fieldsOf(block: Block): unknown[] {
  const { count, idHi, idLo, fan, keyEnds, valueEnds, keys, values } = block;
  return [
    1,
    count,
    idHi,
    idLo,
    fan?.ends ?? null,
    fan?.bytes ?? null,
    keyEnds,
    valueEnds,
    keys,
    values,
  ];
}

/** `bytes` again, beginning `shift` bytes into a larger buffer. */
function shifted(bytes: Uint8Array, shift: number): Uint8Array {
  const roomy = new Uint8Array(bytes.length + shift);
  roomy.set(bytes, shift);
  return roomy.subarray(shift);
}

const plain = (fields: unknown[]): unknown[] =>
  fields.map((f) => (f instanceof Uint8Array ? [...f] : f instanceof Uint32Array ? [...f] : f));

/** A general encoder that knows nothing of our widths: shortest lengths, tag 70. */
const general = new Encoder({ useRecords: false, tagUint8Array: false });

const sample = blockOf([
  { source: 1, line: 7, path: [], key: Buffer.from('a'), value: Buffer.from('xyz') },
  { source: 1, line: 8, path: [3, 200], key: Buffer.from('bc'), value: Buffer.from('') },
]);

test('a block read back is the same, at any alignment', (t) => {
  fc.assert(
    fc.property(tuples(), fc.nat({ max: 3 }), (list, shift) => {
      const bytes = encodeBlock(blockOf(list));
      t.is(bytes.byteLength, bytes.buffer.byteLength);
      t.deepEqual(tuplesOf(decodeBlock(shifted(bytes, shift))), list);
    }),
  );
});

test('cbor-x reads what we write, and we read what cbor-x writes', (t) => {
  fc.assert(
    fc.property(tuples(), (list) => {
      const block = blockOf(list);
      const expected = plain(fieldsOf(block));
      t.deepEqual(plain(decode(encodeBlock(block))), expected);
      t.deepEqual(plain(fieldsOf(decodeBlock(general.encode(fieldsOf(block))))), expected);
    }),
  );
});

test('an aligned block is read without copying', (t) => {
  const bytes = encodeBlock(sample);
  const block = decodeBlock(bytes);
  for (const column of [block.idHi, block.idLo, block.keyEnds, block.valueEnds, block.fan?.ends]) {
    t.is(column?.buffer, bytes.buffer);
  }
});

test('a block cut or extended by any number of bytes is refused', (t) => {
  const bytes = encodeBlock(sample);
  for (let length = 0; length < bytes.length; length++) {
    const error = t.throws(() => decodeBlock(bytes.subarray(0, length)));
    t.true(isFault(error, 'BLOCK_INVALID'), `cut at ${length}`);
  }
  t.true(
    isFault(
      t.throws(() => decodeBlock(Buffer.concat([bytes, Buffer.of(0)]))),
      'BLOCK_INVALID',
    ),
  );
});

test('a block with any byte changed is refused or is a sound block', (t) => {
  const bytes = encodeBlock(sample);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const changed = bytes.slice();
      changed[at] = byte;
      try {
        tuplesOf(decodeBlock(changed));
        t.pass();
      } catch (error) {
        t.true(isFault(error, 'BLOCK_INVALID'), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

const broken: Readonly<Record<string, (fields: unknown[]) => void>> = {
  'another version': (f) => {
    f[0] = 2;
  },
  'more tuples than allowed': (f) => {
    f[1] = BLOCK_TUPLES_MAX + 1;
  },
  'a column of another length': (f) => {
    f[2] = Uint32Array.of(1);
  },
  'a column that is not u32': (f) => {
    f[3] = Uint16Array.of(1, 2);
  },
  'fan ends without fan bytes': (f) => {
    f[5] = null;
  },
  'fan bytes without fan ends': (f) => {
    f[4] = null;
  },
  'an unfinished fan step': (f) => {
    f[5] = Uint8Array.of(3, 0x80, 0x80);
  },
  'a fan step of more than five bytes': (f) => {
    f[4] = Uint32Array.of(0, 6);
    f[5] = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 1);
  },
  'key ends that fall': (f) => {
    f[6] = Uint32Array.of(5, 3);
  },
  'key ends beyond the keys': (f) => {
    f[6] = Uint32Array.of(1, 4);
  },
  'value ends short of the values': (f) => {
    f[7] = Uint32Array.of(1, 2);
  },
  'one item too few': (f) => {
    f.pop();
  },
  'one item too many': (f) => {
    f.push(null);
  },
};

for (const [what, spoil] of Object.entries(broken)) {
  test(`a block with ${what} is refused`, (t) => {
    const fields = fieldsOf(sample);
    t.notThrows(() => decodeBlock(general.encode(fields)));
    spoil(fields);
    t.true(
      isFault(
        t.throws(() => decodeBlock(general.encode(fields))),
        'BLOCK_INVALID',
      ),
    );
  });
}

test('a length beyond the bytes is refused before anything is allocated', (t) => {
  const bytes = encodeBlock(sample).slice();
  const lengthOfValues = bytes.length - 3 - 4;
  bytes.fill(0xff, lengthOfValues, lengthOfValues + 4);
  t.true(
    isFault(
      t.throws(() => decodeBlock(bytes)),
      'BLOCK_INVALID',
    ),
  );
});
