/**
 * One file that is open: the core's rules driven by a log.
 *
 * O1 A request is decided, placed in the log and applied in one turn, so the order of calls is the
 *    order of entries and a snapshot taken by a rolling segment never contains its own first entry.
 * O2 The state runs ahead of the disk and of the replicas; whatever is told to anyone waits for the log
 *    and for the gate, when there is one. A repeat is answered only when the writer's last entry may
 *    be told, and an open when all before it may.
 * O3 Followers are given new entries from memory (see `recent-entries.ts`), but never before they may
 *    be told.
 * O4 What was decided once is decided the same way at replay and at every replica, or the log is
 *    damaged.
 * O5 A request passes the gate in the turn in which it is placed (G1, G2). Entries that came from
 *    elsewhere were not watched by it, so it is asked about them once, by whoever wants to be told.
 */
import {
  assert,
  failpoint,
  fault,
  isFault,
  type Logger,
  orAborted,
  type Random,
} from '../core/index.ts';
import {
  type Disk,
  type Payload,
  payloadOf,
  SegmentedLog,
  type SyncMode,
} from '../storage/index.ts';
import { blockSums } from './block-sums.ts';
import {
  type Cursor,
  type DecodedEntry,
  decodeParts,
  decodeSnapshot,
  encodeRequest,
  encodeSnapshot,
  entryOf,
  readable,
  toEntry,
} from './file-entry.ts';
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
import type { BlockSum, RawEntry, ReplicaGate, StoredFile } from './replication/stored-files.ts';
import { type Place, ToldPlace } from './told-place.ts';

export interface OpenFileOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly sync: SyncMode;
  readonly segmentBytes?: number;
  readonly log: Logger;
  readonly random: Random;
  readonly core: FileCore;
  /** Entries below this index were durable when it was last open. */
  readonly durableIndex?: number;
}

interface Parts {
  readonly log: SegmentedLog;
  readonly state: FileState;
  readonly offsets: Map<number, number>;
}

