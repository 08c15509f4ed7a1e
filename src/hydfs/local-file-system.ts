/**
 * The file system of one node: every file is a log in a directory of its own (see `file-dirs.ts`).
 *
 * S1 A name never becomes part of a path; it is in the snapshots of the file's log.
 * S2 A log is opened when its file is first used, once, and stays open.
 * S3 Creating, loading, installing and removing one name happen one after the other. Nobody waits for
 *    a gate in such a turn: replicas are given what they lack by the same steps.
 * S4 A file whose log has failed goes on from what is on the disk when its point is taken stock of. What
 *    was durable before must be there: if it is not, the file is damaged, and nothing is cut off.
 * S5 Taking stock opens so many files at a time and no more, of however many points at once.
 */
import {
  type Clock,
  fault,
  isFault,
  type Logger,
  present,
  type Random,
  reasonOf,
  systemRandom,
} from '../core/index.ts';
import { type Disk, SegmentedLog, type SyncMode } from '../storage/index.ts';
import { FileDirs } from './file-dirs.ts';
import { FileDraft } from './file-draft.ts';
import { decodeSnapshot, overlap, readable } from './file-entry.ts';
import { checkName, placeOf } from './file-name.ts';
import { ANONYMOUS, emptyFile, type FileCore, type FileState, fileCore } from './file-state.ts';
import type {
  FileEntry,
  FileInfo,
  FileSystem,
  FileWriter,
  ReadRange,
  WriterEntry,
} from './file-system.ts';
import { OpenFile, type OpenFileOptions } from './open-file.ts';
import { Slots } from './replication/slots.ts';
import type {
  AppendOutcome,
  FileExtent,
  ReplicaGate,
  StoredDraft,
  StoredFile,
  StoredFiles,
  WriterAppend,
} from './replication/stored-files.ts';

export interface LocalFileSystemOptions {
  readonly disk: Disk;
  /** A directory that this process owns (see `lockDataDir`). */
  readonly root: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default `group`. */
  readonly sync?: SyncMode;
  /** Default 16 MiB. */
  readonly segmentBytes?: number;
  readonly random?: Random;
  /** What `stat` says of where files live; default `local`. */
  readonly replicas?: readonly string[];
  /** The rules; a test may plant other ones. */
  readonly core?: FileCore;
}

const NO_META = new Uint8Array(0);
/** Files that are opened at a time to take stock (S5): each has a descriptor while it is read. */
const STOCK_FILES = 32;

/** A file, and when it may be told that it is there. */
interface Made {
  readonly file: OpenFile;
  readonly made: Promise<void>;
}

export class LocalFileSystem implements FileSystem, StoredFiles {
  readonly #options: LocalFileSystemOptions;
  readonly #random: Random;
  readonly #dirs: FileDirs;
  readonly #stock = new Slots(STOCK_FILES);
  readonly #open = new Map<string, OpenFile>();
  /** How far files were durable whose logs have failed, until they are open again (S4). */
  readonly #durable = new Map<string, number>();
  /** The last of the steps of S3 for a name. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #gateOf: ((file: StoredFile) => ReplicaGate) | null = null;
  #closed = false;

  /** Opens the file system in `root`, making it if needed, and finishes removals. */
  static async open(options: LocalFileSystemOptions): Promise<LocalFileSystem> {
    const files = new LocalFileSystem(options);
    await files.#dirs.prepare();
    return files;
  }

  private constructor(options: LocalFileSystemOptions) {
    this.#options = options;
    this.#random = options.random ?? systemRandom;
    const { disk, root } = options;
    this.#dirs = new FileDirs({ disk, root, random: this.#random });
  }

