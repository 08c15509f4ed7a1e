/**
 * One file that is open: the core's rules driven by a log.
 *
 * O1 A request is decided, placed in the log and applied in one turn, so the order of calls is the
 *    order of entries and a snapshot taken by a rolling segment never contains its own first entry.
 * O2 The state runs ahead of the disk; whatever is told to anyone waits for the log. A repeat is
 *    answered only when the writer's last entry is durable, and an open when all before it is.
 * O3 Followers are given new entries from memory (see `recent-entries.ts`), but never before they are
 *    durable.
 * O4 What was decided once is decided the same way at replay, or the log is damaged.
 */
import { failpoint, fault, isFault, type Logger, type Random } from '../core/index.ts';
import { type Disk, SegmentedLog, type SyncMode } from '../storage/index.ts';
import { decodeEntry, decodeSnapshot, encodeRequest, encodeSnapshot } from './file-entry.ts';
import {
  ANONYMOUS,
  type AppendRequest,
  emptyFile,
  type FileCore,
  type FileRequest,
  type FileState,
  type Outcome,
} from './file-state.ts';
import type { FileEntry, WriterPosition } from './file-system.ts';
import { RecentEntries } from './recent-entries.ts';

export interface OpenFileOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly sync: SyncMode;
  readonly segmentBytes?: number;
  readonly log: Logger;
  readonly random: Random;
  readonly core: FileCore;
}

/** An entry's index, and the file's length before it. */
interface Place {
  index: number;
  offset: number;
}

export class OpenFile {
  readonly state: FileState;
  /** Data bytes that are durable. */
  length: number;
  readonly #log: SegmentedLog;
  readonly #core: FileCore;
  /** The file's length at the start of a segment, by the segment's first index. */
  readonly #offsets: Map<number, number>;
  readonly #recent = new RecentEntries();

  /** Opens the file in `dir`; null when there is none (its creation may have been cut short). */
  static async load(options: OpenFileOptions): Promise<OpenFile | null> {
    if ((await options.disk.list(options.dir)).length === 0) return null;
    const offsets = new Map<number, number>();
    let state: FileState = emptyFile('', 0);
    const header = (): Uint8Array => snapshot(state, offsets, log.nextIndex);
    const log: SegmentedLog = await SegmentedLog.open({ ...options, header });
    if (log.header === null) {
      await log.close();
      return null;
    }
    state = decodeSnapshot(log.header);
    const file = new OpenFile(options.core, { log, state, offsets });
    await file.#replay(options.dir);
    return file;
  }

  /** Makes the file `name` in `dir`, where there is none. */
  static async create(
    options: OpenFileOptions,
    name: string,
    createdAt: number,
  ): Promise<OpenFile> {
    const offsets = new Map<number, number>();
    const state = emptyFile(name, createdAt);
    const header = (): Uint8Array => snapshot(state, offsets, log.nextIndex);
    const log: SegmentedLog = await SegmentedLog.open({ ...options, header });
    const file = new OpenFile(options.core, { log, state, offsets });
    try {
      await file.#place({ kind: 'create' }, []);
    } catch (error) {
      await log.close();
      throw error;
    }
    return file;
  }

  private constructor(
    core: FileCore,
    parts: { log: SegmentedLog; state: FileState; offsets: Map<number, number> },
  ) {
    this.#core = core;
    this.#log = parts.log;
    this.state = parts.state;
    this.#offsets = parts.offsets;
    this.length = parts.state.length;
  }

  /** Logs the new epoch of a writer; where the writer stands. @throws FENCED */
  async openWriter(writer: string, epoch: number): Promise<WriterPosition> {
    const outcome = this.#core.decide(this.state, { kind: 'open', writer, epoch });
    const row = this.state.writers.get(writer);
    const position = { epoch, seq: row?.seq ?? 0, meta: row?.meta ?? new Uint8Array(0) };
    if (outcome.kind === 'repeat') await this.#durable(outcome.index);
    else if (outcome.kind === 'logged') await this.#place({ kind: 'open', writer, epoch }, []);
    else throw await this.#refusal(outcome, { writer, epoch, seq: 0 });
    failpoint('hydfs.writer-opened');
    return position;
  }

