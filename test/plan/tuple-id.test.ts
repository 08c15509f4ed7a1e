import test from 'ava';
import fc from 'fast-check';
import { fanPath, formatTupleId, LINES_MAX } from '../../src/plan/index.ts';
import { blockOf, tuple } from '../kernels/tuples.ts';

const at = (source: number, line: number, path: number[] = []) =>
  blockOf([{ source, line, path, key: Buffer.alloc(0), value: Buffer.alloc(0) }]);

test('an id is the source, the line and the fan-out steps', (t) => {
  const sources = ['signs.csv', 'two words.csv'];
  t.is(formatTupleId(sources, at(0, 0), 0), 'signs.csv:0');
  t.is(formatTupleId(sources, at(1, 2 ** 32 + 5), 0), `two words.csv:${2 ** 32 + 5}`);
  t.is(formatTupleId(sources, at(0, LINES_MAX - 1), 0), `signs.csv:${LINES_MAX - 1}`);
  t.is(
    formatTupleId(sources, at(0, 9, [0, 127, 128, 2 ** 32 - 1]), 0),
    'signs.csv:9-0-127-128-4294967295',
  );
});

test('a source without a name is printed by its index', (t) => {
  t.is(formatTupleId([], at(65_535, 3), 0), '#65535:3');
});

test('fan-out steps survive', (t) => {
  fc.assert(
    fc.property(fc.array(tuple(), { minLength: 1, maxLength: 10 }), (list) => {
      const block = blockOf(list);
      list.forEach(({ path }, i) => {
        t.deepEqual(fanPath(block, i), path);
      });
    }),
  );
});

test('an index outside of the block is a bug', (t) => {
  t.throws(() => formatTupleId([], at(0, 0), 1));
});
