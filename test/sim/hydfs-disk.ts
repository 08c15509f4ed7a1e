/** A disk as one process sees it, which takes its time. */
import { between, type Random, unit } from '../../src/core/index.ts';
import type { Disk, DiskFile, OpenMode } from '../../src/storage/index.ts';
import type { SimProcess } from './hydfs-time.ts';
import type { SimDisk } from './sim-disk.ts';

/** How long things take, in milliseconds. */
export interface Pace {
  syncMax: number;
  /** How likely another operation takes a while, and how long. */
  waits: number;
  waitMax: number;
}

export const quick: Pace = { syncMax: 2, waits: 0.05, waitMax: 2 };

/** `machine` for `process`: when that has ended, nothing that it asked for is ever done. */
export function timedDisk(options: {
  readonly machine: SimDisk;
  readonly process: SimProcess;
  readonly random: Random;
  readonly pace: () => Pace;
}): Disk {
  const { machine, process, random, pace } = options;
  const disk = machine.mount();
  const wait = async (): Promise<void> => {
    const { waits, waitMax } = pace();
    if (unit(random) < waits) await process.pause(between(random, 1, waitMax + 1));
  };
  const after = async <T>(act: () => Promise<T>): Promise<T> => {
    await wait();
    return act();
  };
  const timedFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    writev: (parts, position) => after(() => file.writev(parts, position)),
    read: (into, position) => after(() => file.read(into, position)),
    async datasync() {
      await process.pause(between(random, 0, pace().syncMax + 1));
      return file.datasync();
    },
    truncate: (length) => after(() => file.truncate(length)),
    size: () => file.size(),
    close: () => file.close(),
  });
  return {
    open: (path: string, mode: OpenMode) =>
      after(async () => timedFile(await disk.open(path, mode))),
    mkdir: (path) => disk.mkdir(path),
    list: (path) => after(() => disk.list(path)),
    rename: (from, to) => after(() => disk.rename(from, to)),
    unlink: (path) => after(() => disk.unlink(path)),
    rmdir: (path) => after(() => disk.rmdir(path)),
    syncDir: (path) => after(() => disk.syncDir(path)),
  };
}