export class OpenFile implements StoredFile {
  readonly state: FileState;
  readonly #dir: string;
  readonly #log: SegmentedLog;
  readonly #core: FileCore;
  /** The file's length at the start of a segment, by the segment's first index. */
  readonly #offsets: Map<number, number>;
  readonly #recent = new RecentEntries();
  readonly #told = new ToldPlace();
  #gate: ReplicaGate | null = null;
  /** Entries before it were not placed under the gate of now. */
  #unwatched = 0;
  #closed = false;

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
    try {
      state = readable(options.dir, log.header, decodeSnapshot);
      const file = new OpenFile(options, { log, state, offsets });
      await file.#replay();
      return file;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /**
   * The file `name` in `dir`, where there is none, without its first entry: it is not there before
   * that is durable.
   */
  static async begin(options: OpenFileOptions, state: FileState): Promise<OpenFile> {
    const offsets = new Map<number, number>();
    const header = (): Uint8Array => snapshot(state, offsets, log.nextIndex);
    const log: SegmentedLog = await SegmentedLog.open({ ...options, header });
    return new OpenFile(options, { log, state, offsets });
  }

  private constructor(options: OpenFileOptions, parts: Parts) {
    this.#core = options.core;
    this.#dir = options.dir;
    this.#log = parts.log;
    this.state = parts.state;
    this.#offsets = parts.offsets;
  }

  /** Data bytes that may be told. */
  get length(): number {
    return this.#toldNow().length;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get nextIndex(): number {
    return this.#log.nextIndex;
  }

  get durableIndex(): number {
    return this.#log.durableIndex;
  }

  /** True when the log takes no more entries. */
  get failed(): boolean {
    return this.#log.failure !== null;
  }

  /** Waits for what has its place; true when that has failed. */
  async fails(): Promise<boolean> {
    await this.settled().catch(() => {});
    return this.failed;
  }

  get gated(): boolean {
    return this.#gate !== null;
  }

  /** Who is asked about entries from now on. */
  set gate(gate: ReplicaGate | null) {
    this.#gate = gate;
    this.#unwatched = this.#log.nextIndex;
  }

  /** Places the entry that makes it a file; resolves when that may be told. @throws as the gate */
  async create(token: string): Promise<void> {
    this.#gate?.admit();
    await this.#place({ kind: 'create', token }, []);
  }

  /** True when all may be told of which the gate has not heard (O5). */
  get isKnown(): boolean {
    return this.#told.now.index >= this.#unwatched && this.#told.now.index > 0;
  }

  /** Resolves when all may be told of which the gate has not heard: at once, mostly (O5). */
  async known(): Promise<void> {
    this.#toldNow();
    if (this.isKnown) return;
    await this.#mayTell(Math.max(this.#unwatched, 1) - 1);
  }

  /** Logs the new epoch of a writer; where the writer stands. @throws FENCED */
  async openWriter(writer: string, epoch: number): Promise<WriterPosition> {
    this.#gate?.admit();
    const outcome = this.#core.decide(this.state, { kind: 'open', writer, epoch });
    const row = this.state.writers.get(writer);
    const position = { epoch, seq: row?.seq ?? 0, meta: row?.meta ?? new Uint8Array(0) };
    if (outcome.kind === 'repeat') await this.#mayTell(outcome.index);
    else if (outcome.kind === 'logged') await this.#place({ kind: 'open', writer, epoch }, []);
    else throw await this.#refusal(outcome, { writer, epoch, seq: 0 });
    failpoint('hydfs.writer-opened');
    return position;
  }

  /** Appends, or waits for the original of a repeat. @throws FENCED, WRITER_GAP, WRITER_NOT_OPEN */
  async append(request: AppendRequest, parts: readonly Uint8Array[]): Promise<void> {
    this.#gate?.admit();
    const outcome = this.#core.decide(this.state, request);
    if (outcome.kind === 'logged') return this.#place(request, parts);
    if (outcome.kind === 'repeat') return this.#mayTell(outcome.index);
    throw await this.#refusal(outcome, request);
  }

  async copyIn(index: number, payloads: readonly Payload[]): Promise<void> {
    assert(index === this.#log.nextIndex, 'copies are placed where the file ends');
    let durable = Promise.resolve();
    for (const payload of payloads) {
      const entry = this.#checked(payload.parts, this.#log.nextIndex);
      durable = this.#log.place(payload).durable;
      this.#applied(entry);
    }
    this.#unwatched = this.#log.nextIndex;
    this.#told.join(this.#log.durableIndex);
    await durable;
    if (this.#gate === null) this.#toldNow();
  }

  async *rawEntries(
    from: number,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<RawEntry> {
    try {
      yield* this.#log.read(from, options.signal);
    } catch (error) {
      throw this.#readFailure(error);
    }
  }

  async *bytes(from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      const at = await this.#cursorBefore(from);
      for await (const { offset, data } of this.#stored(at, signal, DURABLE)) {
        const piece = data.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
        if (piece.length > 0) yield piece;
        if (offset + data.length >= to) return;
      }
    } catch (error) {
      throw this.#readFailure(error);
    }
  }

  async snapshotAt(firstIndex: number): Promise<Uint8Array> {
    const { name, createdAt } = this.state;
    if (firstIndex === 0) return encodeSnapshot(emptyFile(name, createdAt));
    if (firstIndex < this.#log.nextIndex) await this.#durable(firstIndex);
    return this.#log.headerOf(firstIndex);
  }

  async *sums(from: number, to: number, signal?: AbortSignal): AsyncGenerator<BlockSum> {
    await this.settled();
    yield* blockSums(this.rawEntries(from, { signal }), Math.min(to, this.#log.durableIndex));
  }

  async settled(): Promise<void> {
    const { nextIndex, durableIndex, failure } = this.#log;
    if (failure !== null) throw failure;
    if (nextIndex > durableIndex) await this.#durable(nextIndex - 1);
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
      await this.known();
      const at = await this.#cursorBefore(from);
      const entries = follow
        ? this.#follow(at, signal)
        : this.#stored(at, signal, () => this.#toldNow().index);
      for await (const entry of entries) {
        if (entry.offset + entry.data.length > from || entry.offset >= from) yield entry;
      }
    } catch (error) {
      if (!isFault(error, 'LOG_TRIMMED')) throw error;
      throw fault('FILE_TRIMMED', this.#trimmedAt(from, await this.trimmedTo()), error);
    }
  }

  /** The durable entries from `at`, which moves on with them, before index `end()`. */
  async *#stored(
    at: Cursor,
    signal: AbortSignal | undefined,
    end: () => number,
  ): AsyncGenerator<FileEntry> {
    for await (const { index, payload } of this.#log.read(at.index, signal)) {
      if (index >= end()) return;
      const entry = toEntry(this.state, { index, offset: at.offset, payload });
      at.index = index + 1;
      at.offset += entry?.data.length ?? 0;
      if (entry !== null) yield entry;
    }
  }

  /** The place of the last segment that begins before byte `from`. */
  async #cursorBefore(from: number): Promise<Cursor> {
    const starts = this.#log.segmentStarts;
    const index = starts[await this.#lastStart(starts, (offset) => offset < from)];
    return { index, offset: await this.#offsetOf(index) };
  }

  /** As `#stored`, then new entries when they may be told, from memory where possible (O3). */
  async *#follow(at: Cursor, signal: AbortSignal | undefined): AsyncGenerator<FileEntry> {
    const follower = this.#recent.join(at.index);
    const end = (): number => this.#toldNow().index;
    const kept = (): FileEntry | null => this.#recent.get(at.index, end());
    try {
      while (!signal?.aborted) {
        const entry = kept();
        if (entry !== null) {
          at.index += 1;
          at.offset = entry.offset + entry.data.length;
          yield entry;
        } else if (at.index < end()) {
          for await (const stored of this.#stored(at, signal, end)) {
            yield stored;
            if (kept() !== null) break;
          }
        } else if (!(await this.#news(at.index, signal))) return;
        this.#recent.passed(follower, at.index);
      }
    } finally {
      this.#recent.leave(follower);
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#log.close();
  }

  /** What may be told now (O2). */
  #toldNow(): Place {
    const { durableIndex } = this.#log;
    const everywhere = this.#gate === null ? durableIndex : this.#gate.committedIndex;
    return this.#told.upTo(Math.min(durableIndex, everywhere));
  }

  /** Waits until entry `index` may be told. @throws as the gate; the fault that ended the log */
  async #mayTell(index: number): Promise<void> {
    const gate = this.#gate;
    if (gate === null) return this.#durable(index);
    // an entry of long ago is known by -1: it is among those that were not watched
    const last = index < 0 ? Math.max(this.#unwatched, 1) - 1 : index;
    await Promise.all([this.#durable(last), gate.committed(last)]);
    this.#told.upTo(last + 1);
  }

  /** True when entry `index` may be told; false when `signal` aborts or the log closes before. */
  async #news(index: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (!(await this.#log.waitFor(index, signal))) return false;
    if (this.#gate !== null) await orAborted(this.#mayTell(index), signal);
    return signal?.aborted !== true;
  }

  #trimmedAt(from: number, trimmedTo: number): { from: number; name: string; trimmedTo: number } {
    return { from, name: this.state.name, trimmedTo };
  }

  async #replay(): Promise<void> {
    for await (const { index, payload } of this.#log.replay()) {
      const { request } = this.#checked([payload], index);
      this.#core.apply(this.state, request, index);
    }
    this.#unwatched = this.#log.nextIndex;
    this.#told.mark({ index: this.#log.nextIndex, length: this.state.length });
  }

  /** An entry that was accepted before, here or elsewhere (O4). @throws LOG_CORRUPT */
  #checked(payload: readonly Uint8Array[], index: number): DecodedEntry {
    const entry = readable(this.#dir, payload, (parts) => decodeParts(this.state, parts));
    const outcome = this.#core.decide(this.state, entry.request);
    if (outcome.kind === 'logged') return entry;
    const reason = `entry ${index} would not have been accepted (${outcome.kind})`;
    throw fault('LOG_CORRUPT', { path: this.#dir, offset: 0, reason });
  }

  /** Places an accepted request (O1); resolves when it may be told (O2). */
  async #place(request: FileRequest, parts: readonly Uint8Array[]): Promise<void> {
    const payload = payloadOf([encodeRequest(this.state, request), ...parts]);
    const { index, durable } = this.#log.place(payload);
    const offset = this.state.length;
    this.#core.apply(this.state, request, index);
    this.#told.mark({ index: index + 1, length: this.state.length });
    if (this.#recent.wanted) this.#remember(request, parts, { index, offset });
    const gate = this.#gate;
    if (gate === null) {
      await durable;
    } else {
      gate.placed(index, payload);
      await Promise.all([durable, gate.committed(index)]);
    }
    this.#told.upTo(index + 1);
  }

  /** The effect of an entry of elsewhere that was just placed. */
  #applied({ request, data }: DecodedEntry): void {
    const index = this.#log.nextIndex - 1;
    const offset = this.state.length;
    this.#core.apply(this.state, request, index);
    this.#told.mark({ index: index + 1, length: this.state.length });
    if (this.#recent.wanted) this.#remember(request, data, { index, offset });
  }

  /** Keeps a new entry for followers; the data of an append without a writer is the caller's. */
  #remember(request: FileRequest, parts: readonly Uint8Array[], at: Cursor): void {
    const single = parts.length === 1 && request.kind === 'append' && request.writer !== ANONYMOUS;
    const entry = entryOf(request, single ? parts[0] : Buffer.concat(parts), at);
    if (entry !== null) this.#recent.keep(entry);
  }

  /** What a reader is told: that the file is gone, where that is why its bytes are. */
  #readFailure(error: unknown): unknown {
    if (!this.#closed || !isFault(error, 'DISK_FAILED')) return error;
    return fault('LOG_CLOSED', { path: this.state.name }, error);
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
        await this.#mayTell(this.state.writers.get(writer)?.lastIndex ?? -1);
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

const DURABLE = (): number => Number.POSITIVE_INFINITY;

function snapshot(state: FileState, offsets: Map<number, number>, nextIndex: number): Uint8Array {
  offsets.set(nextIndex, state.length);
  return encodeSnapshot(state);
}
