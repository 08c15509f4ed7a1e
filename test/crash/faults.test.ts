/**
 * Faults other than the death of the whole process at a chosen place, with real processes.
 *
 * One case again: npm test -- test/crash/faults --match='*<part of the title>*'
 */
import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { between, seededRandom, sleep, systemClock } from '../../src/core/index.ts';
import { until } from '../helpers/poll.ts';
import { descendantsOf, signal } from '../helpers/process-tree.ts';
import type { Running } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { type JobName, type JobOptions, sourceText, writeJob } from './jobs.ts';
import { INTERRUPTED, KilledRun } from './kills.ts';
import { type Patch, smallLimits, Workshop } from './program.ts';

const SEED = 11;
/** Slow enough that everything below happens while the job is at work. */
const PACED = { source: 'rate: 3000' };
const workshop = new Workshop();
test.after.always(() => workshop.close());

interface Setting extends Partial<JobOptions> {
  readonly flags?: readonly string[];
  readonly patches?: readonly Patch[];
}

async function makeRun(
  t: ExecutionContext,
  name: JobName,
  { flags = [], patches = [], ...options }: Setting = {},
): Promise<KilledRun> {
  const job = writeJob(tmpDir(t), name, { seed: SEED, ...options });
  return new KilledRun(t, await workshop.build(patches), job, ['--quiet', ...flags]);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function untilItWrites(run: KilledRun, bytes = 1): Promise<void> {
  const what = `${bytes} bytes of output`;
  await until(() => sizeOf(run.job.destination) >= bytes, { what });
}

async function isExact(t: ExecutionContext, run: KilledRun, ...more: string[]): Promise<void> {
  t.regex(await run.isExact(...more), /, all (exactly|at least) once$/);
}

async function endsWell(t: ExecutionContext, running: Running): Promise<void> {
  const ended = await running.ended;
  t.is(ended.code, 0, ended.stderr);
}

for (const name of ['transform', 'count'] as const) {
  test.serial(`operators killed again and again while they work: ${name} is exact`, async (t) => {
    const run = await makeRun(t, name, { ...PACED, lines: 6000 });
    const random = seededRandom(SEED);
    const running = run.start();
    await untilItWrites(run);
    let killed = 0;
    for (let i = 0; i < 8; i++) {
      const pids = descendantsOf(running.pid);
      if (pids.length === 0) break;
      signal(pids[between(random, 0, pids.length)], 'SIGKILL');
      killed += 1;
      await sleep(systemClock, between(random, 20, 150));
    }
    await endsWell(t, running);
    t.true(killed >= 3, `${killed} operators were killed`);
    await isExact(t, run);
    await run.isVerified();
  });
}

test.serial(
  'an engine that is stopped for longer than a deadline and goes on is exact',
  async (t) => {
    const run = await makeRun(t, 'count', { ...PACED, stage: 'deadline: 3s' });
    const running = run.start();
    await untilItWrites(run);
    signal(running.pid, 'SIGSTOP');
    await sleep(systemClock, 1200);
    signal(running.pid, 'SIGCONT');
    await endsWell(t, running);
    await isExact(t, run);
  },
);

test.serial('an operator that is stopped is replaced, and the result is exact', async (t) => {
  const run = await makeRun(t, 'count', { ...PACED, stage: 'deadline: 3s' });
  const running = run.start();
  await untilItWrites(run);
  for (const pid of descendantsOf(running.pid)) signal(pid, 'SIGSTOP');
  await endsWell(t, running);
  await isExact(t, run);
});

test.serial('tasks that talk over TCP survive kills', async (t) => {
  const run = await makeRun(t, 'count', { flags: ['--transport', 'tcp'], patches: smallLimits });
  await run.diesAt('task.acked-not-sent', 4);
  await run.diesAt('task.recovering', 1);
  await run.diesAt('sink.before-redelivery', 1);
  await run.finishes();
  await isExact(t, run);
  await run.isVerified();
});

test.serial('at-least-once loses nothing over kills', async (t) => {
  const patches = smallLimits;
  const more = 'exactlyOnce: false';
  const run = await makeRun(t, 'transform', { more, patches, padding: 2000 });
  await run.diesAt('source.before-position', 3);
  await run.diesAt('source.before-send', 2);
  await run.finishes();
  await isExact(t, run, '--at-least-once');
});

test.serial('at-least-once loses no dead letter over kills', async (t) => {
  const run = await makeRun(t, 'poison', { more: 'exactlyOnce: false' });
  await run.diesAt('letters.written-not-acked', 2);
  await run.finishes();
  await isExact(t, run, '--at-least-once');
});

test.serial('dead letters are there once each after kills around them', async (t) => {
  const run = await makeRun(t, 'poison');
  await run.diesAt('letters.written-not-acked', 2);
  await run.diesAt('letters.before-write', 1);
  await run.finishes();
  await isExact(t, run);
  await run.isVerified();
});

const changes: Readonly<Record<string, readonly [(path: string) => void, RegExp]>> = {
  'has shrunk': [(path) => truncateSync(path, sizeOf(path) - 100), /changed .*: it shrank from/],
  'has grown': [(path) => appendFileSync(path, '1,k1,keep,\n'), /changed .*: it grew from/],
  'was modified': [
    (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('keep', 'kept')),
    /changed .*: it was modified/,
  ],
  'was replaced': [
    (path) => {
      const text = readFileSync(path);
      writeFileSync(`${path}.other`, text);
      rmSync(path);
      writeFileSync(path, text);
    },
    /changed .*: (another file has taken its place|it was modified)/,
  ],
  'is gone': [(path) => rmSync(path), /in\.csv does not exist/],
};

for (const [how, [change, message]] of Object.entries(changes)) {
  test.serial(`a source that ${how} since the kill is an error, not a guess`, async (t) => {
    const run = await makeRun(t, 'identity', { lines: 1000 });
    await run.diesAt('sink.appended-not-acked', 1);
    change(run.job.sources[0]);
    const error = await t.throwsAsync(run.finishes());
    t.regex(error?.message ?? '', message);
  });
}

const edits: Readonly<Record<string, (path: string) => void>> = {
  deleted: (path) => rmSync(path, { force: true }),
  'cut short': (path) => truncateSync(path, Math.floor(sizeOf(path) / 2)),
  'written over': (path) => writeFileSync(path, 'not what the job wrote\n'),
  'added to': (path) => appendFileSync(path, 'k1: 1\n'),
};

for (const [how, edit] of Object.entries(edits)) {
  test.serial(`a local destination that was ${how} since the kill comes out right`, async (t) => {
    const run = await makeRun(t, 'words', { lines: 1000 });
    await run.diesAt('export.before-marker', 1);
    edit(run.job.destination);
    await run.finishes();
    await isExact(t, run);
  });
}

test.serial('a destination in HyDFS that was removed since the kill is told', async (t) => {
  const run = await makeRun(t, 'transform', { patches: smallLimits, padding: 2000 });
  const file = join(run.job.dir, 'job.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('out.txt', "'hydfs:out'"));
  await run.diesAt('source.before-position', 3);
  const removed = await run.command(['fs', 'rm', 'out']);
  t.is(removed.code, 0, removed.stderr);
  const error = await t.throwsAsync(run.finishes(20_000));
  t.regex(error?.message ?? '', /its log or the destination was removed/);
});

test.serial(
  'a second process on the same data directory is refused by the pid of the first',
  async (t) => {
    const run = await makeRun(t, 'identity', { source: 'rate: 1500' });
    const first = run.start();
    await untilItWrites(run);
    const second = await run.start().ended;
    t.not(second.code, 0);
    t.true(second.stderr.includes(String(first.pid)), second.stderr);
    await endsWell(t, first);
    await isExact(t, run);
  },
);

test.serial('Ctrl-C commits what is in flight, and the same command goes on', async (t) => {
  const run = await makeRun(t, 'count', PACED);
  const running = run.start();
  await untilItWrites(run);
  signal(running.pid, 'SIGINT');
  const ended = await running.ended;
  t.is(ended.code, INTERRUPTED, ended.stderr);
  t.regex(ended.stderr, /run the same command again/);
  await run.isExact('--prefix');
  t.regex((await run.finishes()).stderr, /is resumed; reading goes on at in\.csv line \d+/);
  await isExact(t, run);
  await run.isVerified();
});

test.serial('a followed source that grows through kills is exact', async (t) => {
  const run = await makeRun(t, 'identity', { source: 'follow: true', lines: 500, padding: 40 });
  const [source] = run.job.sources;
  const random = seededRandom(SEED);
  const grow = (seed: number): void =>
    appendFileSync(source, sourceText('identity', { seed, lines: 300, padding: 40 }));
  for (let round = 1; round <= 4; round++) {
    const running = run.start();
    grow(round);
    await untilItWrites(run, between(random, 1, sizeOf(source)));
    await running.kill('SIGKILL');
    grow(100 + round);
  }
  const last = run.start();
  grow(7);
  const lines = (path: string): number => readFileSync(path, 'utf8').split('\n').length;
  await until(() => lines(run.job.destination) >= lines(source), { what: 'the last line' });
  signal(last.pid, 'SIGINT');
  await endsWell(t, last);
  await isExact(t, run);
});
