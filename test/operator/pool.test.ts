import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { silentLog, systemClock } from '../../src/core/index.ts';
import { TaskLog } from '../../src/operator/index.ts';
import {
  batchOf,
  commandOf,
  FIXTURES,
  forwarded,
  numbers,
  poolOf,
  scratch,
  startPool,
  textOf,
  through,
} from './support.ts';

for (const [style, args] of [
  ['flushes every answer', []],
  ['never flushes', ['--no-flush']],
  ['flushes every line', ['--flush-lines']],
] as const) {
  test(`a script that ${style} gives every answer in order`, async (t) => {
    const { pool } = await startPool(t, 'faulty.py', { args });
    const values = numbers(5000);
    t.is(textOf(await through(pool, values, 777)), forwarded(values));
    await pool.end();
    t.is(pool.restarts, 0);
  });
}

test('without the shim a script that flushes works too', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { shim: false });
  const values = numbers(500);
  t.is(textOf(await through(pool, values, 100)), forwarded(values));
  await pool.end();
});

test('bytes that are not UTF-8, lone carriage returns and separators pass unchanged', async (t) => {
  const { pool } = await startPool(t, 'identity.py');
  const values = [
    Buffer.from([0xff, 0xfe, 0x80, 0x20, 0xc3]),
    Buffer.from('a\rb\r'),
    Buffer.from('\x85\u2028\u2029\x0b\x0c\x1c\x00'),
    Buffer.from('Straße 🚧'),
    Buffer.from(''),
  ];
  const batch = batchOf(values);
  const { answers } = await pool.submit(batch);
  const expected = values.map((value, i) =>
    Buffer.concat([Buffer.from(`forward\nkey: k${i}\nvalue: `), value, Buffer.from('\n')]),
  );
  t.true(Buffer.concat(expected).equals(answers));
  await pool.end();
});

test('a value of 10 MiB passes, larger than everything a pool may hold', async (t) => {
  const { pool } = await startPool(t, 'identity.py', { maxInFlightBytes: 65536 });
  const values = ['small', 'x'.repeat(10 * 1024 * 1024), 'after'];
  t.is(textOf(await through(pool, values, 1)), forwarded(values));
  await pool.end();
});

test('several processes answer in the order of submit', async (t) => {
  const { pool } = await startPool(t, 'identity.py', { processes: 3, maxInFlightBytes: 4096 });
  t.is(new Set(pool.pids()).size, 3);
  const values = numbers(3000);
  const order: number[] = [];
  const open: Promise<unknown>[] = [];
  for (let at = 0; at < values.length; at += 30) {
    open.push(
      pool.submit(batchOf(values.slice(at, at + 30), at)).then(({ answers }) => {
        order.push(at);
        t.is(Buffer.from(answers).toString(), forwarded(values.slice(at, at + 30), at));
      }),
    );
  }
  await Promise.all(open);
  t.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  await pool.end();
  t.deepEqual(pool.pids(), []);
});

test('an empty batch is answered in its turn', async (t) => {
  const { pool } = await startPool(t, 'identity.py');
  const answers = await Promise.all([
    pool.submit(batchOf(['a'])),
    pool.submit({ text: new Uint8Array(0), count: 0 }),
    pool.submit(batchOf(['b'], 1)),
  ]);
  t.deepEqual(
    answers.map((each) => each.answers.length),
    [forwarded(['a']).length, 0, forwarded(['b'], 1).length],
  );
});

test('fan-out answers stay with their input', async (t) => {
  const { pool } = await startPool(t, 'split_words.py');
  const [first, second] = await through(pool, ['to be or', ''], 1);
  t.is(
    textOf([first]),
    'emit\nkey: to\nvalue: 1\nemit\nkey: be\nvalue: 1\nforward\nkey: or\nvalue: 1\n',
  );
  t.is(textOf([second]), 'filter\n');
});

for (const run of ['passthrough.sh', 'passthrough.awk']) {
  test(`the raw executable ${run} works over plain pipes`, async (t) => {
    const { pool } = await startPool(t, run);
    const values = numbers(1000);
    t.is(textOf(await through(pool, values, 250)), forwarded(values));
    await pool.end();
  });
}

test('a program on the PATH can be the operator', async (t) => {
  const program = 'NR % 2 { k = $0; next } { print "forward\\n" k "\\n" $0; fflush() }';
  const { pool } = await startPool(t, 'awk', { args: [program] });
  t.is(textOf(await through(pool, ['a', 'b'], 1)), forwarded(['a', 'b']));
  await pool.end();
});

test('a compiled program works over plain pipes', async (t) => {
  if (spawnSync('gcc', ['--version']).status !== 0) {
    t.log('skipped: there is no gcc on this machine');
    return t.pass();
  }
  const program = join(scratch(t), 'passthrough');
  execFileSync('gcc', ['-O2', '-o', program, join(FIXTURES, 'passthrough.c')]);
  const { pool } = await startPool(t, program);
  const values = numbers(20_000);
  t.is(textOf(await through(pool, values, 2048)), forwarded(values));
  await pool.end();
});

test('what children and C code print lands in the log, not in the answers', async (t) => {
  const log = join(scratch(t), 'task.log');
  const { pool } = await startPool(t, 'faulty.py', { log });
  t.is(textOf(await through(pool, ['children', 'x'], 1)), forwarded(['children', 'x']));
  await pool.end();
  t.is(readFileSync(log, 'utf8'), 'from a child\nfrom a shell\nfrom C\n');
});

test('slow answers arrive as they are made, not when the piece of input is done', async (t) => {
  const command = await commandOf('slow.py');
  const { pool } = poolOf(t, command, { deadlineMs: 1500 });
  await pool.start();
  // Ten answers of 300 ms each: longer than the deadline, which each answer must reset.
  const [answer] = await through(pool, numbers(10), 10);
  t.is(textOf([answer]), forwarded(numbers(10)));
  t.is(pool.restarts, 0);
});

test('after end or kill a batch is refused', async (t) => {
  const { pool } = await startPool(t, 'identity.py');
  await pool.end();
  await t.throwsAsync(pool.submit(batchOf(['x'])), { code: 'OPERATOR_CLOSED' });
  const killed = await startPool(t, 'faulty.py');
  const open = killed.pool.submit(batchOf(['hang']));
  await Promise.all([t.throwsAsync(open, { code: 'OPERATOR_CLOSED' }), killed.pool.kill()]);
  t.deepEqual(killed.pool.pids(), []);
});

test('a task log is rotated at its size and drops what comes too fast', (t) => {
  const path = join(scratch(t), 'deep', 'task.log');
  const log = new TaskLog({
    path,
    clock: systemClock,
    logger: silentLog,
    bytesMax: 10,
    rateMax: 30,
  });
  for (const line of ['one two\n', 'three\n', 'four\n']) log.write(Buffer.from(line));
  t.is(readFileSync(`${path}.1`, 'utf8'), 'one two\nthree\n');
  t.is(readFileSync(path, 'utf8'), 'four\n');
  log.write(Buffer.alloc(100, 'x'));
  log.close();
  t.is(
    readFileSync(`${path}.1`, 'utf8'),
    'four\n... 100 bytes of stderr dropped, too many per second\n',
  );
});
