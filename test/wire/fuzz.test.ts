import test from 'ava';
import fc from 'fast-check';
import { fixedMessages } from '../../native-proto/fixed-messages.ts';
import { isFault } from '../../src/core/index.ts';
import { decodeMessage, encodeMessage } from '../../src/wire/index.ts';
import { payloadOf } from './helpers/messages.ts';

const valid = fixedMessages.map(([, message]) => payloadOf(encodeMessage(message)));

/** 'read' or 'refused'; anything else that happens is thrown on. */
function fate(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): 'read' | 'refused' {
  try {
    decode(bytes);
    return 'read';
  } catch (error) {
    if (isFault(error, 'WIRE_INVALID')) return 'refused';
    throw error;
  }
}

const change = fc.record({
  at: fc.nat(),
  to: fc.nat(255),
  kind: fc.constantFrom('set', 'cut', 'add'),
});
const mutated = fc
  .tuple(fc.constantFrom(...valid), fc.array(change, { minLength: 1, maxLength: 6 }))
  .map(([payload, changes]) => changes.reduce(applied, payload));

function applied(
  bytes: Buffer,
  { at, to, kind }: { at: number; to: number; kind: string },
): Buffer {
  const place = bytes.length === 0 ? 0 : at % bytes.length;
  if (kind === 'cut') return bytes.subarray(0, place);
  const rest = bytes.subarray(kind === 'set' ? place + 1 : place);
  return Buffer.concat([bytes.subarray(0, place), Buffer.of(to), rest]);
}

test('arbitrary bytes are read or refused, never anything else', (t) => {
  const seen = { read: 0, refused: 0 };
  const startsRight = fc
    .tuple(fc.integer({ min: 0xa2, max: 0xb7 }), fc.nat(60), fc.uint8Array({ maxLength: 80 }))
    .map(([map, number, rest]) => Buffer.from([map, 0, number, ...rest]));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), startsRight);
  fc.assert(
    fc.property(bytes, (each) => {
      seen[fate(decodeMessage, each)] += 1;
    }),
    { numRuns: 5000, seed: 3 },
  );
  t.true(seen.refused > 4000, JSON.stringify(seen));
});

test('damaged messages are read or refused, never anything else', (t) => {
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(mutated, (each) => {
      seen[fate(decodeMessage, each)] += 1;
    }),
    { numRuns: 5000, seed: 4 },
  );
  t.true(seen.read > 100 && seen.refused > 1000, JSON.stringify(seen));
});

test('every prefix of a message is refused', (t) => {
  let prefixes = 0;
  for (const payload of valid) {
    for (let end = 0; end < payload.length; end++) {
      prefixes += 1;
      t.is(fate(decodeMessage, payload.subarray(0, end)), 'refused');
    }
  }
  t.true(prefixes > 1000);
});

test('what is read of damaged messages can be written again', (t) => {
  fc.assert(
    fc.property(mutated, (each) => {
      if (fate(decodeMessage, each) === 'refused') return;
      t.notThrows(() => encodeMessage(decodeMessage(each)));
    }),
    { numRuns: 3000, seed: 5 },
  );
  t.pass();
});

test('the fuzzer notices a decoder that trusts a length', (t) => {
  const trusting = (bytes: Uint8Array): unknown => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return view.getUint32(bytes.length > 0 ? bytes[0] : 0);
  };
  const property = fc.property(mutated, (each) => {
    fate(trusting, each);
  });
  t.throws(() => fc.assert(property, { numRuns: 200, seed: 6 }));
});
