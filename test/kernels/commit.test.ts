import test from 'ava';
import fc from 'fast-check';
import { commit, formatSink } from '../../src/kernels/index.ts';
import { decodeBlock, encodeBlock, evenSlots, slotOf } from '../../src/plan/index.ts';
import { answerText, outputsOf, type Reply, reply } from './replies.ts';
import { blockOf, type Tuple, tuple, tuplesOf } from './tuples.ts';

const consumers = 3;
const slots = evenSlots(consumers, 1).tasks;

interface Exchange {
  readonly list: Tuple[];
  readonly skip: number;
  readonly dead: number[];
  readonly replies: Reply[];
  /** index in `list` of the tuple that each reply answers */
  readonly answered: number[];
}

/** Inputs, which of them were given to an operator, and what it answered. */
const exchange: fc.Arbitrary<Exchange> = fc
  .array(fc.record({ input: tuple(), reply, isDead: fc.nat({ max: 9 }) }), { maxLength: 30 })
  .chain((rows) =>
    fc.nat({ max: rows.length }).map((skip) => {
      const dead = rows.flatMap((row, i) => (row.isDead === 0 ? [i] : []));
      const answered = rows.flatMap((_, i) => (i >= skip && !dead.includes(i) ? [i] : []));
      const replies = answered.map((i) => rows[i].reply);
      return { list: rows.map((row) => row.input), skip, dead, replies, answered };
    }),
  );

const answersOf = (replies: readonly Reply[]): Buffer => Buffer.concat(replies.map(answerText));

/** What each consumer should receive. */
function expected({ list, replies, answered }: Exchange): Tuple[][] {
  const lists: Tuple[][] = [[], [], []];
  replies.forEach((one, i) => {
    const input = list[answered[i]];
    for (const { key, value, step } of outputsOf(one)) {
      const path = step === null ? input.path : [...input.path, step];
      lists[slots[slotOf(key, 0, key.length)]].push({ ...input, path, key, value });
    }
  });
  return lists;
}

test('each output arrives once, at the consumer of its key, in order, with its id', (t) => {
  fc.assert(
    fc.property(exchange, (x) => {
      const block = encodeBlock(blockOf(x.list));
      const { skip, dead, replies } = x;
      const answers = answersOf(replies);
      const result = commit({
        answers,
        count: replies.length,
        block,
        skip,
        dead,
        consumers,
        slots,
      });
      if (result.kind !== 'ok') return t.fail(result.line);
      const lists: Tuple[][] = [[], [], []];
      for (const { consumer, bytes } of result.blocks) {
        lists[consumer].push(...tuplesOf(decodeBlock(bytes)));
      }
      t.deepEqual(lists, expected(x));
      t.is(result.forwarded, replies.flatMap(outputsOf).length);
      t.is(result.filtered, replies.filter((one) => outputsOf(one).length === 0).length);
    }),
  );
});

test('a wrong line is reported with its tuple, by commit and sink alike', (t) => {
  fc.assert(
    fc.property(exchange, fc.nat(), (x, n) => {
      if (x.replies.length === 0) return;
      const answer = n % x.replies.length;
      const texts = x.replies.map(answerText);
      texts[answer] = Buffer.from('oops: a\n');
      const block = encodeBlock(blockOf(x.list));
      const { skip, dead } = x;
      const answers = Buffer.concat(texts);
      const count = texts.length;
      const found = {
        kind: 'mismatch',
        index: x.answered[answer],
        answer,
        line: 'oops: a',
      } as const;
      t.deepEqual<unknown, unknown>(
        commit({ answers, count, block, skip, dead, consumers, slots }),
        found,
      );
      t.deepEqual<unknown, unknown>(
        formatSink({ answers, count, skip, dead, format: 'kv' }),
        found,
      );
    }),
  );
});

test('more or fewer answers than inputs is a bug', (t) => {
  const block = encodeBlock(blockOf([]));
  const run = (text: string, count: number) =>
    commit({ answers: Buffer.from(text), count, block, skip: 0, consumers, slots });
  t.throws(() => run('filter\nfilter\n', 1));
  t.throws(() => run('filter\n', 2));
  t.throws(() => run('forward\nkey: a\n', 1));
  t.throws(() => run('emit\nkey: a\nvalue: b\n', 0));
  t.throws(() => run('forward\nkey: a\nvalue: b\n', 1));
});

test('the same answers give the same bytes, whatever failed in between', (t) => {
  const block = encodeBlock(
    blockOf([{ source: 0, line: 1, path: [2], key: Buffer.from('k'), value: Buffer.from('v') }]),
  );
  const answers = Buffer.from('emit\nkey: a\nvalue: b\nforward\nkey: c\nvalue: d\n');
  const run = () => commit({ answers, count: 1, block, skip: 0, consumers, slots });
  const before = run();
  const beyond = Buffer.from('forward\nkey: a\nvalue: b\n'.repeat(2));
  t.throws(() => commit({ answers: beyond, count: 2, block, skip: 0, consumers, slots }), {
    message: 'an answer belongs to a tuple of the block',
  });
  t.deepEqual(run(), before);
});

/** Ways a partition could be wrong, each done to a right one. */
const planted: Readonly<Record<string, (lists: Tuple[][]) => void>> = {
  'a lost tuple': (lists) => {
    lists[1].pop();
  },
  'a tuple delivered twice': (lists) => {
    lists[1].push(lists[1][0]);
  },
  'two tuples in the wrong order': (lists) => {
    lists[1].reverse();
  },
  'a tuple at the wrong consumer': (lists) => {
    lists[2].push(...lists[1].splice(0, 1));
  },
  'an id without its fan-out step': (lists) => {
    lists[1][0] = { ...lists[1][0], path: [] };
  },
};

for (const [what, spoil] of Object.entries(planted)) {
  test(`the comparison of outputs notices ${what}`, (t) => {
    const key = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
      .map((k) => Buffer.from(k))
      .find((k) => slots[slotOf(k, 0, 1)] === 1);
    const output = (n: number) => ({ key: key ?? Buffer.of(0), value: Buffer.from(String(n)) });
    const input = { source: 0, line: 1, path: [], key: Buffer.from('k'), value: Buffer.from('v') };
    const replies = [{ emits: [output(1), output(2)], last: null }];
    const right = expected({ list: [input], skip: 0, dead: [], replies, answered: [0] });
    const wrong = right.map((list) => [...list]);
    t.is(right[1].length, 2);
    spoil(wrong);
    t.notDeepEqual(wrong, right);
  });
}
