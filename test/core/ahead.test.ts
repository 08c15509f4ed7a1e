import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { ahead } from '../../src/core/index.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

test('results come in the order of the items, and never more than so many are under way', async (t) => {
  let underWay = 0;
  let most = 0;
  const results: number[] = [];
  const work = async (n: number): Promise<number> => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let turn = 0; turn < (n * 7) % 5; turn++) await setImmediate();
    underWay -= 1;
    return n * 10;
  };
  for await (const result of ahead(numbers(50), 4, work)) results.push(result);
  t.deepEqual(
    results,
    Array.from({ length: 50 }, (_, i) => i * 10),
  );
  t.is(most, 4);
});

test('a failure is thrown in its turn, and nothing is begun after it', async (t) => {
  const begun: number[] = [];
  const results: number[] = [];
  const work = async (n: number): Promise<number> => {
    begun.push(n);
    if (n >= 3) throw new Error(`no ${n}`);
    return n;
  };
  const failure = await t.throwsAsync(async () => {
    for await (const result of ahead(numbers(50), 3, work)) results.push(result);
  });
  t.is(failure?.message, 'no 3');
  t.deepEqual(results, [0, 1, 2]);
  t.deepEqual(begun, [0, 1, 2, 3]);
});

test('a failure does not wait for an item that never comes', async (t) => {
  async function* one(): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => {});
  }
  const work = async (): Promise<number> => {
    await setImmediate();
    throw new Error('no');
  };
  const failure = await t.throwsAsync(async () => {
    for await (const result of ahead(one(), 4, work)) t.is(result, 0);
  });
  t.is(failure?.message, 'no');
});
