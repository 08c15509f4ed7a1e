/** The log of a task whose inputs are an operator's state: what a successor reads of it. */
import test, { type ExecutionContext } from 'ava';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import { type FileSystem, LocalFileSystem } from '../../src/hydfs/index.ts';
import { KernelPool } from '../../src/kernels/index.ts';
import { keptFileName, parseJobFile, planJob, walFileName } from '../../src/plan/index.ts';
import { nodeDisk } from '../../src/storage/index.ts';
import { CHECKPOINT_RECORDS } from '../../src/worker/commit-log.ts';
import { PART_RECORDS } from '../../src/worker/kept-file.ts';
import { keptInputs } from '../../src/worker/kept-inputs.ts';
import type { StagedBatch } from '../../src/worker/staged-batch.ts';
import type { TaskContext } from '../../src/worker/task-context.ts';
import { openOutputs, type TaskOutputs } from '../../src/worker/task-outputs.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { stillClock } from '../hydfs/helpers.ts';

const job = `
name: state
sources: [{ file: 'hydfs:in' }]
stages: [{ name: count, type: aggregate, run: count_by_key, tasks: 1 }]
sink: { file: 'hydfs:out' }
`;
const plan = planJob('j', parseJobFile(job, 'job.yaml', '/'));
const kernels = new KernelPool({ threads: 0, log: silentLog });
const task = { job: 'j', stage: 1, index: 0 };

function openFiles(t: ExecutionContext): Promise<LocalFileSystem> {
  const base = { disk: nodeDisk, clock: stillClock, random: seededRandom(1), log: silentLog };
  return LocalFileSystem.open({ ...base, root: tmpDir(t), sync: 'os', segmentBytes: 256 * 1024 });
}

function contextOf(fs: FileSystem, epoch: number): TaskContext {
  const services = { fs, kernels } as TaskContext['services'];
  return { plan, attempt: { ...task, epoch }, services } as TaskContext;
}

/** An attempt with the outputs of its predecessors delivered. */
async function attempt(fs: FileSystem, epoch: number): Promise<TaskOutputs> {
  const broken = (error: unknown): void => {
    throw error;
  };
  const events = { progressed: (): void => outputs?.strategy.progressed(), broken };
  let outputs: TaskOutputs | null = null;
  outputs = await openOutputs(contextOf(fs, epoch), events);
  outputs.redeliver();
  return outputs;
}

/** Batch `i`: two tuples, the first of which its operator did not survive where `i` is like that. */
async function batch(i: number): Promise<StagedBatch> {
  const width = isWide(i) ? 80_000 : 50;
  const chunk = Buffer.from(`${i} ${'x'.repeat(width)}\n${i} second\n`);
  const slots = new Uint16Array(1024);
  const about = { sourceIndex: 0, keyPrefix: Buffer.from('in:'), maxTuples: 9, consumers: 1 };
  const firstLine = i * 2;
  const made = await kernels.run('source', { ...about, chunk, final: true, firstLine, slots });
  const [{ bytes: block }] = made.blocks;
  const dead = isDeadly(i) ? [0] : [];
  const tuplesOut = 2 - dead.length;
  return {
    inputs: [{ producer: 0, fromEpoch: 1, lastSeq: (i + 1) * 2, ended: false }],
    outputs: [{ port: 0, count: tuplesOut, bytes: Buffer.from('line\n'.repeat(tuplesOut)) }],
    deaths: [],
    keep: { block, dead },
    tuplesIn: 2,
    tuplesOut,
    filtered: dead.length,
  };
}

/** Some in a row fill a block each, so that nothing is won by putting them together. */
function isWide(i: number): boolean {
  return i >= 1100 && i < 1150;
}

function isDeadly(i: number): boolean {
  return i % 97 === 13;
}

async function commit(outputs: TaskOutputs, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await outputs.strategy.commit(await batch(i));
}

/** What a fresh operator would be given. */
async function replay(fs: FileSystem): Promise<string> {
  const texts: Uint8Array[] = [];
  const settled = (): undefined => undefined;
  for await (const { text } of keptInputs(contextOf(fs, 9), settled)) texts.push(text);
  return Buffer.concat(texts).toString();
}

