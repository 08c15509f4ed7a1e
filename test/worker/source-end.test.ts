import test, { type ExecutionContext } from 'ava';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import { type FileSystem, type FileWriter, LocalFileSystem } from '../../src/hydfs/index.ts';
import { decodeRecord, KernelPool } from '../../src/kernels/index.ts';
import { evenSlots, parseJobFile, planJob } from '../../src/plan/index.ts';
import { nodeDisk } from '../../src/storage/index.ts';
import { ChannelSender } from '../../src/worker/channel-sender.ts';
import type { ChannelPort } from '../../src/worker/output-port.ts';
import { type SourceState, SourceTask } from '../../src/worker/source-task.ts';
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
  const fs = altered(files, { stat });
  return {
    fs,
    asked: asked.promise,
    release: released.resolve,
    hold: () => {
      holding = true;
    },
  };
}

/** A source task over the file `in`, and the only port it has. */
async function startSource(fs: FileSystem): Promise<[SourceTask, ChannelPort]> {
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

async function filesWith(t: ExecutionContext, text: string): Promise<LocalFileSystem> {
  const files = await LocalFileSystem.open({
    disk: nodeDisk,
    root: tmpDir(t),
    clock: stillClock,
    log: silentLog,
    sync: 'os',
  });
  t.teardown(() => files.close());
  await files.create('in');
  await files.append('in', Buffer.from(text));
  return files;
}

/** `files`, whose writers wait before each append once `hold` was called. */
function holdingAppends(files: LocalFileSystem) {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let holding = false;
  const openWriter: FileSystem['openWriter'] = async (...args) => {
    const writer = await files.openWriter(...args);
    const append: FileWriter['append'] = async (what) => {
      if (holding) {
        asked.resolve();
        await released.promise;
      }
      return writer.append(what);
    };
    return altered(writer, { append });
  };
  const fs = altered(files, { openWriter });
  return { fs, asked: asked.promise, release: released.resolve, hold: () => (holding = true) };
}

/** `target` with some of its members replaced. */
function altered<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(members, name) ?? Reflect.get(of, name);
      return typeof value === 'function' && !(name in members) ? value.bind(of) : value;
    },
  });
}

test('a source whose last tuples are acked before it has sent the ends is not finished', async (t) => {
  const files = await filesWith(t, 'one\ntwo\nthree\n');
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
});

/** More lines than leave in one step, and how many that are. */
const [LINES, STEP] = [20_000, 8192];

test('a source that is to end goes on to what an earlier attempt of it had sent', async (t) => {
  const files = await filesWith(t, 'a line\n'.repeat(LINES));
  const [task, port] = await startSource(files);
  task.wind('end');
  // The consumer holds two tuples durably, and works on more: from an attempt that read further.
  port.sender.taken(CONSUMER_EPOCH, STEP + 1);
  port.sender.opened(CONSUMER_EPOCH, 2, 16 * CREDIT);
  const ended = endOf(port);
  port.opened();
  t.is(await ended, 2 * STEP, 'the next place, neither before nor at the end of the file');
  t.is(task.state, 'running');
  await task.stop();
});

test('what a consumer had taken in is asked of its present attempt only', (t) => {
  const sender = new ChannelSender({ lastSeq: 5, makesAgain: true });
  sender.taken(1, 9);
  sender.opened(1, 6, CREDIT);
  t.is(sender.takenSeq, 9);
  sender.taken(2, 8);
  t.is(sender.takenSeq, 9, 'the next attempt has not opened');
  sender.opened(2, 7, CREDIT);
  t.is(sender.takenSeq, 8);
  sender.opened(3, 7, CREDIT);
  t.is(sender.takenSeq, 7);
});

test('a source that is to end while it logs a position does not log an earlier one after it', async (t) => {
  const line = `${'x'.repeat(1023)}\n`;
  const files = await filesWith(t, line.repeat(6 * 1024));
  const { fs, asked, release, hold } = holdingAppends(files);
  const [task, port] = await startSource(fs);
  port.sender.opened(CONSUMER_EPOCH, 0, 64 * CREDIT);
  const sent = new Promise<number>((resolve) => {
    port.wake = () => {
      hold();
      if (port.placedSeq > 4 * 1024) resolve(port.placedSeq);
    };
  });
  port.opened();
  for (let step = port.sender.take(); ; step = port.sender.take()) {
    if (step === null && port.placedSeq > 4 * 1024) break;
    if (step === null) await Promise.race([sent, new Promise(setImmediate)]);
    else if (step.kind === 'data') {
      port.sender.acked(CONSUMER_EPOCH, step.block.firstSeq + step.block.count - 1, 64 * CREDIT);
      port.progressed();
    }
  }
  await asked; // a position is being logged
  task.wind('end');
  const ended = endOf(port);
  release();
  await ended;
  const lines = (await sourceStates(files)).map(({ position }) => position.line);
  t.true(lines.length >= 2, `${lines}`);
  t.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  );
  await task.stop();
});

/** Resolves with the last number, once the end is offered; blocks are acked as they come. */
function endOf(port: ChannelPort): Promise<number> {
  return new Promise((resolve) => {
    const take = (): void => {
      for (let step = port.sender.take(); step !== null; step = port.sender.take()) {
        if (step.kind === 'end') return resolve(step.lastSeq);
      }
    };
    port.wake = take;
    take();
  });
}

async function sourceStates(files: LocalFileSystem): Promise<SourceState[]> {
  const states: SourceState[] = [];
  for await (const entry of files.entries('jobs/j/wal/0-0')) {
    if (entry.kind !== 'append') continue;
    states.push(decodeRecord(entry.data).state as SourceState);
  }
  return states;
}
