import test from 'ava';
import fc from 'fast-check';
import { ingest, mergeBlocks } from '../../src/kernels/index.ts';
import { decodeBlock, encodeBlock } from '../../src/plan/index.ts';
import { blockOf, lineBytes, type Tuple, tuples, tuplesOf } from './tuples.ts';

const LF = 10;
const speakable = ({ key, value }: Tuple): boolean => !key.includes(LF) && !value.includes(LF);

function textOf(list: readonly Tuple[]): Buffer {
  const [k, v, lf] = [Buffer.from('key: '), Buffer.from('value: '), Buffer.from('\n')];
  return Buffer.concat(list.flatMap(({ key, value }) => [k, key, lf, v, value, lf]));
}

test('the operator text is every tuple that is neither repeated, dead nor beyond the part', (t) => {
  fc.assert(
    fc.property(
      tuples(lineBytes(30)),
      fc.nat({ max: 40 }),
      fc.nat({ max: 40 }),
      fc.uniqueArray(fc.nat({ max: 40 })),
      (list, from, until, some) => {
        const skip = Math.min(from, list.length);
        const dead = some.filter((i) => i < list.length).sort((a, b) => a - b);
        const chosen = list.filter((_, i) => i >= skip && i < until && !dead.includes(i));
        const result = ingest({ block: encodeBlock(blockOf(list)), skip, dead, until });
        t.is(result.count, chosen.length);
        t.deepEqual(Buffer.from(result.text), textOf(chosen));
        t.deepEqual(result.unspeakable, []);
      },
    ),
  );
});

test('a tuple with a newline is left out and named', (t) => {
  const newlines = fc.uint8Array({ maxLength: 6, max: 12, min: 9 }).map((b) => Buffer.from(b));
  fc.assert(
    fc.property(tuples(newlines), (list) => {
      const result = ingest({ block: encodeBlock(blockOf(list)), skip: 0 });
      t.deepEqual(
        result.unspeakable,
        list.flatMap((tuple, i) => (speakable(tuple) ? [] : [i])),
      );
      t.deepEqual(Buffer.from(result.text), textOf(list.filter(speakable)));
    }),
  );
});

test('a newline at the border of two tuples belongs to the right one', (t) => {
  const plain = { source: 0, path: [], value: Buffer.from('v') };
  const list = ['a\n', 'b', '\nc', 'd'].map((key, line) => ({
    ...plain,
    line,
    key: Buffer.from(key),
  }));
  t.deepEqual(ingest({ block: encodeBlock(blockOf(list)), skip: 0 }).unspeakable, [0, 2]);
  t.deepEqual(ingest({ block: encodeBlock(blockOf(list)), skip: 1, dead: [2] }).unspeakable, []);
});

test('merged blocks hold all tuples but the repeats, in order', (t) => {
  const part = tuples().chain((list) =>
    fc.record({ list: fc.constant(list), skip: fc.nat({ max: list.length }) }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const merged = mergeBlocks({
        blocks: parts.map(({ list, skip }) => ({ bytes: encodeBlock(blockOf(list)), skip })),
      });
      t.deepEqual(
        tuplesOf(decodeBlock(merged)),
        parts.flatMap(({ list, skip }) => list.slice(skip)),
      );
    }),
  );
});

test('skipping more tuples than a block has is a bug', (t) => {
  const bytes = encodeBlock(blockOf([]));
  t.throws(() => mergeBlocks({ blocks: [{ bytes, skip: 1 }] }));
});
