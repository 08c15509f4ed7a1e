import test from 'ava';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import type { FileSystem } from '../../src/hydfs/index.ts';
import { KernelPool } from '../../src/kernels/index.ts';
import type { OperatorCommand } from '../../src/operator/index.ts';
import { evenSlots, parseJobFile, planJob } from '../../src/plan/index.ts';
import { StageTask } from '../../src/worker/stage-task.ts';
import { TaskJournal } from '../../src/worker/task-journal.ts';
import { stillClock } from '../hydfs/helpers.ts';

const job = `
name: start
sources: [{ file: 'hydfs:in' }]
stages:
  - { name: same, type: transform, run: identity }
  - { name: last, type: transform, run: identity }
sink: { file: 'hydfs:out' }
`;

test('a task looks for its operator while its log is being opened', async (t) => {
  const asked = Promise.withResolvers<void>();
  const opening = Promise.withResolvers<void>();
  const openWriter = (): Promise<never> => {
    opening.resolve();
    return new Promise(() => {});
  };
  const task = new StageTask({
    plan: planJob('j', parseJobFile(job, 'job.yaml', '/')),
    attempt: { job: 'j', stage: 1, index: 0, epoch: 1 },
    services: {
      fs: { openWriter } as Partial<FileSystem> as FileSystem,
      kernels: new KernelPool({ threads: 0, log: silentLog }),
      clock: stillClock,
      random: seededRandom(1),
      log: silentLog,
      resolveOperator: () => {
        asked.resolve();
        return Promise.reject<OperatorCommand>(new Error('there is none'));
      },
      taskLogPath: () => '',
      groupsFile: '',
      node: 'n',
    },
    log: silentLog,
    journal: new TaskJournal({
      path: '',
      task: 'j/same[0]',
      epoch: 1,
      node: 'n',
      outputs: 'none',
      sources: ['in'],
      clock: stillClock,
      logger: silentLog,
    }),
    slots: evenSlots(1, 1).tasks,
    connect: () => {},
    disconnect: () => {},
    changed: () => {},
  });
  void task.start();
  await Promise.all([opening.promise, asked.promise]);
  t.is(task.state, 'recovering', 'that there is none is told when it is needed');
  await task.stop();
});