  /** Appends, or waits for the original of a repeat. @throws FENCED, WRITER_GAP, WRITER_NOT_OPEN */
  async append(request: AppendRequest, parts: readonly Uint8Array[]): Promise<void> {
    const outcome = this.#core.decide(this.state, request);
    if (outcome.kind === 'logged') return this.#place(request, parts);
    if (outcome.kind === 'repeat') return this.#durable(outcome.index);
    throw await this.#refusal(outcome, request);
  }

  /** Bytes below this offset are gone. */
  trimmedTo(): Promise<number> {
    return this.#offsetOf(this.#log.firstIndex);
  }

  /** Frees the segments that end at or before byte `beforeOffset`. */
  async trim(beforeOffset: number): Promise<void> {
    const starts = this.#log.segmentStarts;
    const kept = await this.#lastStart(starts, (offset) => offset <= beforeOffset);
    await this.#log.trim(starts[kept]);
    for (const start of this.#offsets.keys()) {
      if (start < this.#log.firstIndex) this.#offsets.delete(start);
    }
  }

  /**
   * The opens and appends from byte `from` on: the durable ones, and with `follow` also new ones as
   * they become durable.
   */
  async *entries(
    from: number,
    options: { readonly follow: boolean; readonly signal: AbortSignal | undefined },
  ): AsyncGenerator<FileEntry> {
    const { follow, signal } = options;
    try {
      const starts = this.#log.segmentStarts;
      const start = starts[await this.#lastStart(starts, (offset) => offset < from)];
      const at = { index: start, offset: await this.#offsetOf(start) };
      const entries = follow ? this.#follow(at, signal) : this.#stored(at, signal);
      for await (const entry of entries) {
        if (entry.offset + entry.data.length > from || entry.offset >= from) yield entry;
      }
    } catch (error) {
      if (!isFault(error, 'LOG_TRIMMED')) throw error;
      throw fault('FILE_TRIMMED', this.#trimmedAt(from, await this.trimmedTo()), error);
    }
  }

  /** The durable entries from `at`, which moves on with them. */
  async *#stored(at: Place, signal: AbortSignal | undefined): AsyncGenerator<FileEntry> {
    for await (const { index, payload } of this.#log.read(at.index, signal)) {
      const entry = toEntry(this.state, { index, offset: at.offset, payload });
      at.index = index + 1;
      at.offset += entry?.data.length ?? 0;
      if (entry !== null) yield entry;
    }
  }

  /** As `#stored`, then new entries as they become durable, from memory where possible (O3). */
  async *#follow(at: Place, signal: AbortSignal | undefined): AsyncGenerator<FileEntry> {
    const follower = this.#recent.join(at.index);
    const kept = (): FileEntry | null => this.#recent.get(at.index, this.#log.durableIndex);
    try {
      while (!signal?.aborted) {
        const entry = kept();
        if (entry !== null) {
          at.index += 1;
          at.offset = entry.offset + entry.data.length;
          yield entry;
        } else if (at.index < this.#log.durableIndex) {
          for await (const stored of this.#stored(at, signal)) {
            yield stored;
            if (kept() !== null) break;
          }
        } else if (!(await this.#log.waitFor(at.index, signal))) return;
        this.#recent.passed(follower, at.index);
      }
    } finally {
      this.#recent.leave(follower);
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #trimmedAt(from: number, trimmedTo: number): { from: number; name: string; trimmedTo: number } {
    return { from, name: this.state.name, trimmedTo };
  }

  async #replay(dir: string): Promise<void> {
    for await (const { index, payload } of this.#log.replay()) {
      const { request } = decodeEntry(this.state, payload);
      const outcome = this.#core.decide(this.state, request);
      if (outcome.kind !== 'logged') {
        const reason = `entry ${index} would not have been accepted (${outcome.kind})`;
        throw fault('LOG_CORRUPT', { path: dir, offset: 0, reason });
      }
      this.#core.apply(this.state, request, index);
    }
    this.length = this.state.length;
  }

  /** Places an accepted request (O1); resolves when it is durable. */
  async #place(request: FileRequest, parts: readonly Uint8Array[]): Promise<void> {
    const head = encodeRequest(this.state, request);
    const placed = this.#log.append([head, ...parts]);
    const offset = this.state.length;
    this.#core.apply(this.state, request, placed.index);
    const { length } = this.state;
    if (this.#recent.wanted) this.#remember(request, parts, { index: placed.index, offset });
    await placed.durable;
    this.length = Math.max(this.length, length);
  }

  /** Keeps a new entry for followers; the data of an append without a writer is the caller's. */
  #remember(request: FileRequest, parts: readonly Uint8Array[], at: Place): void {
    const single = parts.length === 1 && request.kind === 'append' && request.writer !== ANONYMOUS;
    const entry = entryOf(request, single ? parts[0] : Buffer.concat(parts), at);
    if (entry !== null) this.#recent.keep(entry);
  }

  async #durable(index: number): Promise<void> {
    if (await this.#log.waitFor(index)) return;
    throw fault('LOG_CLOSED', { path: this.state.name });
  }

  /**
   * The fault for a refused request. After a failed write the state holds what never became durable,
   * so that failure is the answer; that a writer was replaced is told once it is durable (O2).
   */
  async #refusal(
    outcome: Exclude<Outcome, { kind: 'logged' } | { kind: 'repeat' }>,
    request: { readonly writer: string; readonly epoch: number; readonly seq: number },
  ): Promise<Error> {
    if (this.#log.failure !== null) return this.#log.failure;
    const { name } = this.state;
    const { writer, epoch, seq } = request;
    switch (outcome.kind) {
      case 'fenced':
        await this.#durable(this.state.writers.get(writer)?.lastIndex ?? -1);
        return fault('FENCED', { writer, name, epoch, newest: outcome.newest });
      case 'gap':
        return fault('WRITER_GAP', { writer, name, seq, expected: outcome.expected });
      case 'not-open':
        return fault('WRITER_NOT_OPEN', { writer, name, epoch, newest: outcome.newest });
    }
  }

  async #offsetOf(firstIndex: number): Promise<number> {
    const known = this.#offsets.get(firstIndex);
    if (known !== undefined) return known;
    const { length } = decodeSnapshot(await this.#log.headerOf(firstIndex));
    this.#offsets.set(firstIndex, length);
    return length;
  }

  /** The place in `starts` of the last segment whose offset is `within`; 0 when none is. */
  async #lastStart(
    starts: readonly number[],
    within: (offset: number) => boolean,
  ): Promise<number> {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (within(await this.#offsetOf(starts[middle]))) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function snapshot(state: FileState, offsets: Map<number, number>, nextIndex: number): Uint8Array {
  offsets.set(nextIndex, state.length);
  return encodeSnapshot(state);
}

function toEntry(
  state: FileState,
  at: { readonly index: number; readonly offset: number; readonly payload: Uint8Array },
): FileEntry | null {
  const { request, data } = decodeEntry(state, at.payload);
  return entryOf(request, data, at);
}

function entryOf(request: FileRequest, data: Uint8Array, at: Readonly<Place>): FileEntry | null {
  if (request.kind === 'create') return null;
  const { kind, writer, epoch } = request;
  const seq = kind === 'append' ? request.seq : 0;
  const meta = kind === 'append' ? request.meta : new Uint8Array(0);
  return { kind, index: at.index, offset: at.offset, writer, epoch, seq, meta, data };
}
