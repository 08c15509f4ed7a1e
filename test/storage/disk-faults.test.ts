import test, { type ExecutionContext } from 'ava';
import { type FaultCode, isFault } from '../../src/core/index.ts';
import type { SegmentedLog } from '../../src/storage/index.ts';
import type { SimDisk } from '../sim/sim-disk.ts';
import {
  appendEach,
  fileWith,
  openLog,
  recordingLog,
  simDisk,
  textsOf,
  withFiles,
} from './helpers.ts';

/** All waiting appends and all later ones get the fault; what was durable is still served. */
async function isPoisoned(t: ExecutionContext, log: SegmentedLog, code: FaultCode): Promise<void> {
  const placed = ['x', 'y', 'z'].map((text) => log.append([Buffer.from(text)]).durable);
  const waiting = log.waitFor(log.nextIndex - 1);
  for (const settled of await Promise.allSettled([...placed, waiting])) {
    t.true(settled.status === 'rejected' && isFault(settled.reason, code));
  }
  t.true(
    isFault(
      t.throws(() => log.append([Buffer.from('later')])),
      code,
    ),
  );
  t.true(isFault(await t.throwsAsync(log.waitFor(log.nextIndex)), code));
}

test('a short write is completed', async (t) => {
  const disk = simDisk(5, 0.7);
  const log = await openLog(disk.mount(), { segmentBytes: 5000 });
  const texts = Array.from({ length: 60 }, (_, i) => `${i} `.repeat(i * 3));
  const large = Buffer.alloc(9000, 'L').toString();
  await Promise.all([...texts, large].map((text) => log.append([Buffer.from(text)]).durable));
  t.true(disk.stats.writes > log.segmentStarts.length + 5, 'writes were short');
  t.deepEqual(await textsOf(log.read(0)), [...texts, large]);
  await log.close();
});

test('a full disk refuses the batch and all later ones, and what was acknowledged stays', async (t) => {
  const disk = simDisk();
  const { log: logger, lines } = recordingLog();
  const log = await openLog(disk.mount(), { log: logger });
  await appendEach(log, ['a', 'b']);
  disk.capacity = disk.contents(disk.paths()[0]).length + 10;
  await isPoisoned(t, log, 'DISK_FULL');
  t.deepEqual(await textsOf(log.read(0)), ['a', 'b']);
  t.is(lines.length, 1);
  t.regex(lines[0], /no space left/);
  await log.close();
  disk.capacity = Number.POSITIVE_INFINITY;
  const again = await openLog(disk.mount());
  t.deepEqual(await textsOf(again.read(0)), ['a', 'b']);
  await again.close();
});

test('a disk that takes no byte without an error is full', async (t) => {
  const disk = simDisk();
  const stuck = withFiles(disk.mount(), (file) => fileWith(file, { writev: async () => 0 }));
  const log = await openLog(stuck);
  await isPoisoned(t, log, 'DISK_FULL');
  await log.close();
});

test('a failed sync is not tried again, and nothing is written after it', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['a']);
  const { datasyncs, writes } = disk.stats;
  disk.failingSyncs = 1;
  await isPoisoned(t, log, 'DISK_FAILED');
  t.is(disk.stats.datasyncs, datasyncs + 1);
  t.is(disk.stats.writes, writes + 1);
  t.deepEqual(await textsOf(log.read(0)), ['a']);
  await log.close();
});

test('a new segment that cannot be made ends the log', async (t) => {
  const disk = simDisk();
  const mount = disk.mount();
  const limited = {
    ...withFiles(mount, (file) => file),
    syncDir: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })),
  };
  await isPoisoned(t, await openLog(limited), 'DISK_FAILED');
  const closed = { ...withFiles(mount, (file) => file), open: () => Promise.reject(denied()) };
  const log = await openLog({ ...closed, list: async () => [] });
  await isPoisoned(t, log, 'DISK_FAILED');
});

test('a read error is a fault that names the file', async (t) => {
  const disk = simDisk();
  const log = await openLog(disk.mount());
  await appendEach(log, ['a']);
  await log.close();
  const broken = withFiles(disk.mount(), (file) =>
    fileWith(file, { read: () => Promise.reject(denied()) }),
  );
  const error = await t.throwsAsync(openLog(broken));
  t.true(isFault(error, 'DISK_FAILED'), String(error));
  t.regex(String(error), /\/data\/log/);
});

test('a file is closed once, whatever failed', async (t) => {
  for (const fail of [fullDisk, failedSync]) {
    const disk = simDisk();
    let open = 0;
    const counting = withFiles(disk.mount(), (file) => {
      open += 1;
      const close = (): Promise<void> => {
        open -= 1;
        return file.close();
      };
      return fileWith(file, { close });
    });
    const log = await openLog(counting, { segmentBytes: 100 });
    await appendEach(log, ['a'.repeat(90), 'b'.repeat(90)]);
    fail(disk);
    await t.throwsAsync(log.append([Buffer.from('c'.repeat(90))]).durable);
    await textsOf(log.read(0));
    await log.close();
    t.is(open, 0);
  }
});

function fullDisk(disk: SimDisk): void {
  disk.capacity = 1;
}

function failedSync(disk: SimDisk): void {
  disk.failingSyncs = 1;
}

function denied(): Error {
  return Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
}
