/**
 * A log of entries in segments of bounded size.
 *
 * L1 `append` places an entry synchronously: the order of calls is the order of the log.
 * L2 An entry is durable when its promise resolves, and then all entries before it are.
 * L3 Each segment begins with the owner's snapshot as of its first entry, so opening a log reads one
 *    segment however long the log is.
 * L4 Readers are given durable entries only, and each is checked before it is handed out.
 * L5 After the first failed write or sync the log takes no more entries; reading goes on.
 * L6 `trim` removes whole segments from the front, oldest first with the directory synced after
 *    each, so that what remains has no hole whenever the machine stops. The newest one stays.
 * L7 An entry that is refused leaves no trace: its size is known to fit before a batch or a segment
 *    is touched.
 */
import { dirname } from 'node:path';
import {
  assert,
  type Fault,
  fault,
  type Logger,
  type Random,
  systemRandom,
} from '../core/index.ts';
import { Batch, Slab } from './batch.ts';
import { Committer, type SyncMode } from './committer.ts';
import type { Disk } from './disk.ts';
import { diskFault } from './disk-fault.ts';
import { ENTRY_HEADER_BYTES, ENTRY_PAYLOAD_MAX, type Payload, payloadOf } from './entry.ts';
import { LogCursor } from './log-cursor.ts';
import { Progress } from './progress.ts';
import { type Recovered, readHeader, recoverLog } from './recover.ts';
import { headerPrefix, newSegment, type Segment } from './segment.ts';

export const SEGMENT_BYTES = 16 * 1024 * 1024;

/** Bytes that share one sync at most: a few milliseconds of disk time, so that acks stay frequent. */
export const BATCH_BYTES_MAX = 8 * 1024 * 1024;

export interface LogOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly sync: SyncMode;
  /** A segment that would grow above this is followed by a new one; default 16 MiB. */
  readonly segmentBytes?: number;
  /** Entries below this index were durable when the log was last open; default 0. */
  readonly durableIndex?: number;
  /** The index of the first entry of a log that has none yet; default 0. */
  readonly firstIndex?: number;
  /**
   * The owner's snapshot for a new segment. Called inside `append`, when the owner has applied all
   * earlier entries and not the one being appended.
   */
  readonly header: () => Uint8Array;
  readonly log: Logger;
  readonly random?: Random;
}

export interface LogEntry {
  readonly index: number;
  /** A view that nobody else changes. */
  readonly payload: Uint8Array;
}

export interface Placed {
  readonly index: number;
  /** Resolves when the entry is durable, rejects with the fault that prevented it. */
  readonly durable: Promise<void>;
}

export class SegmentedLog {
  /** The snapshot at the start of the segment that was newest at opening; null for an empty log. */
  readonly header: Uint8Array | null;
  readonly #options: LogOptions;
  readonly #segmentBytes: number;
  readonly #segments: Segment[];
  readonly #progress: Progress;
  readonly #committer: Committer;
  readonly #slab = new Slab();
  readonly #replayFrom: number;
  #nextIndex: number;
  #gathering: Batch | null = null;
  #closed = false;
  #trimming: Promise<void> = Promise.resolve();

  /**
   * Opens the log in the directory `dir`, making it if needed.
   * @throws LOG_CORRUPT when acknowledged bytes do not read back, DISK_FAILED, DISK_FULL
   */
  static async open(options: LogOptions): Promise<SegmentedLog> {
    return new SegmentedLog(options, await recoverLog(options));
  }

  private constructor(options: LogOptions, recovered: Recovered) {
    const { disk, dir, sync, log } = options;
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.header = recovered.header;
    this.#segments = recovered.segments;
    const empty = recovered.segments.length === 0;
    this.#nextIndex = empty ? (options.firstIndex ?? 0) : recovered.nextIndex;
    this.#replayFrom = recovered.segments.at(-1)?.firstIndex ?? this.#nextIndex;
    this.#progress = new Progress(this.#nextIndex);
    this.#committer = new Committer({ disk, dir, sync, log, progress: this.#progress });
  }

