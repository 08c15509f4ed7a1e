/**
 * Brings a log back from its files.
 *
 * The newest segment may end in a torn tail: bytes of the last batch, which was never acknowledged.
 * Everything else that does not read back was acknowledged once, and is damage.
 *
 * V1 Only the newest segment is read; older ones are checked when somebody reads them.
 * V2 An invalid entry at byte p is damage when some header behind it has `base` > p (it was written
 *    after byte p had been acknowledged), else a torn tail. Valid entries behind p whose `base` is
 *    not above p belong to the same unacknowledged batch: a disk may keep its pages in any order.
 * V3 A torn tail is cut, synced and reported; damage is a fault and nothing is changed.
 * V4 A newest segment with a torn header was never acknowledged either (V2 decides): it is removed
 *    and the one before it, which was durable before, must then be whole.
 * V5 The last batch is written again and synced before any of it counts as durable: if its sync had
 *    failed, the page cache shows bytes that the disk does not have and will not be given again.
 * V6 Whoever still knows how far the log was durable says so: then a tail that is too short is damage,
 *    whatever V2 can see of it, and nothing is changed.
 */
import { fault, type Logger } from '../core/index.ts';
import type { SyncMode } from './committer.ts';
import type { Disk, DiskFile } from './disk.ts';
import { diskFault } from './disk-fault.ts';
import { ENTRY_HEADER_BYTES, readEntryHeader } from './entry.ts';
import { type Segment, segmentsOf, snapshotOf } from './segment.ts';
import { SegmentScan } from './segment-scan.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface RecoverOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly sync: SyncMode;
  readonly log: Logger;
  /** Entries below this index are known to have been durable (V6); default 0. */
  readonly durableIndex?: number;
}

export interface Recovered {
  readonly segments: Segment[];
  /** The snapshot in the newest segment; null when the log is empty. */
  readonly header: Uint8Array | null;
  readonly nextIndex: number;
}

interface Tail {
  readonly header: Uint8Array | null;
  readonly count: number;
  /** Where the valid entries end, and where the file does. */
  readonly end: number;
  readonly size: number;
  /** Where the last valid batch starts. */
  readonly base: number;
}

/** Reads the newest segment in `dir` and repairs its tail. @throws LOG_CORRUPT on damage (V2) */
export async function recoverLog(options: RecoverOptions): Promise<Recovered> {
  try {
    await options.disk.mkdir(options.dir);
    const segments = segmentsOf(options.dir, await options.disk.list(options.dir));
    return await recoverNewest(options, segments);
  } catch (error) {
    throw diskFault(error, 'opening', options.dir);
  }
}

/** The snapshot in the newest segment of `dir` that has one, changing nothing; null when none has. */
export async function peekHeader(disk: Disk, dir: string): Promise<Uint8Array | null> {
  const segments = segmentsOf(dir, await disk.list(dir));
  for (const segment of segments.reverse().slice(0, 2)) {
    const header = await readHeader(disk, segment);
    if (header !== null) return header;
  }
  return null;
}

/** The owner's snapshot at the start of `segment`; null when it does not read back. */
export async function readHeader(disk: Disk, segment: Segment): Promise<Uint8Array | null> {
  return withFile(disk, segment, async (file) => {
    const scan = new SegmentScan(file, { salt: segment.salt, position: 0, chunkBytes: 4096 });
    const { entries } = await scan.next(await file.size());
    return entries.length === 0 ? null : snapshotOf(segment, entries[0].payload);
  });
}

async function recoverNewest(options: RecoverOptions, segments: Segment[]): Promise<Recovered> {
  const newest = segments.at(-1);
  if (newest === undefined) {
    refuseTooShort(options, 0, null);
    return { segments, header: null, nextIndex: 0 };
  }
  const tail = await scanTail(options.disk, newest);
  const count = tail.header === null ? 0 : tail.count;
  refuseTooShort(options, newest.firstIndex + count, { segment: newest, end: tail.end });
  if (tail.header !== null) {
    await repair(options, newest, tail);
    return opened(segments, newest, tail);
  }
  await removeTorn(options, newest, tail.size);
  segments.pop();
  return recoverBefore(options, segments, newest);
}

/** V6. */
function refuseTooShort(
  { dir, durableIndex = 0 }: RecoverOptions,
  nextIndex: number,
  at: { readonly segment: Segment; readonly end: number } | null,
): void {
  if (nextIndex >= durableIndex) return;
  const reason = `it ends with entry ${nextIndex} and was durable up to ${durableIndex}`;
  throw fault('LOG_CORRUPT', { path: at?.segment.path ?? dir, offset: at?.end ?? 0, reason });
}