  async create(name: string, token = ''): Promise<FileInfo> {
    checkName(name);
    const found = await this.#inTurn(name, async () => {
      const file = await this.#load(name);
      return file === null ? this.#make(name, token) : file;
    });
    if ('made' in found) {
      await this.#whenMade(name, found);
      return this.#info(found.file);
    }
    await found.known();
    if (token === '' || found.state.creation !== token) throw fault('FILE_EXISTS', { name });
    return this.#info(found);
  }

  async openWriter(
    name: string,
    writer: string,
    epoch: number,
    options: { readonly create?: boolean } = {},
  ): Promise<FileWriter> {
    const file = options.create ? await this.#fileOrNew(name) : await this.#file(name);
    const position = await file.openWriter(writer, epoch);
    const append = (entry: WriterEntry): Promise<void> => {
      return appendTo(file, { writer, epoch, ...entry });
    };
    return { name, position, append };
  }

  async appendAs(name: string, append: WriterAppend): Promise<AppendOutcome> {
    const file = await this.#file(name);
    const appended = appendTo(file, append);
    const { length } = file.state;
    await appended;
    return { length };
  }

  async append(name: string, data: Uint8Array): Promise<{ readonly length: number }> {
    const file = await this.#file(name);
    const request = { writer: ANONYMOUS, epoch: 0, seq: 0, bytes: data.length, meta: NO_META };
    const kept = file.gated ? data.slice() : data;
    const appended = file.append({ kind: 'append', ...request }, [kept]);
    const { length } = file.state;
    await appended;
    return { length };
  }

  async stat(name: string): Promise<FileInfo> {
    return this.#info(await this.#file(name));
  }

  async list(prefix = ''): Promise<readonly string[]> {
    this.#refuseIfClosed();
    const names: string[] = [];
    for (const point of await this.#dirs.points()) {
      for (const dir of await this.#dirs.in(point)) {
        const name = await this.#dirs.nameIn(dir);
        if (name?.startsWith(prefix)) names.push(name);
      }
    }
    return names.sort();
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await this.#inTurn(name, async () => {
      const file = await this.#load(name);
      if (file === null) throw fault('FILE_MISSING', { name });
      await this.#drop(name);
    });
  }

  async *read(name: string, range: ReadRange = {}): AsyncGenerator<Uint8Array> {
    const file = await this.#file(name);
    const from = await this.#firstByte(file, range.from);
    const to = Math.min(range.to ?? file.length, file.length);
    if (from >= to) return;
    for await (const entry of file.entries(from, { follow: false, signal: range.signal })) {
      if (entry.offset >= to) return;
      const data = overlap(entry, from, to);
      if (data.length > 0) yield data;
      if (entry.offset + entry.data.length >= to) return;
    }
  }

  async *tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const file = await this.#file(name);
    const from = await this.#firstByte(file, options.from);
    for await (const entry of file.entries(from, { follow: true, signal: options.signal })) {
      const data = overlap(entry, from, Number.POSITIVE_INFINITY);
      if (data.length > 0) yield data;
    }
  }

  async *entries(
    name: string,
    options: { readonly fromOffset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<FileEntry> {
    const file = await this.#file(name);
    const from = await this.#firstByte(file, options.fromOffset);
    yield* file.entries(from, { follow: false, signal: options.signal });
  }

  async trim(name: string, beforeOffset: number): Promise<void> {
    const file = await this.#file(name);
    await file.trim(Math.min(beforeOffset, file.length));
  }

  async inventory(point: number): Promise<readonly FileExtent[]> {
    this.#refuseIfClosed();
    const open = this.#openIn(point);
    const names = new Map(open.map((name) => [this.#dirs.of(name), name]));
    for (const dir of await this.#dirs.in(point)) {
      const known = names.get(dir) ?? (await this.#stock.run(() => this.#dirs.nameIn(dir)));
      if (known !== null) names.set(dir, known);
      else if (await this.#dirs.occupied(dir)) this.#damaged(dir, 'its name cannot be read');
    }
    const extents: FileExtent[] = [];
    for (const name of names.values()) {
      const extent = await this.#stock.run(() => this.#extent(name));
      if (extent !== null) extents.push(extent);
    }
    return extents;
  }

  hasFailed(point: number): boolean {
    return this.#openIn(point).some((name) => this.#open.get(name)?.failed === true);
  }

  pointsWithFiles(): Promise<readonly number[]> {
    this.#refuseIfClosed();
    return this.#dirs.points();
  }

  async wipePoint(point: number): Promise<void> {
    this.#refuseIfClosed();
    for (const name of this.#openIn(point)) await this.discard(name);
    for (const dir of await this.#dirs.in(point)) {
      const name = await this.#dirs.nameIn(dir);
      await (name === null ? this.#dirs.discard(dir) : this.discard(name));
    }
    await this.#dirs.discardPlacing(point);
  }

  async install(name: string, snapshot: Uint8Array, firstIndex: number): Promise<StoredFile> {
    const state = this.#stateIn(name, snapshot);
    return this.#inTurn(name, async () => {
      if (firstIndex > 0) return this.#place(name, await this.#draft(snapshot, firstIndex));
      await this.#drop(name);
      return this.#begin(name, state);
    });
  }

  async draft(name: string, snapshot: Uint8Array, firstIndex: number): Promise<StoredDraft> {
    this.#refuseIfClosed();
    const state = this.#stateIn(name, snapshot);
    const dir = firstIndex === 0 ? this.#dirs.draft() : await this.#draft(snapshot, firstIndex);
    const options = { ...this.#fileOptions(name), dir, durableIndex: 0 };
    const begun = firstIndex === 0 ? OpenFile.begin(options, state) : OpenFile.load(options);
    const file = present(await begun, 'a draft was made durable before it is opened');
    const place = (): Promise<StoredFile> => this.#inTurn(name, () => this.#place(name, dir));
    return new FileDraft({ file, place, discard: () => this.#dirs.forget(dir) });
  }

  async discard(name: string): Promise<void> {
    checkName(name);
    await this.#inTurn(name, () => this.#drop(name));
  }

  setGate(gateOf: ((file: StoredFile) => ReplicaGate) | null): void {
    this.#gateOf = gateOf;
    for (const file of this.#open.values()) this.#guard(file);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#turns.values());
    for (const file of this.#open.values()) await file.close();
    this.#open.clear();
  }

  /** The file `name`, when it may be told that it is there. */
  async #file(name: string): Promise<OpenFile> {
    const file = this.#open.get(name) ?? (await this.openFile(name));
    if (!file.isKnown) await file.known();
    return file;
  }

  async openFile(name: string): Promise<OpenFile> {
    checkName(name);
    const file = await this.#inTurn(name, () => this.#load(name));
    if (file === null) throw fault('FILE_MISSING', { name });
    return file;
  }

  async #fileOrNew(name: string): Promise<OpenFile> {
    checkName(name);
    const found = await this.#inTurn(name, async () => {
      return (await this.#load(name)) ?? this.#make(name, '');
    });
    if (!('made' in found)) return this.#file(name);
    await this.#whenMade(name, found);
    return found.file;
  }

  /** Runs `step` after all earlier steps for `name` (S3). */
  #inTurn<T>(name: string, step: () => Promise<T>): Promise<T> {
    this.#refuseIfClosed();
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(step, step);
    this.#turns.set(name, turn);
    const leave = (): void => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    };
    turn.then(leave, leave);
    return turn;
  }

  async #load(name: string): Promise<OpenFile | null> {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const file = await OpenFile.load(this.#fileOptions(name));
    if (file === null) return null;
    if (file.nextIndex === 0) return this.#unborn(name, file);
    this.#durable.delete(name);
    this.#guard(file);
    this.#open.set(name, file);
    return file;
  }

  /** Its creation was cut short before its first entry: it never was there. */
  async #unborn(name: string, file: OpenFile): Promise<null> {
    await file.close();
    await this.#dirs.discard(this.#dirs.of(name));
    return null;
  }

  /** Begins the file `name`, without its first entry. */
  async #begin(name: string, state: FileState): Promise<OpenFile> {
    const file = await OpenFile.begin(this.#fileOptions(name), state);
    this.#guard(file);
    this.#open.set(name, file);
    return file;
  }

  async #make(name: string, token: string): Promise<Made> {
    const createdAt = Math.floor(this.#options.clock.wall());
    const file = await this.#begin(name, emptyFile(name, createdAt));
    const made = file.create(token);
    // whoever asked for the file is told
    made.catch(() => {});
    return { file, made };
  }

  /** Waits for a file to be made; one that never came to be is let go of. */
  async #whenMade(name: string, { file, made }: Made): Promise<void> {
    try {
      await made;
    } catch (error) {
      await this.#inTurn(name, async () => {
        const unborn = file.failed || file.nextIndex === 0;
        if (unborn && this.#open.get(name) === file) await this.#close(name);
      });
      throw error;
    }
  }

  /** The state in the snapshot of the file `name`. @throws LOG_CORRUPT when it is none */
  #stateIn(name: string, snapshot: Uint8Array): FileState {
    checkName(name);
    const path = this.#dirs.of(name);
    const state = readable(path, snapshot, decodeSnapshot);
    if (state.name === name) return state;
    const reason = 'it was to be replaced by the file of another name';
    throw fault('LOG_CORRUPT', { path, offset: 0, reason });
  }

  /** Makes the log of a file that begins at an index above 0, aside; it is durable. */
  async #draft(snapshot: Uint8Array, firstIndex: number): Promise<string> {
    const dir = this.#dirs.draft();
    const { disk, log } = this.#options;
    const header = (): Uint8Array => snapshot;
    const draft = await SegmentedLog.open({
      disk,
      dir,
      log,
      sync: 'group',
      random: this.#random,
      firstIndex,
      header,
    });
    try {
      await draft.begin();
    } finally {
      await draft.close();
    }
    return dir;
  }

  #guard(file: OpenFile): void {
    file.gate = this.#gateOf?.(file) ?? null;
  }

  #openIn(point: number): string[] {
    return [...this.#open.keys()].filter((name) => placeOf(name).fileId === point);
  }

  /** What is durable of a file; null when it is not there or damaged. */
  async #extent(name: string): Promise<FileExtent | null> {
    try {
      const file = await this.#inTurn(name, () => this.#sound(name));
      await file?.settled();
      if (file === null || file.durableIndex === 0) return null;
      const { createdAt } = file.state;
      const { firstIndex, durableIndex } = file;
      return { name, createdAt, firstIndex, nextIndex: durableIndex };
    } catch (error) {
      if (!isFault(error, 'LOG_CORRUPT')) throw error;
      this.#damaged(name, reasonOf(error));
      return null;
    }
  }

  /** S4. */
  async #sound(name: string): Promise<OpenFile | null> {
    const file = await this.#load(name);
    if (file === null || !(await file.fails())) return file;
    this.#durable.set(name, file.durableIndex);
    await this.#close(name);
    return this.#load(name);
  }

  #damaged(what: string, reason: string): void {
    this.#options.log.error('a file is damaged and does not count', { what, reason });
  }

  async #close(name: string): Promise<void> {
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.close();
  }

  async #drop(name: string): Promise<void> {
    await this.#close(name);
    this.#durable.delete(name);
    await this.#dirs.discard(this.#dirs.of(name));
  }

  /** The file in `draft`, which is durable, takes the place of the one that may be there. */
  async #place(name: string, draft: string): Promise<OpenFile> {
    await this.#close(name);
    this.#durable.delete(name);
    await this.#dirs.place(draft, this.#dirs.of(name));
    return present(await this.#load(name), 'a draft has an entry or a snapshot');
  }

  #fileOptions(name: string): OpenFileOptions {
    const { disk, sync = 'group', segmentBytes, log, core = fileCore } = this.#options;
    const dir = this.#dirs.of(name);
    const limit = segmentBytes === undefined ? {} : { segmentBytes };
    const durableIndex = this.#durable.get(name) ?? 0;
    return { disk, dir, sync, ...limit, log, random: this.#random, core, durableIndex };
  }

  async #info(file: OpenFile): Promise<FileInfo> {
    const { name, createdAt, writers } = file.state;
    const { fileId } = placeOf(name);
    const trimmedTo = await file.trimmedTo();
    const replicas = this.#options.replicas ?? ['local'];
    const { length } = file;
    return { name, fileId, length, trimmedTo, createdAt, writers: writers.size, replicas };
  }

  async #firstByte(file: OpenFile, from: number | undefined): Promise<number> {
    const trimmedTo = await file.trimmedTo();
    if (from === undefined || from >= trimmedTo) return from ?? trimmedTo;
    throw fault('FILE_TRIMMED', { from, name: file.state.name, trimmedTo });
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw fault('LOG_CLOSED', { path: this.#options.root });
  }
}

function appendTo(
  file: OpenFile,
  { writer, epoch, seq, parts, meta }: WriterAppend,
): Promise<void> {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  const kept = meta === undefined ? NO_META : meta.slice();
  return file.append({ kind: 'append', writer, epoch, seq, bytes, meta: kept }, parts);
}
