import test from 'ava';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import { LocalFileSystem } from '../../src/hydfs/index.ts';
import { KernelPool } from '../../src/kernels/index.ts';
import { evenSlots, parseJobFile, planJob } from '../../src/plan/index.ts';
import { nodeDisk } from '../../src/storage/index.ts';
import type { ChannelPort } from '../../src/worker/output-port.ts';
import { SourceTask } from '../../src/worker/source-task.ts';
import { TaskJournal } from '../../src/worker/task-journal.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { stillClock } from '../hydfs/helpers.ts';

const CREDIT = 1024 * 1024;
const CONSUMER_EPOCH = 1;

const job = `
name: end
sources: [{ file: 'hydfs:in' }]
stages: [{ name: same, type: transform, run: identity }]
sink: { file: 'hydfs:out' }
`;

/** `files`, whose answers about the file `in` wait once `hold` was called. */
function holdingStats(files: LocalFileSystem) {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let holding = false;
  const stat = async (name: string) => {
    if (holding && name === 'in') {
      asked.resolve();
      await released.promise;
    }
    return files.stat(name);
  };
  const fs = new Proxy(files, {
    get(target, name) {
      if (name === 'stat') return stat;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    fs,
    asked: asked.promise,
    release: released.resolve,
    hold: () => {
      holding = true;
    },
  };
}

/** A source task over three lines, and the only port it has. */
async function startSource(fs: LocalFileSystem): Promise<[SourceTask, ChannelPort]> {
  const connected = Promise.withResolvers<ChannelPort>();
  const task = new SourceTask({
    plan: planJob('j', parseJobFile(job, 'job.yaml', '/')),
    attempt: { job: 'j', stage: 0, index: 0, epoch: 1 },
    services: {
      fs,
      kernels: new KernelPool({ threads: 0, log: silentLog }),
      clock: stillClock,
      random: seededRandom(1),
      log: silentLog,
      resolveOperator: () => Promise.reject(new Error('a source has no operator')),
      taskLogPath: () => '',
      groupsFile: '',
      node: 'n',
    },
    log: silentLog,
    journal: new TaskJournal({
      path: '',
      task: 'j/source[0]',
      epoch: 1,
      node: 'n',
      outputs: 'none',
      sources: ['in'],
      clock: stillClock,
      logger: silentLog,
    }),
    slots: evenSlots(1, 1).tasks,
    connect: (port) => connected.resolve(port),
    disconnect: () => {},
    changed: () => {},
  });
  void task.start();
  return [task, await connected.promise];
}

test('a source whose last tuples are acked before it has sent the ends is not finished', async (t) => {
  const files = await LocalFileSystem.open({
    disk: nodeDisk,
    root: tmpDir(t),
    clock: stillClock,
    log: silentLog,
    sync: 'os',
  });
  await files.create('in');
  await files.append('in', Buffer.from('one\ntwo\nthree\n'));
  const { fs, asked, release, hold } = holdingStats(files);
  const [task, port] = await startSource(fs);
  port.wake = hold; // called with the first tuples
  port.sender.opened(CONSUMER_EPOCH, 0, CREDIT);
  port.opened();
  await asked; // everything is sent, and the source proves that its file is what it was
  const data = port.sender.take();
  t.is(data?.kind === 'data' && data.block.count, 3);
  port.sender.acked(CONSUMER_EPOCH, 3, CREDIT);
  port.progressed();
  t.is(task.state, 'running', 'its consumers have heard of no end');
  const ended = new Promise<void>((resolve) => {
    port.wake = resolve;
  });
  release();
  await ended;
  t.deepEqual(port.sender.take(), { kind: 'end', lastSeq: 3 });
  t.is(task.state, 'running');
  port.sender.endAcked();
  port.progressed();
  t.is(task.state, 'finished');
  await task.stop();
  await files.close();
});
