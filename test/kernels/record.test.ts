import test from 'ava';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { crc32, isFault } from '../../src/core/index.ts';
import { decodeRecord, encodeRecord, type WalRecord } from '../../src/kernels/index.ts';

const cbor = new Encoder({ useRecords: false, tagUint8Array: false });
const bytes = fc.uint8Array({ maxLength: 60 });
const uint = fc.maxSafeNat();
const record: fc.Arbitrary<WalRecord> = fc.record(
  {
    kind: fc.constantFrom(
      'batch' as const,
      'checkpoint' as const,
      'end' as const,
      'source' as const,
    ),
    inputs: fc.array(fc.record({ producer: fc.oneof(fc.string(), uint), seq: uint })),
    outputs: fc.array(fc.record({ consumer: uint, firstSeq: uint, count: uint, block: bytes })),
    dead: fc.array(
      fc.record({
        id: fc.string(),
        key: bytes,
        value: bytes,
        reason: fc.string(),
        trace: fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
      }),
      { maxLength: 3 },
    ),
    keep: fc.array(fc.record({ block: bytes, skip: uint, dead: fc.array(uint) })),
    state: fc.option(fc.record({ line: uint, names: fc.array(fc.string()), on: fc.boolean() })),
  },
  { requiredKeys: ['kind', 'inputs', 'outputs', 'dead', 'keep'], noNullPrototype: true },
);

const sample: WalRecord = {
  kind: 'batch',
  inputs: [{ producer: 'signs/pick[0]', seq: 12 }],
  outputs: [{ consumer: 1, firstSeq: 5, count: 2, block: Buffer.from('block one') }],
  dead: [
    {
      id: 'a:1',
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      reason: 'crash',
      trace: 'Traceback',
    },
  ],
  keep: [{ block: Buffer.from('block two'), skip: 1, dead: [3] }],
  state: { at: 2 ** 40 },
};

/** Byte arrays as plain ones: a Buffer and a Uint8Array of the same bytes are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

const refused = (t: { true(x: boolean, m?: string): unknown }, bad: Uint8Array, what: string) => {
  try {
    decodeRecord(bad);
    t.true(false, `${what} was accepted`);
  } catch (error) {
    t.true(isFault(error, 'RECORD_INVALID'), `${what}: ${error}`);
  }
};

test('a record read back is the same', (t) => {
  fc.assert(
    fc.property(record, (r) => {
      t.deepEqual(plain(decodeRecord(Buffer.concat(encodeRecord(r)))), plain(r));
    }),
  );
});

test('blocks are written from where they are and read in place', (t) => {
  const parts = encodeRecord(sample);
  t.is(parts[1], sample.outputs[0].block);
  t.is(parts[2], sample.keep[0].block);
  const whole = new Uint8Array(Buffer.concat(parts));
  t.is(decodeRecord(whole).outputs[0].block.buffer, whole.buffer);
});

test('a record cut at any byte is refused', (t) => {
  const whole = Buffer.concat(encodeRecord(sample));
  for (let length = 0; length < whole.length; length++) {
    refused(t, whole.subarray(0, length), `cut at ${length}`);
  }
  refused(t, Buffer.concat([whole, Buffer.of(0)]), 'a byte too many');
  refused(t, Buffer.concat([whole, whole]), 'two records');
});

test('any record cut anywhere is refused', (t) => {
  fc.assert(
    fc.property(record, fc.nat(), (r, n) => {
      const whole = Buffer.concat(encodeRecord(r));
      refused(t, whole.subarray(0, n % whole.length), 'a cut record');
    }),
  );
});

test('a record with any bit flipped is refused', (t) => {
  const whole = Buffer.concat(encodeRecord(sample));
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[at] ^= 1 << bit;
      refused(t, flipped, `bit ${bit} of byte ${at}`);
    }
  }
});

/** `head` with its header changed by `change`, and a CRC that fits. */
function forged(head: Uint8Array, change: (header: Record<string, unknown>) => void): Buffer {
  const header: Record<string, unknown> = cbor.decode(head.subarray(12));
  change(header);
  const wrong = cbor.encode(header);
  const prefix = Buffer.from(head.subarray(0, 12));
  prefix.writeUInt32LE(wrong.length, 4);
  prefix.writeUInt32LE(crc32(wrong), 8);
  return Buffer.concat([prefix, wrong]);
}

const forgeries: Readonly<Record<string, (header: Record<string, unknown>) => void>> = {
  'another version': (h) => {
    h.v = 2;
  },
  'an unknown kind': (h) => {
    h.kind = 'patch';
  },
  'a missing column': (h) => {
    delete h.inputs;
  },
  'a negative number': (h) => {
    h.inputs = [['a', -1]];
  },
  'a block shorter than its bytes': (h) => {
    h.outputs = [[1, 5, 2, 3]];
  },
  'a block longer than its bytes': (h) => {
    h.keep = [[100, 0, []]];
  },
};

for (const [what, change] of Object.entries(forgeries)) {
  test(`a sound CRC over a header with ${what} does not help`, (t) => {
    const [head, ...blocks] = encodeRecord(sample);
    t.notThrows(() => decodeRecord(Buffer.concat([forged(head, () => {}), ...blocks])));
    refused(t, Buffer.concat([forged(head, change), ...blocks]), what);
  });
}
