/** What jobs leave in HyDFS, and what is nobody's to remove. */
import test from 'ava';
import { SingleVoterLog } from '../../src/control/index.ts';
import { silentLog } from '../../src/core/index.ts';
import { JobSweep } from '../../src/node/job-sweep.ts';
import { openFiles, simDisk } from '../hydfs/helpers.ts';
import { ManualClock } from '../leader/helpers/manual-clock.ts';

const HOUR_MS = 3_600_000;

test('files of jobs that nobody knows go when they are old, files of people never', async (t) => {
  const clock = new ManualClock();
  const disk = simDisk().mount();
  const fs = await openFiles(disk, { clock });
  const job = '0123456789abcdef0123456789abcdef';
  const theirs = ['jobs/march/report.csv', 'jobs/list', `jobs/${job}.txt`];
  for (const name of [`jobs/${job}/log`, `jobs/${job}/wal/1-0`, ...theirs]) await fs.create(name);
  clock.advance(2 * HOUR_MS);
  const young = `jobs/${job.replace('0', 'f')}/package`;
  await fs.create(young);
  const control = await SingleVoterLog.open({
    disk,
    dir: '/c',
    sync: 'group',
    clock,
    log: silentLog,
  });
  const sweep = new JobSweep({ control, fs, clock, log: silentLog });
  await sweep.settled();
  t.deepEqual((await fs.list('jobs/')).toSorted(), [...theirs, young].sort());
  sweep.close();
  await control.close();
});
