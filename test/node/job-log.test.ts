import test from 'ava';
import { silentLog } from '../../src/core/index.ts';
import type { JobEvent } from '../../src/leader/index.ts';
import { JobLog, jobLogName } from '../../src/node/job-log.ts';
import { openFiles, simDisk, textOf } from '../hydfs/helpers.ts';

const event = (kind: JobEvent['kind'], at: number): JobEvent => ({ at, kind, text: kind });

test('a job whose first leader died before its log was made has one, a forgotten job has none', async (t) => {
  const fs = await openFiles(simDisk().mount());
  const log = new JobLog({ fs, log: silentLog, isKnown: (job) => job === 'known' });
  for (const job of ['known', 'forgotten']) log.note(job, event('task-restarted', 1));
  await log.settled();
  log.note('known', event('job-ended', 2));
  await log.settled();
  t.deepEqual(await fs.list('jobs/'), [jobLogName('known')]);
  const lines = (await textOf(fs.read(jobLogName('known')))).trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).kind),
    ['task-restarted', 'job-ended'],
  );
  await fs.close();
});
