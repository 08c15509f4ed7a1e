import test from 'ava';
import { BUNDLED, batchOf, commandOf, poolOf, startPool, textOf } from './support.ts';

/** One output: key and value; null is `filter`. */
type Output = readonly [string, string] | null;

function outputs(pairs: readonly Output[]): string {
  return pairs
    .map((pair) => (pair === null ? 'filter\n' : `forward\nkey: ${pair[0]}\nvalue: ${pair[1]}\n`))
    .join('');
}

const cases: readonly {
  run: string;
  args: string[];
  values: string[];
  expected: readonly Output[];
}[] = [
  {
    run: 'identity',
    args: [],
    values: ['a', ''],
    expected: [
      ['k0', 'a'],
      ['k1', ''],
    ],
  },
  {
    run: 'filter',
    args: ['St'],
    values: ['Main St', 'x', 'S.t'],
    expected: [['k0', 'Main St'], null, null],
  },
  {
    run: 'filter',
    args: ['--regex', '^S.t$'],
    values: ['S.t', 'xSat'],
    expected: [['k0', 'S.t'], null],
  },
  {
    run: 'project',
    args: ['2', '0'],
    values: ['a,"b, c",d', '"say ""hi""",x', '', '"x, y",é,"z"'],
    expected: [
      ['k0', 'd,a'],
      ['k1', ',"say ""hi"""'],
      ['k2', ','],
      ['k3', 'z,"x, y"'],
    ],
  },
  {
    run: 'replace',
    args: ['a', 'bb'],
    values: ['banana', 'x'],
    expected: [
      ['k0', 'bbbnbbnbb'],
      ['k1', 'x'],
    ],
  },
  {
    run: 'count_by_column',
    args: ['1'],
    values: ['a,x', 'b,"x"', 'c', 'd,y'],
    expected: [
      ['x', '1'],
      ['x', '2'],
      ['', '1'],
      ['y', '1'],
    ],
  },
];

for (const { run, args, values, expected } of cases) {
  test(`${[run, ...args].join(' ')} answers ${values.length} examples`, async (t) => {
    const { pool } = await startPool(t, run, { args });
    t.is(textOf([await pool.submit(batchOf(values))]), outputs(expected));
    await pool.end();
  });
}

test('count_by_key counts each key', async (t) => {
  const { pool } = await startPool(t, 'count_by_key');
  const keys = ['a', 'b', 'a', 'a', ''];
  const text = Buffer.from(keys.map((key) => `key: ${key}\nvalue: x\n`).join(''));
  const expected = outputs([
    ['a', '1'],
    ['b', '1'],
    ['a', '2'],
    ['a', '3'],
    ['', '1'],
  ]);
  t.is(textOf([await pool.submit({ text, count: 5 })]), expected);
});

for (const [run, args] of [
  ['filter', []],
  ['project', ['two']],
  ['project', ['-1']],
  ['replace', ['', 'x']],
  ['count_by_column', []],
] as const) {
  test(`${run} with wrong arguments (${args.join(' ')}) says how it is used`, async (t) => {
    const { pool } = poolOf(t, await commandOf(run, args));
    await t.throwsAsync(pool.start(), {
      code: 'OPERATOR_START_FAILED',
      message: new RegExp(`exited with 1 before it read any input.*\\n {2}\\| usage: ${run}\\.py`),
    });
  });
}

test('every bundled operator has an example here', (t) => {
  const shown = new Set([...cases.map(({ run }) => run), 'count_by_key', 'split_words']);
  t.deepEqual([...shown].sort(), [...BUNDLED.names()]);
});
