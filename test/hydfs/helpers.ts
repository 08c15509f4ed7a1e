import { type Clock, seededRandom, silentLog } from '../../src/core/index.ts';
import { LocalFileSystem, type LocalFileSystemOptions } from '../../src/hydfs/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import { SimDisk } from '../sim/sim-disk.ts';

export const ROOT = '/data/hydfs';

/** A clock that stands still at one millisecond of 2025. */
export const stillClock: Clock = {
  now: () => 0,
  wall: () => 1_750_000_000_123.5,
  timer: () => ({ cancel: () => {} }),
};

export function simDisk(seed = 1, shortWrites = 0): SimDisk {
  return new SimDisk({ random: seededRandom(seed), shortWrites });
}

export function openFiles(
  disk: Disk,
  options: Partial<LocalFileSystemOptions> = {},
): Promise<LocalFileSystem> {
  const random = seededRandom(5);
  return LocalFileSystem.open({
    disk,
    root: ROOT,
    clock: stillClock,
    log: silentLog,
    random,
    ...options,
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await collect(bytes)).toString();
}

export async function microtasks(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await null;
}
