import test from 'ava';
import { between, seededRandom } from '../../src/core/index.ts';
import type { BatchAnswer, InputBatch } from '../../src/operator/index.ts';
import { batchOf, commandOf, poolOf, textOf, through } from './support.ts';

/** What an owner does: keeps every delivered batch, without its dead inputs. */
class Ledger {
  readonly delivered: InputBatch[] = [];
  rebuilds = 0;

  async *rebuild(): AsyncIterable<InputBatch> {
    this.rebuilds += 1;
    for (const batch of [...this.delivered]) yield batch;
  }

  keep(values: readonly string[], answer: BatchAnswer): BatchAnswer {
    const dead = new Set(answer.dead.map(({ index }) => index));
    this.delivered.push(batchOf(values.filter((_, i) => !dead.has(i))));
    return answer;
  }
}

/** The running totals of `values`, dead inputs left out. */
function totals(values: readonly string[]): string {
  let total = 0;
  return values
    .map((value) => {
      if (value === 'die') return 'filter\n';
      total += Number(value);
      return `forward\nkey: total\nvalue: ${total}\n`;
    })
    .join('');
}

for (const seed of [1, 2, 3]) {
  test(`running totals stay exact when the process is killed at random times (seed ${seed})`, async (t) => {
    const random = seededRandom(seed);
    const ledger = new Ledger();
    const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild: () => ledger.rebuild() });
    await pool.start();
    const values = Array.from({ length: 20_000 }, () => String(between(random, 0, 100)));
    const open: Promise<BatchAnswer>[] = [];
    let kills = 0;
    for (let at = 0; at < values.length; at += 100) {
      const part = values.slice(at, at + 100);
      open.push(pool.submit(batchOf(part, at)).then((answer) => ledger.keep(part, answer)));
      if (between(random, 0, 25) > 0) continue;
      await open[between(random, Math.max(0, open.length - 10), open.length)];
      for (const pid of pool.pids()) {
        process.kill(pid, 'SIGKILL');
        kills += 1;
      }
    }
    t.is(textOf(await Promise.all(open)), totals(values));
    t.true(kills >= 3 && pool.restarts >= 1);
    t.is(ledger.rebuilds, pool.restarts + 1);
    await pool.end();
  });
}

test('state of an earlier life is rebuilt at the start', async (t) => {
  const ledger = new Ledger();
  ledger.delivered.push(batchOf(['5', '6']), batchOf(['7']));
  const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild: () => ledger.rebuild() });
  await pool.start();
  t.is(textOf(await through(pool, ['1'], 1)), 'forward\nkey: total\nvalue: 19\n');
  await pool.end();
});

test('a poison in an aggregate is dropped and the totals go on without it', async (t) => {
  const ledger = new Ledger();
  const rebuild = (): AsyncIterable<InputBatch> => ledger.rebuild();
  const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild });
  await pool.start();
  const values = Array.from({ length: 300 }, (_, i) =>
    [130, 131, 250].includes(i) ? 'die' : String(i),
  );
  const answers: BatchAnswer[] = [];
  const open: Promise<unknown>[] = [];
  for (let at = 0; at < values.length; at += 100) {
    const part = values.slice(at, at + 100);
    open.push(pool.submit(batchOf(part)).then((answer) => answers.push(ledger.keep(part, answer))));
  }
  await Promise.all(open);
  t.is(textOf(answers), totals(values));
  t.deepEqual(
    answers.map((each) => each.dead.map(({ index }) => index)),
    [[], [30, 31], [50]],
  );
});

test('planted bug: an owner that forgets a delivered batch gives other totals', async (t) => {
  const ledger = new Ledger();
  const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild: () => ledger.rebuild() });
  await pool.start();
  await pool.submit(batchOf(['1', '2'])); // not kept
  for (const pid of pool.pids()) process.kill(pid, 'SIGKILL');
  const values = ['3', '4'];
  t.not(
    textOf([await pool.submit(batchOf(values))]),
    totals(['1', '2', ...values]).slice(-values.length),
  );
});

test('an operator that dies while it is rebuilt fails the task after three tries', async (t) => {
  const ledger = new Ledger();
  ledger.delivered.push(batchOf(['1', 'die', '2']));
  const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild: () => ledger.rebuild() });
  await t.throwsAsync(pool.start(), {
    code: 'OPERATOR_REBUILD_FAILED',
    message:
      /^the state of the operator tally\.py could not be rebuilt from its 3 earlier inputs \(was killed by SIGKILL\)/,
  });
  t.is(ledger.rebuilds, 3);
});

test('an operator that answers the replay with too much fails the task', async (t) => {
  const ledger = new Ledger();
  ledger.delivered.push(batchOf(['a', 'twice']));
  const { pool } = poolOf(t, await commandOf('faulty.py'), { rebuild: () => ledger.rebuild() });
  await t.throwsAsync(pool.start(), { code: 'OPERATOR_TOO_MANY_ANSWERS' });
});

test('a rebuild that cannot be read fails the task', async (t) => {
  const lost: Promise<InputBatch> = Promise.reject(new Error('the log is gone'));
  async function* rebuild(): AsyncIterable<InputBatch> {
    yield await lost;
  }
  const { pool } = poolOf(t, await commandOf('tally.py'), { rebuild });
  await t.throwsAsync(pool.start(), {
    code: 'OPERATOR_REBUILD_FAILED',
    message: /\(the log is gone\)/,
  });
});