  /** The index of the oldest entry that can be read. */
  get firstIndex(): number {
    return this.#segments.at(0)?.firstIndex ?? this.#nextIndex;
  }

  /** The index that the next append will have. */
  get nextIndex(): number {
    return this.#nextIndex;
  }

  /** Entries below this index are durable. */
  get durableIndex(): number {
    return this.#progress.durableIndex;
  }

  /** The fault after which this log takes no more entries (L5), if there was one. */
  get failure(): Fault | null {
    return this.#committer.failure;
  }

  /** The first index of each segment, oldest first. */
  get segmentStarts(): readonly number[] {
    return this.#segments.map((segment) => segment.firstIndex);
  }

  /** The snapshot at the start of the segment that begins with entry `firstIndex`. */
  async headerOf(firstIndex: number): Promise<Uint8Array> {
    const segment = this.#segments.find((each) => each.firstIndex === firstIndex);
    const { dir, disk } = this.#options;
    if (segment === undefined) {
      throw fault('LOG_TRIMMED', { index: firstIndex, path: dir, first: this.firstIndex });
    }
    const header = await readHeader(disk, segment).catch((error: unknown) => {
      throw diskFault(error, 'reading', segment.path);
    });
    if (header !== null) return header;
    throw fault('LOG_CORRUPT', {
      path: segment.path,
      offset: 0,
      reason: 'its header is unreadable',
    });
  }

  /**
   * Appends one entry whose payload is `parts` in a row. They are not copied when large and must
   * not change until the entry is durable.
   * @throws the fault that ended this log (L5), LOG_CLOSED, or ENTRY_TOO_LARGE (L7)
   */
  append(parts: readonly Uint8Array[]): Placed {
    return this.place(payloadOf(parts));
  }

  /** As `append`, of a payload whose checksum is known. */
  place(payload: Payload): Placed {
    this.#refuseIfEnded();
    this.#refuseIfTooLarge(payload.bytes);
    const index = this.#nextIndex;
    const batch = this.#batchFor(payload.bytes);
    batch.add(payload);
    this.#nextIndex = index + 1;
    batch.nextIndex = index + 1;
    return { index, durable: batch.done };
  }

