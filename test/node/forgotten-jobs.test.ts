/** What a job leaves in HyDFS goes when it is forgotten, whichever way. */
import test, { type ExecutionContext } from 'ava';
import { JOBS_ENDED_MAX, SingleVoterLog } from '../../src/control/index.ts';
import { type Clock, fault, type Logger, seededRandom, silentLog } from '../../src/core/index.ts';
import type { LocalFileSystem } from '../../src/hydfs/index.ts';
import { JobSweep } from '../../src/node/job-sweep.ts';
import { until } from '../helpers/poll.ts';
import { openFiles, simDisk, stillClock } from '../hydfs/helpers.ts';

const HOUR_MS = 3_600_000;
const JOB = 'a'.repeat(32);

interface World {
  readonly fs: LocalFileSystem;
  readonly control: SingleVoterLog;
  /** a leader begins, `aged` after the files were made */
  lead(aged?: number, log?: Logger): JobSweep;
  /** the names in HyDFS become these */
  become(...names: string[]): Promise<void>;
}

async function world(t: ExecutionContext): Promise<World> {
  const disk = simDisk().mount();
  const fs = await openFiles(disk);
  const options = { sync: 'group', log: silentLog, clock: stillClock } as const;
  const random = seededRandom(2);
  const control = await SingleVoterLog.open({ disk, dir: '/data/control', random, ...options });
  t.teardown(async () => {
    await control.close();
    await fs.close();
  });
  return {
    fs,
    control,
    lead(aged = 0, log = silentLog) {
      const clock: Clock = { ...stillClock, wall: () => stillClock.wall() + aged };
      const sweep = new JobSweep({ control, fs, clock, log });
      t.teardown(() => sweep.close());
      return sweep;
    },
    async become(...names) {
      const wanted = names.toSorted().join();
      await until(async () => (await fs.list('')).toSorted().join() === wanted, {
        what: `${wanted} to be all that is there`,
      });
    },
  };
}

async function submit({ control }: World, job: string, name = job): Promise<void> {
  const { term } = control;
  const made = { kind: 'job-submit', spec: {}, fingerprint: 'f', at: 1 } as const;
  const outcome = await control.propose({ ...made, term, job, name });
  if (!outcome.ok) throw new Error(`${job} was not submitted: ${outcome.why}`);
}

const ways = {
  cancelled: ['cancelling', 'cancelled'],
  finished: ['starting', 'running', 'finishing', 'finished'],
} as const;

async function end({ control }: World, job: string, how: keyof typeof ways): Promise<void> {
  const { term } = control;
  for (const to of ways[how]) {
    const outcome = await control.propose({ kind: 'job-state', term, job, to, at: 2 });
    if (!outcome.ok) throw new Error(`${job} is not ${to}: ${outcome.why}`);
  }
}

test('a job that is forgotten takes its files along, and only its own', async (t) => {
  const w = await world(t);
  for (const name of ['jobs/a/log', 'jobs/a/wal/1-0', 'jobs/ab/log', 'jobs/a', 'mine.txt']) {
    await w.fs.create(name);
  }
  await submit(w, 'a');
  await submit(w, 'ab');
  w.lead();
  await end(w, 'a', 'cancelled');
  t.is((await w.fs.list('')).length, 5, 'an ended job can still be verified');
  await w.control.propose({ kind: 'job-forget', term: w.control.term, job: 'a', at: 3 });
  await w.become('jobs/ab/log', 'jobs/a', 'mine.txt');
});

test('the oldest of too many ended jobs takes its files along', async (t) => {
  const w = await world(t);
  w.lead();
  for (let i = 0; i <= JOBS_ENDED_MAX; i++) {
    await submit(w, `j${i}`);
    await end(w, `j${i}`, 'finished');
  }
  await w.fs.create('jobs/j0/log');
  await w.fs.create('jobs/j1/log');
  await submit(w, 'next');
  await w.become('jobs/j1/log');
  t.pass();
});

test('what could not be removed is told, and is left to the next leader', async (t) => {
  const w = await world(t);
  await submit(w, JOB);
  await w.fs.create(`jobs/${JOB}/log`);
  const told: string[] = [];
  const log: Logger = { ...silentLog, warn: (text) => void told.push(text) };
  const remove = w.fs.remove.bind(w.fs);
  w.fs.remove = async (name) => {
    throw fault('FILES_UNREACHABLE', { name, seconds: 30, reason: 'a test' });
  };
  const first = w.lead(0, log);
  await end(w, JOB, 'cancelled');
  await w.control.propose({ kind: 'job-forget', term: w.control.term, job: JOB, at: 3 });
  await until(() => told.length > 0, { what: 'a warning' });
  t.deepEqual(told, ['files of a forgotten job stay']);
  first.close();
  w.fs.remove = remove;
  w.lead(HOUR_MS);
  await w.become();
});
