import { join } from 'node:path';
import test from 'ava';
import { silentLog, systemClock, systemRandom } from '../../src/core/index.ts';
import { checkOperator } from '../../src/operator/index.ts';
import { batchOf, commandOf, FIXTURES, poolOf, startPool, through } from './support.ts';

test('a script that dies before it reads is a failed start, with its traceback', async (t) => {
  const { pool, events } = poolOf(t, await commandOf('broken.py'));
  const error = await t.throwsAsync(pool.start(), { code: 'OPERATOR_START_FAILED' });
  t.regex(
    error?.message ?? '',
    /^the operator broken\.py exited with 1 before it read any input; correct the script and run the same command again\n {2}\| Traceback[\s\S]*RuntimeError: no model file in broken\.py$/,
  );
  t.is(events.filter(({ kind }) => kind === 'started').length, 2);
  await t.throwsAsync(pool.submit(batchOf(['x'])), { code: 'OPERATOR_START_FAILED' });
});

test('a script that never reads is a failed start', async (t) => {
  const { pool } = poolOf(t, await commandOf('never_reads.py'), { startDeadlineMs: 400 });
  await t.throwsAsync(pool.start(), {
    code: 'OPERATOR_START_FAILED',
    message: /never_reads\.py did not begin to read for 0\.4 s before it read any input/,
  });
});

test('an executable that cannot be executed is a failed start', async (t) => {
  const { pool } = await startPool(t, 'broken.sh');
  await t.throwsAsync(through(pool, ['x'], 1), {
    code: 'OPERATOR_START_FAILED',
    message: /broken\.sh exited with 12[67] before it read any input.*\n {2}\| .*broken\.sh/,
  });
});

test('a line that is no answer is named with what was expected and the input', async (t) => {
  const { pool } = await startPool(t, 'faulty.py');
  await t.throwsAsync(through(pool, ['a', 'b', 'junk', 'c'], 4), {
    code: 'OPERATOR_PROTOCOL',
    message:
      /^Protocol Mismatch: the operator faulty\.py wrote "Hello, world" where an answer \(`filter`, or `forward` with a `key: ` and a `value: ` line\) was expected, answering the input with key "k2"; print one answer/,
  });
});

test('two answers to the first input are noticed before anything is delivered', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { shim: false }); // each answer is a write
  const delivered: number[] = [];
  const open = ['twice', 'b', 'c', 'd'].map((value, i) =>
    pool.submit(batchOf([value], i)).then(() => delivered.push(i)),
  );
  for (const each of open) await t.throwsAsync(each, { code: 'OPERATOR_TOO_MANY_ANSWERS' });
  t.deepEqual(delivered, []);
});

test('two answers to the last input are noticed at the end', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { shim: false });
  const answers = await through(pool, ['a', 'twice'], 2).catch((error: unknown) => error);
  const error = await t.throwsAsync(pool.end());
  t.is((error as { code?: string }).code, 'OPERATOR_TOO_MANY_ANSWERS');
  t.truthy(answers);
});

test('a working directory that does not exist is a failed start', async (t) => {
  const { pool } = poolOf(t, await commandOf('identity', [], { cwd: '/no/such/folder' }));
  await t.throwsAsync(pool.start(), {
    code: 'OPERATOR_START_FAILED',
    message: /identity\.py could not be started \(no working directory \/no\/such\/folder\)/,
  });
});

test('closing stdout while alive fails the task', async (t) => {
  const { pool } = await startPool(t, 'faulty.py');
  await t.throwsAsync(through(pool, ['a', 'close', 'b'], 3), {
    code: 'OPERATOR_CLOSED_STDOUT',
    message:
      /^Process Closed Stdout: the operator faulty\.py closed its output but went on running, \d inputs/,
  });
});

test('leaving with 0 before the end of input fails the task', async (t) => {
  const { pool } = await startPool(t, 'faulty.py');
  await t.throwsAsync(through(pool, ['a', 'exit-0', 'b'], 1), {
    code: 'OPERATOR_STOPPED_EARLY',
    message: /^the operator faulty\.py exited with 0 before its input ended/,
  });
});

for (const run of ['never_flushes.sh', 'slurp.py']) {
  test(`an operator that answers only at the end of input is named (${run})`, async (t) => {
    const { pool } = await startPool(t, run, { deadlineMs: 300 });
    await t.throwsAsync(through(pool, ['a', 'b'], 1), {
      code: 'OPERATOR_BUFFERS_OUTPUT',
      message: /answers only when its input ends; flush the output after each answer/,
    });
  });
}

test('a failed pool keeps its fault for every later batch and for end', async (t) => {
  const { pool } = await startPool(t, 'faulty.py');
  await t.throwsAsync(through(pool, ['junk'], 1), { code: 'OPERATOR_PROTOCOL' });
  await t.throwsAsync(pool.submit(batchOf(['x'])), { code: 'OPERATOR_PROTOCOL' });
  await t.throwsAsync(pool.end(), { code: 'OPERATOR_PROTOCOL' });
  t.deepEqual(pool.pids(), []);
});

test('op check says in words what an operator does with a sample', async (t) => {
  const sample = [
    { key: 'a', value: 'x y' },
    { key: 'b', value: '' },
  ];
  const common = {
    sample,
    deadlineMs: 2000,
    clock: systemClock,
    random: systemRandom,
    logger: silentLog,
  };
  const good = await checkOperator({ command: await commandOf('split_words'), ...common });
  t.deepEqual(good, {
    ok: true,
    lines: [
      'a = x y',
      '  -> x = 1',
      '  -> y = 1',
      'b = ',
      '  filtered',
      'split_words.py answered 2 of 2 tuples',
    ],
  });
  const bad = await checkOperator({ command: await commandOf('crash_each.py'), ...common });
  t.false(bad.ok);
  t.regex(bad.lines[1], /^ {2}failed: it exited with 1\n {2}\| Traceback/);
  const none = await checkOperator({
    command: await commandOf(join(FIXTURES, 'broken.py')),
    ...common,
  });
  t.false(none.ok);
  t.regex(none.lines[0], /before it read any input/);
});
