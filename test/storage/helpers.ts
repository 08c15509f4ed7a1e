import { type Logger, seededRandom, silentLog } from '../../src/core/index.ts';
import {
  type Disk,
  type DiskFile,
  type LogEntry,
  type LogOptions,
  SegmentedLog,
} from '../../src/storage/index.ts';
import { SimDisk } from '../sim/sim-disk.ts';

export const DIR = '/data/log';

/** A log of texts whose snapshot is the number of entries before it. */
export async function openLog(
  disk: Disk,
  options: Partial<LogOptions> = {},
): Promise<SegmentedLog> {
  const log: SegmentedLog = await SegmentedLog.open({
    disk,
    dir: DIR,
    sync: 'group',
    header: () => Buffer.from(String(log.nextIndex)),
    log: silentLog,
    random: seededRandom(99),
    ...options,
  });
  return log;
}

export function simDisk(seed = 1, shortWrites = 0): SimDisk {
  return new SimDisk({ random: seededRandom(seed), shortWrites });
}

/** Appends each text and waits for it, so that each is a batch of its own. */
export async function appendEach(log: SegmentedLog, texts: readonly string[]): Promise<void> {
  for (const text of texts) await log.append([Buffer.from(text)]).durable;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export async function textsOf(entries: AsyncIterable<LogEntry>): Promise<string[]> {
  const found = await collect(entries);
  return found.map(({ payload }) => Buffer.from(payload).toString());
}

/** A logger that remembers its warnings and errors. */
export function recordingLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const note = (message: string): void => {
    lines.push(message);
  };
  const log: Logger = { ...silentLog, warn: note, error: note, child: () => log };
  return { log, lines };
}

/** `disk` with some calls on its files replaced: how a guard is taken away. */
export function withFiles(disk: Disk, change: (file: DiskFile, mode: string) => DiskFile): Disk {
  return {
    open: async (path, mode) => change(await disk.open(path, mode), mode),
    mkdir: (path) => disk.mkdir(path),
    list: (path) => disk.list(path),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    rmdir: (path) => disk.rmdir(path),
    syncDir: (path) => disk.syncDir(path),
  };
}

/** A file with the same calls as `file`, some of them replaced. */
export function fileWith(file: DiskFile, calls: Partial<DiskFile>): DiskFile {
  return {
    path: file.path,
    writev: (parts, position) => file.writev(parts, position),
    read: (into, position) => file.read(into, position),
    datasync: () => file.datasync(),
    truncate: (length) => file.truncate(length),
    size: () => file.size(),
    close: () => file.close(),
    ...calls,
  };
}

/** Lets `turns` microtasks pass. */
export async function microtasks(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await null;
}