async function expected(batches: number): Promise<string> {
  let text = '';
  for (let i = 0; i < batches; i++) {
    const { keep } = await batch(i);
    const block = keep?.block ?? new Uint8Array(0);
    const ingested = await kernels.run('ingest', { block, skip: 0, dead: keep?.dead });
    text += Buffer.from(ingested.text).toString();
  }
  return text;
}

/** `files`, which tell from where each file was read. */
function watched(files: LocalFileSystem): { readonly fs: FileSystem; readonly from: number[] } {
  const from: number[] = [];
  const entries: FileSystem['entries'] = (name, options) => {
    if (name === walFileName(task)) from.push(options?.fromOffset ?? 0);
    return files.entries(name, options);
  };
  return { fs: overridden(files, { entries }), from };
}

function overridden(files: LocalFileSystem, more: Partial<FileSystem>): FileSystem {
  return new Proxy(files, {
    get(target, name) {
      if (name in more) return Reflect.get(more, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a replay gives each kept input once and in order, over checkpoints and attempts', async (t) => {
  const fs = await openFiles(t);
  const first = await attempt(fs, 1);
  await commit(first, 0, 1500);
  t.is(await replay(fs), await expected(1500));
  const second = await attempt(fs, 2);
  await commit(second, 1500, 1600);
  t.is(await replay(fs), await expected(1600), 'before the second attempt has a checkpoint');
  await commit(second, 1600, 3000);
  t.is(await replay(fs), await expected(3000));
  t.is((await fs.stat(walFileName(task))).trimmedTo, 0);
});

test('a replay is given far fewer blocks than there are records', async (t) => {
  const fs = await openFiles(t);
  await commit(await attempt(fs, 1), 0, 2000);
  let blocks = 0;
  for await (const { count } of keptInputs(contextOf(fs, 9), () => undefined)) {
    t.true(count > 0);
    blocks += 1;
  }
  // what follows the last part comes record by record
  t.true(blocks < 2000 - PART_RECORDS / 2, `${blocks} blocks`);
});

test('what would be hardly fewer blocks is not written twice', async (t) => {
  const fs = await openFiles(t);
  await commit(await attempt(fs, 1), 0, 2000);
  const [log, kept] = [await fs.stat(walFileName(task)), await fs.stat(keptFileName(task))];
  const wide = 50 * 80_000;
  t.true(log.length > wide);
  t.true(kept.length > 0 && kept.length < wide / 2, `${kept.length} bytes beside ${log.length}`);
});

test('a successor reads on from a checkpoint and stands where one stands that reads everything', async (t) => {
  const { fs, from } = watched(await openFiles(t));
  await commit(await attempt(fs, 1), 0, 2000);
  const { recovered, strategy, ports } = await attempt(fs, 2);
  t.true(from[1] > 0, 'it did not begin at the beginning');
  t.deepEqual([...recovered.watermarks], [4000]);
  const deaths = Array.from({ length: 2000 }, (_, i) => i).filter(isDeadly).length;
  const counts = { in: 4000, out: 4000 - deaths, filtered: deaths, dead: 0 };
  t.like(strategy.counts, counts);
  t.is(ports[0].placedSeq, 2000);
  let records = 0;
  for await (const { offset } of fs.entries(walFileName(task))) if (offset >= from[1]) records += 1;
  t.true(records <= CHECKPOINT_RECORDS + 2, `${records} records are read`);
});

test('a checkpoint is not begun at while an output before it is not acknowledged', async (t) => {
  const files = await openFiles(t);
  const openWriter: FileSystem['openWriter'] = async (name, ...rest) => {
    const writer = await files.openWriter(name, ...rest);
    return name === 'out' ? { ...writer, append: () => new Promise(() => {}) } : writer;
  };
  await commit(await attempt(overridden(files, { openWriter }), 1), 0, 1500);
  t.is((await files.stat('out')).length, 0);
  const { fs, from } = watched(files);
  const { ports } = await attempt(fs, 2);
  t.deepEqual(from, [0]);
  t.is(ports[0].placedSeq, 1500);
  while (ports[0].ackedSeq < 1500) await new Promise((resolve) => setImmediate(resolve));
  t.is((await files.stat('out')).length > 0, true, 'what was owed is delivered');
});
