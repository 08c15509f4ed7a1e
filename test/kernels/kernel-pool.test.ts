import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isFault, silentLog } from '../../src/core/index.ts';
import {
  commit,
  formatSink,
  ingest,
  KernelPool,
  type KernelPoolOptions,
  mergeBlocks,
  OFFLOAD_BYTES,
  splitSource,
} from '../../src/kernels/index.ts';
import { evenSlots } from '../../src/plan/index.ts';

const slots = evenSlots(3, 1).tasks;
const chunk = Buffer.from(
  Array.from({ length: 3000 }, (_, i) => `line ${i}, "${'x'.repeat(i % 90)}"\r\n`).join(''),
);
const sourceArgs = {
  chunk,
  final: true,
  sourceIndex: 0,
  keyPrefix: Buffer.from('a.csv:'),
  firstLine: 0,
  maxTuples: 5000,
  consumers: 3,
  slots,
};
const source = splitSource(sourceArgs);
const { bytes: block, count } = source.blocks[0];
const answers = Buffer.from(
  Array.from({ length: count }, (_, i) =>
    i % 3 === 0 ? 'filter\n' : `forward\nkey: ${i % 50}\nvalue: v${i}\n`,
  ).join(''),
);
const commitArgs = { answers, count, block, skip: 0, consumers: 3, slots };

/** A pool whose threads are up, closed after the test. */
async function warmPool(t: ExecutionContext, options: Partial<KernelPoolOptions> = {}) {
  const pool = new KernelPool({ threads: 1, log: silentLog, offloadBytes: 0, ...options });
  t.teardown(() => pool.close());
  await pool.warm();
  return pool;
}

test('the pool gives what the kernel gives inline', async (t) => {
  const pool = await warmPool(t);
  t.deepEqual(await pool.run('source', sourceArgs), source);
  t.deepEqual(
    await pool.run('ingest', { block, skip: 3, dead: [9] }),
    ingest({ block, skip: 3, dead: [9] }),
  );
  const blocks = source.blocks.map(({ bytes }) => ({ bytes, skip: 1 }));
  t.deepEqual(await pool.run('merge', { blocks }), mergeBlocks({ blocks }));
  t.deepEqual(await pool.run('commit', commitArgs), commit(commitArgs));
  const sinkArgs = { answers, count, skip: 0, format: 'json' } as const;
  t.deepEqual(await pool.run('sink', sinkArgs), formatSink(sinkArgs));
  const wrong = { ...commitArgs, answers: Buffer.from('oops\n'), count: 1 };
  t.deepEqual(await pool.run('commit', wrong), commit(wrong));
  t.deepEqual(pool.stats, { inline: 0, offloaded: 6 });
});

test('faults and assertions come back from a thread as what they are', async (t) => {
  const pool = await warmPool(t);
  const bad = block.subarray(1);
  const inline = t.throws(() => ingest({ block: bad, skip: 0 }));
  const pooled = await t.throwsAsync(pool.run('ingest', { block: bad, skip: 0 }));
  t.true(isFault(pooled, 'BLOCK_INVALID'));
  t.is(pooled.message, inline.message);
  await t.throwsAsync(pool.run('commit', { ...commitArgs, count: 1 }), {
    name: 'AssertionFailure',
    message: 'every input has its answer',
  });
  t.deepEqual(pool.stats, { inline: 0, offloaded: 2 });
});

test('a buffer stays with its owner unless it is given away', async (t) => {
  const pool = await warmPool(t);
  const shared = block.slice();
  await pool.run('ingest', { block: shared, skip: 0 });
  t.is(shared.length, block.length);
  const part = Buffer.concat([Buffer.of(0, 0, 0), block]).subarray(3);
  await pool.run('ingest', { block: part, skip: 0 }, { transfer: true });
  t.is(part.length, block.length, 'a part of a buffer is not ours to move');
  const given = block.slice();
  await pool.run('ingest', { block: given, skip: 0 }, { transfer: true });
  t.is(given.length, 0);
});

test('small calls, calls of a cold pool and calls without threads run inline', async (t) => {
  const pool = await warmPool(t, { offloadBytes: block.length + 1 });
  await pool.run('ingest', { block, skip: 0 });
  t.deepEqual(pool.stats, { inline: 1, offloaded: 0 });

  const cold = new KernelPool({ threads: 1, log: silentLog, offloadBytes: 0 });
  t.teardown(() => cold.close());
  await cold.run('ingest', { block, skip: 0 });
  t.deepEqual(cold.stats, { inline: 1, offloaded: 0 });
  await cold.warm();
  await cold.run('ingest', { block, skip: 0 });
  t.deepEqual(cold.stats, { inline: 1, offloaded: 1 });

  const none = new KernelPool({ threads: 0, log: silentLog, offloadBytes: 0 });
  await none.warm();
  await none.run('ingest', { block, skip: 0 });
  t.deepEqual(none.stats, { inline: 1, offloaded: 0 });
  t.true(OFFLOAD_BYTES > 0);
});

test('when the threads are busy, further calls run inline', async (t) => {
  const pool = await warmPool(t);
  const results = await Promise.all(
    Array.from({ length: 5 }, () => pool.run('source', sourceArgs)),
  );
  t.deepEqual(pool.stats, { inline: 3, offloaded: 2 });
  for (const result of results) t.deepEqual(result, source);
});

test('a thread that dies rejects its call, and the pool goes on', async (t) => {
  const taskFile = join(import.meta.dirname, 'doomed-tasks.ts');
  const pool = await warmPool(t, { taskFile });
  await t.throwsAsync(pool.run('ingest', { block, skip: 0 }));
  await t.throwsAsync(pool.run('merge', { blocks: [{ bytes: block, skip: 0 }] }), {
    message: 'thrown in a thread',
  });
});

test('a pool that cannot start says so once and runs inline', async (t) => {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const pool = await warmPool(t, { log, taskFile: join(import.meta.dirname, 'no-such-tasks.ts') });
  await pool.run('ingest', { block, skip: 0 });
  await pool.run('ingest', { block, skip: 0 });
  t.deepEqual(pool.stats, { inline: 2, offloaded: 0 });
  t.is(warnings.length, 1);
});

test('a closed pool is not used', async (t) => {
  const pool = new KernelPool({ threads: 1, log: silentLog });
  await pool.close();
  await t.throwsAsync(pool.run('ingest', { block, skip: 0 }), { name: 'AssertionFailure' });
});