/** The case of V4: `torn` is gone, what precedes it must be whole and lead up to it. */
async function recoverBefore(
  options: RecoverOptions,
  segments: Segment[],
  torn: Segment,
): Promise<Recovered> {
  const newest = segments.at(-1);
  if (newest === undefined) {
    if (torn.firstIndex !== 0) throw damage(torn, 0, 'the segment before it is missing');
    return { segments, header: null, nextIndex: 0 };
  }
  const tail = await scanTail(options.disk, newest);
  const whole = tail.header !== null && tail.end === tail.size;
  if (!whole || newest.firstIndex + tail.count !== torn.firstIndex) {
    throw damage(newest, tail.end, 'it was complete when the segment after it was begun');
  }
  return opened(segments, newest, tail);
}

function opened(segments: Segment[], newest: Segment, tail: Tail): Recovered {
  newest.end = tail.end;
  newest.durableEnd = tail.end;
  return { segments, header: tail.header, nextIndex: newest.firstIndex + tail.count };
}

async function scanTail(disk: Disk, segment: Segment): Promise<Tail> {
  const tail = await withFile(disk, segment, async (file): Promise<Tail> => {
    const size = await file.size();
    const scan = new SegmentScan(file, { salt: segment.salt, position: 0 });
    let header: Uint8Array | null = null;
    let count = -1;
    for (;;) {
      const { entries } = await scan.next(size);
      if (entries.length === 0) break;
      if (count < 0) header = snapshotOf(segment, entries[0].payload)?.slice() ?? null;
      count += entries.length;
    }
    return { header, count, end: scan.position, size, base: scan.lastBase };
  });
  const end = tail.header === null ? 0 : tail.end;
  if (end < tail.size && (await acknowledgedBehind(disk, segment, end))) {
    throw damage(segment, end, 'later entries prove that it was once whole');
  }
  return tail;
}

/** True when a header behind byte `bad` proves that `bad` had been acknowledged (V2). */
async function acknowledgedBehind(disk: Disk, segment: Segment, bad: number): Promise<boolean> {
  return withFile(disk, segment, async (file) => {
    const overlap = ENTRY_HEADER_BYTES - 1;
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES + overlap);
    for (let start = bad + 1; ; start += CHUNK_BYTES) {
      const count = await file.read(chunk, start);
      if (provesBase(chunk.subarray(0, count), { start, bad, salt: segment.salt })) return true;
      if (count < chunk.length) return false;
    }
  });
}

function provesBase(
  bytes: Buffer,
  place: { readonly start: number; readonly bad: number; readonly salt: number },
): boolean {
  const last = Math.min(bytes.length - ENTRY_HEADER_BYTES, CHUNK_BYTES - 1);
  for (let at = 0; at <= last; at++) {
    const base = bytes.readUInt32LE(at + 4);
    if (base <= place.bad || base > place.start + at) continue;
    if (readEntryHeader(bytes, at, place.salt) !== null) return true;
  }
  return false;
}

async function removeTorn(options: RecoverOptions, torn: Segment, size: number): Promise<void> {
  const { disk, dir, log } = options;
  log.warn('removed a segment whose header was never completely written', {
    path: torn.path,
    bytes: size,
  });
  await disk.unlink(torn.path);
  await disk.syncDir(dir);
}

/** Cuts a torn tail (V3) and makes the last batch durable (V5). */
async function repair(options: RecoverOptions, segment: Segment, tail: Tail): Promise<void> {
  const { disk, dir, sync, log } = options;
  const cut = tail.size - tail.end;
  if (cut === 0 && sync === 'os') return;
  const file = await disk.open(segment.path, 'write');
  try {
    if (cut > 0) {
      log.warn('cut a torn tail', { path: segment.path, at: tail.end, bytes: cut });
      await file.truncate(tail.end);
    }
    if (sync !== 'os') await rewrite(file, tail.base, tail.end);
    await file.datasync();
  } finally {
    await file.close();
  }
  if (tail.base === 0) await disk.syncDir(dir);
}

async function rewrite(file: DiskFile, start: number, end: number): Promise<void> {
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - at));
    const count = await file.read(chunk, at);
    const written = await file.writev([chunk.subarray(0, count)], at);
    if (written === 0) throw fault('DISK_FULL', { path: file.path });
    at += written;
  }
}

async function withFile<T>(
  disk: Disk,
  segment: Segment,
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(segment.path, 'read');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function damage(segment: Segment, offset: number, reason: string): Error {
  return fault('LOG_CORRUPT', { path: segment.path, offset, reason });
}
