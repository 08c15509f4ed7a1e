/** What is told of many jobs over one connection. */
import test from 'ava';
import type { JobView, TaskView } from '../../src/leader/index.ts';
import { jobMethods, RemoteJobs } from '../../src/node/methods.ts';
import type { JobService } from '../../src/node/service.ts';
import { openRpc, serveRpc } from '../../src/transport/index.ts';
import { connected, inProcess } from '../transport/helpers/harness.ts';

const view: JobView = {
  job: 'j',
  name: 'signs',
  state: 'finished',
  reason: null,
  fingerprint: 'f',
  submittedAt: 1,
  startedAt: 2,
  endedAt: 3,
  stages: [],
  events: Array.from({ length: 256 }, (_, at) => ({
    at,
    kind: 'task-lost' as const,
    text: 'signs/pick[0] was lost with its node and is replaced '.repeat(4),
  })),
};
const task: TaskView = {
  job: 'j',
  name: 'signs/pick[0]',
  stage: 1,
  stageName: 'pick',
  index: 0,
  vm: '127.0.0.1:7070',
  pids: [1, 2],
  operator: 'filter.py',
  state: 'done',
  epoch: 1,
  counts: { in: 1, out: 1, duplicates: 0, resent: 0 },
  rate: 0,
  logFile: '/data/logs/j/1-0.log',
};

test('lists of jobs and of tasks that fit no frame are told whole', async (t) => {
  const views = Array.from({ length: 20 }, (_, i) => ({ ...view, job: `j${i}` }));
  const tasks = Array.from({ length: 3000 }, (_, index) => ({ ...task, index }));
  const known: Partial<JobService> = { jobs: async () => views, tasks: async () => tasks };
  const { near, far } = await connected(inProcess, t);
  serveRpc(
    far,
    jobMethods(() => known as JobService),
  );
  const jobs = new RemoteJobs(openRpc(near));
  t.deepEqual(await jobs.jobs(), views);
  t.deepEqual(await jobs.tasks(), tasks);
});
