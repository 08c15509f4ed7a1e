import test from 'ava';
import fc from 'fast-check';
import { type SplitSourceArgs, splitSource } from '../../src/kernels/index.ts';
import {
  BLOCK_BYTES,
  BLOCK_TUPLES,
  decodeBlock,
  evenSlots,
  LINE_BYTES_MAX,
  payloadBytes,
  slotOf,
} from '../../src/plan/index.ts';
import { type Tuple, tuplesOf } from './tuples.ts';

const slots = evenSlots(3, 1).tasks;

function split(chunk: Buffer, options: Partial<SplitSourceArgs> = {}) {
  return splitSource({
    chunk,
    final: true,
    sourceIndex: 2,
    keyPrefix: Buffer.from('ä b.csv:'),
    firstLine: 0,
    maxTuples: 1_000_000,
    consumers: 3,
    slots,
    ...options,
  });
}

/** The tuples of each consumer. */
function received(blocks: readonly { consumer: number; count: number; bytes: Uint8Array }[]) {
  const lists: Tuple[][] = [[], [], []];
  for (const { consumer, count, bytes } of blocks) {
    const list = tuplesOf(decodeBlock(bytes));
    if (list.length !== count) throw new Error('a block does not hold what it says');
    lists[consumer].push(...list);
  }
  return lists;
}

/** The same with strings (latin1, so that every byte is a character). */
function expected(text: string, firstLine = 0): Tuple[][] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const whole = text.endsWith('\n') ? lines.length : lines.length - 1;
  const lists: Tuple[][] = [[], [], []];
  lines.forEach((line, i) => {
    const key = Buffer.from(`ä b.csv:${firstLine + i}`);
    const value = i < whole && line.endsWith('\r') ? line.slice(0, -1) : line;
    lists[slots[slotOf(key, 0, key.length)]].push({
      source: 2,
      line: firstLine + i,
      path: [],
      key,
      value: Buffer.from(value, 'latin1'),
    });
  });
  return lists;
}

const text = fc
  .array(
    fc.oneof(fc.constantFrom('\n', '\r\n', '\r', '\n\n'), fc.string({ unit: 'binary-ascii' })),
    {
      maxLength: 30,
    },
  )
  .map((parts) => parts.join(''));

test('each line is one tuple, at the consumer of its key, in order', (t) => {
  fc.assert(
    fc.property(text, fc.constantFrom(0, 8, 97, 2 ** 32 - 3, 2 ** 47), (file, firstLine) => {
      const chunk = Buffer.from(file, 'latin1');
      const result = split(chunk, { firstLine });
      t.is(result.consumedBytes, chunk.length);
      t.deepEqual(received(result.blocks), expected(file, firstLine));
    }),
  );
});

test('cutting the file anywhere gives the same tuples', (t) => {
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 40 }), { minLength: 1 }), (file, sizes) => {
      const whole = Buffer.from(file, 'latin1');
      const lists: Tuple[][] = [[], [], []];
      let at = 0;
      let line = 0;
      for (let end = 0, i = 0; at < whole.length; i++) {
        end = Math.min(whole.length, end + sizes[i % sizes.length] + 1);
        const final = end === whole.length;
        const result = split(whole.subarray(at, end), { firstLine: line, final });
        received(result.blocks).forEach((list, consumer) => {
          lists[consumer].push(...list);
        });
        at += result.consumedBytes;
        line += result.lines;
      }
      t.deepEqual(lists, expected(file));
    }),
  );
});

test('no more lines are taken than allowed', (t) => {
  const result = split(Buffer.from('a\nbb\nccc\n'), { maxTuples: 2 });
  t.like(result, { lines: 2, consumedBytes: 5, overlong: null });
  t.like(split(Buffer.from('a\n'), { maxTuples: 0 }), { lines: 0, consumedBytes: 0 });
});

test('an unfinished line waits unless it is the last', (t) => {
  const chunk = Buffer.from('a\nbb\r');
  t.like(split(chunk, { final: false }), { lines: 1, consumedBytes: 2 });
  t.like(split(chunk, { final: true }), { lines: 2, consumedBytes: 5 });
});

test('an empty file has no tuples and no blocks', (t) => {
  t.deepEqual(split(Buffer.alloc(0)), { consumedBytes: 0, lines: 0, blocks: [], overlong: null });
});

test('blocks close at their limits', (t) => {
  const one = { consumers: 1, slots: evenSlots(1, 1).tasks };
  const many = split(Buffer.from('x\n'.repeat(3 * BLOCK_TUPLES + 1)), one).blocks;
  t.deepEqual(
    many.map((b) => b.count),
    [BLOCK_TUPLES, BLOCK_TUPLES, BLOCK_TUPLES, 1],
  );
  const wide = split(Buffer.from(`${'x'.repeat(1000)}\n`.repeat(300)), one).blocks;
  for (const { bytes } of wide) {
    const payload = payloadBytes(decodeBlock(bytes));
    t.true(payload <= BLOCK_BYTES);
  }
  t.true(wide.length <= Math.ceil((300 * 1020) / (BLOCK_BYTES - 1020)));
});

test('a line larger than a block is a block of its own', (t) => {
  const huge = Buffer.concat([Buffer.from('a\n'), Buffer.alloc(200_000, 98), Buffer.from('\nc\n')]);
  const blocks = split(huge, { consumers: 1, slots: evenSlots(1, 1).tasks }).blocks;
  t.deepEqual(
    blocks.map((b) => b.count),
    [1, 1, 1],
  );
});

test('a line of 16 MiB passes, one byte more stops in front of it', (t) => {
  const longest = Buffer.alloc(LINE_BYTES_MAX + 5, 120);
  longest.write('a\n');
  longest.write('\r\n', LINE_BYTES_MAX + 2);
  const passed = split(longest.subarray(0, LINE_BYTES_MAX + 4));
  t.like(passed, { lines: 2, overlong: null, consumedBytes: LINE_BYTES_MAX + 4 });
  longest.write('x\r\n', LINE_BYTES_MAX + 2);
  t.like(split(longest, { firstLine: 6 }), { lines: 1, overlong: 7, consumedBytes: 2 });
  const unfinished = longest.subarray(2, LINE_BYTES_MAX + 4);
  t.like(split(unfinished, { final: false, firstLine: 7 }), { lines: 0, overlong: 7 });
});

test('a slot table that names a missing consumer is a bug', (t) => {
  t.throws(() => split(Buffer.from('a\n'), { consumers: 2 }));
  t.throws(() => split(Buffer.from('a\n'), { slots: new Uint16Array(3) }));
});
