/**
 * What the segmented log and HyDFS do on this disk.
 *
 *   node bench/storage.ts [--small]
 *
 * Not measured: a disk with a volatile cache that ignores flushes looks as good as one that does not;
 * a virtual disk says little about a real one; nothing else competes for the disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog, systemClock } from '../src/core/index.ts';
import { LocalFileSystem } from '../src/hydfs/index.ts';
import { nodeDisk, SEGMENT_BYTES, SegmentedLog, type SyncMode } from '../src/storage/index.ts';
import {
  benchOptions,
  machineLine,
  perSecond,
  print,
  printTable,
  ResultHash,
  short,
} from './harness.ts';

const { small } = benchOptions();
const MIB = 1024 * 1024;
const LOG_BYTES = small ? 64 * MIB : 1024 * MIB;
const APPENDS = small ? 200 : 4000;
const BULK_BYTES = small ? 16 * MIB : 256 * MIB;
const root = mkdtempSync(join(tmpdir(), 'rainstorm-bench-'));
const hash = new ResultHash();

async function openLog(name: string, sync: SyncMode): Promise<SegmentedLog> {
  const log: SegmentedLog = await SegmentedLog.open({
    disk: nodeDisk,
    dir: join(root, name),
    sync,
    log: silentLog,
    header: () => Buffer.from(String(log.nextIndex)),
  });
  return log;
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = systemClock.now();
  await run();
  return systemClock.now() - start;
}

async function measureOpen(): Promise<string[]> {
  const log = await openLog('large', 'os');
  const part = Buffer.alloc(64 * 1024, 'abcdefgh');
  const full = Math.floor(SEGMENT_BYTES / part.length) - 2;
  const newest = (): number => log.nextIndex - (log.segmentStarts.at(-1) ?? 0);
  // Up to a newest segment that is nearly full: the slowest case.
  for (let bytes = 0; bytes < LOG_BYTES || newest() < full; bytes += part.length) {
    const { durable } = log.append([part]);
    if (bytes % MIB === 0) await durable;
  }
  const { nextIndex } = log;
  await log.close();
  const milliseconds = await timed(async () => {
    const opened = await openLog('large', 'group');
    for await (const { payload } of opened.replay()) hash.add(payload.subarray(0, 16));
    await opened.close();
  });
  const entries = `${nextIndex} entries`;
  const again = await openLog('large', 'os');
  await again.remove();
  return [`open and replay ${LOG_BYTES / MIB} MiB`, `${milliseconds.toFixed(0)} ms`, entries];
}

/** `appenders` loops that each wait for their own append before the next. */
async function measureAppends(appenders: number, sync: SyncMode): Promise<string[]> {
  const log = await openLog(`appends-${appenders}-${sync}`, sync);
  const part = Buffer.alloc(100, 'x');
  const each = APPENDS / appenders;
  const appender = async (): Promise<void> => {
    for (let i = 0; i < each; i++) await log.append([part]).durable;
  };
  const milliseconds = await timed(async () => {
    await Promise.all(Array.from({ length: appenders }, appender));
  });
  await log.remove();
  const what = `100 B by ${appenders}, ${sync}`;
  return [what, `${short(perSecond(APPENDS, milliseconds))}/s`, `${APPENDS} appends`];
}

/** 64 KiB appends with up to 32 in flight, as a stage does. */
async function measureBulk(sync: SyncMode): Promise<string[]> {
  const log = await openLog(`bulk-${sync}`, sync);
  const part = Buffer.alloc(64 * 1024, 'y');
  const waiting: Promise<void>[] = [];
  const milliseconds = await timed(async () => {
    for (let bytes = 0; bytes < BULK_BYTES; bytes += part.length) {
      waiting.push(log.append([part]).durable);
      if (waiting.length >= 32) await waiting.shift();
    }
    await Promise.all(waiting);
  });
  await log.remove();
  return [`64 KiB, ${sync}`, rate(milliseconds), `${BULK_BYTES / MIB} MiB`];
}

async function measureFiles(): Promise<string[][]> {
  const options = { disk: nodeDisk, root: join(root, 'hydfs'), clock: systemClock, log: silentLog };
  const files = await LocalFileSystem.open(options);
  const writer = await files.openWriter('bench', 'w', 1, { create: true });
  const part = Buffer.alloc(64 * 1024, 'z');
  const waiting: Promise<void>[] = [];
  const write = await timed(async () => {
    for (let seq = 1; seq <= BULK_BYTES / part.length; seq++) {
      waiting.push(writer.append({ seq, parts: [part] }));
      if (waiting.length >= 32) await waiting.shift();
    }
    await Promise.all(waiting);
  });
  let bytes = 0;
  const read = await timed(async () => {
    for await (const data of files.read('bench')) bytes += data.length;
  });
  hash.add(Buffer.from(String(bytes)));
  await files.close();
  const size = `${BULK_BYTES / MIB} MiB`;
  return [
    ['hydfs append 64 KiB, group', rate(write), size],
    ['hydfs read', rate(read), size],
  ];
}

function rate(milliseconds: number): string {
  return `${(BULK_BYTES / MIB / (milliseconds / 1000)).toFixed(0)} MiB/s`;
}

try {
  print(machineLine());
  const rows = [
    await measureOpen(),
    await measureAppends(1, 'group'),
    await measureAppends(16, 'group'),
    await measureAppends(16, 'always'),
    await measureAppends(16, 'os'),
    await measureBulk('group'),
    await measureBulk('os'),
    ...(await measureFiles()),
  ];
  printTable(['what', 'result', 'of'], rows);
  print(`result hash ${hash}`);
  print('not measured: a disk that lies about flushes, other load on the disk, power cuts');
} finally {
  rmSync(root, { recursive: true, force: true });
}
