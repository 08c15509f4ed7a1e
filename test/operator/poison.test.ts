import test from 'ava';
import {
  batchOf,
  commandOf,
  FIXTURES,
  forwarded,
  numbers,
  poolOf,
  startPool,
  textOf,
  through,
} from './support.ts';

/** `count` plain values with faults at some places. */
function poisoned(count: number, faults: Readonly<Record<number, string>>): string[] {
  return numbers(count).map((value, i) => faults[i] ?? value);
}

function expected(values: readonly string[], dead: readonly number[]): string {
  return forwarded(values.map((value, i) => (dead.includes(i) ? null : value)));
}

const cases = [
  {
    name: 'raises an exception',
    fault: 'raise',
    reason: /^exited with 1$/,
    trace: /ValueError: poison/,
  },
  { name: 'kills itself', fault: 'kill', reason: /^was killed by SIGKILL$/, trace: /^$/ },
  {
    name: 'has a segmentation fault',
    fault: 'segfault',
    reason: /^was killed by SIGSEGV$/,
    trace: /^$/,
  },
  { name: 'leaves with 3', fault: 'exit-3', reason: /^exited with 3$/, trace: /^$/ },
] as const;

for (const { name, fault, reason, trace } of cases) {
  test(`an input at which the script ${name} is found exactly`, async (t) => {
    const { pool } = await startPool(t, 'faulty.py');
    const values = poisoned(400, { 123: fault });
    const answers = await through(pool, values, 100);
    t.is(textOf(answers), expected(values, [123]));
    t.deepEqual(
      answers.map((each) => each.dead.map(({ index }) => index)),
      [[], [23], [], []],
    );
    t.regex(answers[1].dead[0].reason, reason);
    t.regex(answers[1].dead[0].trace, trace);
    await pool.end();
  });
}

test('the traceback shows the script and not the shim', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { crashLimit: 1 });
  const { dead } = await pool.submit(batchOf(['raise']));
  t.regex(
    dead[0].trace,
    /^Traceback \(most recent call last\):\n {2}File ".*faulty\.py", line \d+, in <module>\n {4}fault\(value\)\n/,
  );
  t.notRegex(dead[0].trace, /rainstorm_shim/);
  t.is(dead[0].trace.split('Traceback').length, 2);
});

test('the first input of all may be the poison', async (t) => {
  const { pool } = await startPool(t, 'faulty.py');
  const values = poisoned(50, { 0: 'kill' });
  const answers = await through(pool, values, 50);
  t.is(textOf(answers), expected(values, [0]));
  t.is(pool.restarts, 3);
});

test('several poisons in one batch, of several kinds, are all found', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { crashLimit: 2 });
  const faults = { 3: 'kill', 4: 'raise', 40: 'exit-3', 99: 'kill' };
  const values = poisoned(100, faults);
  const answers = await through(pool, values, 100);
  t.is(textOf(answers), expected(values, [3, 4, 40, 99]));
});

for (const fault of ['hang', 'hang-hard']) {
  test(`an input at which the script hangs (${fault}) is found by the deadline`, async (t) => {
    const { pool } = await startPool(t, 'faulty.py', { deadlineMs: 400, crashLimit: 1 });
    const values = poisoned(60, { 20: fault });
    const [answer] = await through(pool, values, 60);
    t.is(textOf([answer]), expected(values, [20]));
    t.is(answer.dead[0].reason, 'gave no answer for 0.4 s');
    if (fault === 'hang') t.regex(answer.dead[0].trace, /told to stop[\s\S]*time\.sleep\(1000\)/);
  });
}

test('a process killed from outside costs no input', async (t) => {
  const { pool, events } = await startPool(t, 'faulty.py', { args: ['--no-flush'] });
  const values = numbers(60_000);
  let killed = 0;
  const killer = setInterval(() => {
    for (const pid of killed < 3 ? pool.pids() : []) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
  }, 60);
  t.teardown(() => clearInterval(killer));
  const answers = await through(pool, values, 500);
  t.is(textOf(answers), forwarded(values));
  t.true(killed > 0 && pool.restarts > 0);
  t.false(events.some((event) => event.kind === 'dead-input'));
});

test('poison works the same over plain pipes', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { shim: false, crashLimit: 2 });
  const values = poisoned(60, { 30: 'raise' });
  const answers = await through(pool, values, 60);
  t.is(textOf(answers), expected(values, [30]));
  t.regex(answers[0].dead[0].trace, /ValueError: poison/);
});

test('poison in one of several processes leaves the order intact', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { processes: 3, crashLimit: 1 });
  const values = poisoned(300, { 100: 'raise', 200: 'kill' });
  t.is(textOf(await through(pool, values, 10)), expected(values, [100, 200]));
  await pool.end();
});

test('an operator that dies of every input fails the task after ten', async (t) => {
  const { pool } = await startPool(t, 'crash_each.py', { crashLimit: 1 });
  const open = through(pool, numbers(100), 7);
  await t.throwsAsync(open, {
    code: 'OPERATOR_CRASHES_ALWAYS',
    message:
      /^the operator crash_each\.py failed on 10 inputs in a row \(exited with 1\); correct the script .*\n {2}\| Traceback[\s\S]*KeyError/,
  });
});

test('fewer than ten dead inputs with answers between do not fail the task', async (t) => {
  const { pool } = await startPool(t, 'faulty.py', { crashLimit: 1 });
  const values = numbers(40).map((value, i) => (i % 2 === 0 ? 'raise' : value));
  const answers = await through(pool, values, 40);
  t.is(answers[0].dead.length, 20);
  t.is(textOf(answers), forwarded(values.map((value) => (value === 'raise' ? null : value))));
});

test('planted bug: a shim that waits for input without writing is caught by the deadline', async (t) => {
  const command = await commandOf('faulty.py', ['--no-flush']);
  const argv = command.argv.map((part) =>
    part.endsWith('rainstorm_shim.py') ? `${FIXTURES}/forgetful_shim.py` : part,
  );
  const { pool } = poolOf(t, { ...command, argv }, { deadlineMs: 300 });
  await pool.start();
  await t.throwsAsync(through(pool, ['a'], 1), { code: 'OPERATOR_BUFFERS_OUTPUT' });
});