  /** Begins an empty log with its header alone; resolves when that is durable. */
  begin(): Promise<void> {
    assert(this.#segments.length === 0, 'a log begins once');
    this.#refuseIfEnded();
    return this.#roll().done;
  }

  /** The entries after `header`; call it once, before the first append. */
  replay(): AsyncIterable<LogEntry> {
    return this.read(this.#replayFrom);
  }

  /**
   * The durable entries from `fromIndex` until there are no more, or until `signal` aborts.
   * @throws LOG_TRIMMED, LOG_CORRUPT, DISK_FAILED while iterating
   */
  read(fromIndex: number, signal?: AbortSignal): AsyncIterable<LogEntry> {
    return this.#entries(fromIndex, { signal, follow: false });
  }

  /** As `read`, then each new entry when it is durable, until `signal` aborts or the log closes. */
  follow(fromIndex: number, signal?: AbortSignal): AsyncIterable<LogEntry> {
    return this.#entries(fromIndex, { signal, follow: true });
  }

  /**
   * True once entry `index` is durable; false when `signal` aborts or the log closes before.
   * @throws the fault that ended this log (L5)
   */
  waitFor(index: number, signal?: AbortSignal): Promise<boolean> {
    return this.#progress.waitFor(index, signal);
  }

  /** Frees the segments that hold only entries before `beforeIndex` (L6). */
  trim(beforeIndex: number): Promise<void> {
    const trimmed = this.#trimming.then(() => this.#trim(beforeIndex));
    this.#trimming = trimmed.catch(() => {});
    return trimmed;
  }

  /** Waits for what was appended, then lets go of the files. Appends are refused from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#trimming;
    await this.#committer.close();
    this.#progress.end(null);
  }

  /** Closes the log and deletes it. */
  async remove(): Promise<void> {
    const { disk, dir } = this.#options;
    await this.close();
    try {
      await disk.rmdir(dir);
      await disk.syncDir(dirname(dir));
    } catch (error) {
      throw diskFault(error, 'removing', dir);
    }
  }

  #refuseIfEnded(): void {
    if (this.#committer.failure !== null) throw this.#committer.failure;
    if (this.#closed) throw fault('LOG_CLOSED', { path: this.#options.dir });
  }

  #refuseIfTooLarge(bytes: number): void {
    if (bytes <= ENTRY_PAYLOAD_MAX) return;
    throw fault('ENTRY_TOO_LARGE', { bytes, path: this.#options.dir, most: ENTRY_PAYLOAD_MAX });
  }

  /** The batch that takes an entry of `length` bytes, in a new segment when the last one is full. */
  #batchFor(length: number): Batch {
    const segment = this.#segments.at(-1);
    const size = ENTRY_HEADER_BYTES + length;
    const fits =
      segment !== undefined &&
      (segment.firstIndex === this.#nextIndex || segment.end + size <= this.#segmentBytes);
    if (!fits) return this.#roll();
    const open = this.#gathering;
    const joins = open !== null && !open.sealed && open.bytes + size <= BATCH_BYTES_MAX;
    return joins && this.#options.sync !== 'always' ? open : this.#begin(segment);
  }

  #roll(): Batch {
    const header = this.#options.header();
    const prefix = headerPrefix(this.#nextIndex);
    const payload = payloadOf([prefix, header]);
    this.#refuseIfTooLarge(payload.bytes);
    const segment = newSegment(
      this.#options.dir,
      this.#nextIndex,
      this.#options.random ?? systemRandom,
    );
    this.#segments.push(segment);
    const batch = this.#begin(segment);
    batch.add(payload);
    return batch;
  }

  #begin(segment: Segment): Batch {
    // The batch before ends here: both write into one slab, one behind the other.
    if (this.#gathering !== null && !this.#gathering.sealed) this.#gathering.seal();
    const batch = new Batch(segment, this.#nextIndex, this.#slab);
    this.#gathering = batch;
    this.#committer.submit(batch);
    return batch;
  }

  async *#entries(
    fromIndex: number,
    options: { readonly signal: AbortSignal | undefined; readonly follow: boolean },
  ): AsyncGenerator<LogEntry> {
    const { disk, dir } = this.#options;
    const { signal } = options;
    const source = { disk, dir, segments: this.#segments, progress: this.#progress };
    const cursor = new LogCursor(source, fromIndex);
    try {
      while (!signal?.aborted) {
        let index = cursor.index;
        const entries = await cursor.next();
        if (entries === null) {
          if (!options.follow || !(await this.waitFor(cursor.index, signal))) return;
          continue;
        }
        for (const { payload } of entries) {
          if (signal?.aborted) return;
          yield { index, payload };
          index += 1;
        }
      }
    } finally {
      await cursor.close();
    }
  }

  async #trim(beforeIndex: number): Promise<void> {
    const { disk, dir } = this.#options;
    const limit = Math.min(beforeIndex, this.durableIndex);
    while (this.#segments.length > 1 && this.#mayFree(this.#segments[1], limit)) {
      const [oldest] = this.#segments;
      this.#segments.shift();
      try {
        await disk.unlink(oldest.path);
        await disk.syncDir(dir);
      } catch (error) {
        throw diskFault(error, 'trimming', oldest.path);
      }
    }
  }

  /** The segment before `next` may go: all of it is below `limit`, and `next` itself is on disk. */
  #mayFree(next: Segment, limit: number): boolean {
    return next.firstIndex <= limit && next.durableEnd !== 0;
  }
}
