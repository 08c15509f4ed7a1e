/**
 * The file system of one node: every file is a log in a directory of its own.
 *
 *   <root>/files/<ring point, 4 hex>/<hash of the name, 32 hex>/   the log
 *   <root>/trash/<hash>-<random>/                                  a file being deleted
 *
 * S1 A name never becomes part of a path; it is in the snapshots of the file's log.
 * S2 A log is opened when its file is first used, once, and stays open.
 * S3 Creating, loading and removing one name happen one after the other.
 * S4 Removing renames the directory into the trash first: a file is there or not, never half. What a
 *    crash left in the trash is deleted at the next start.
 */
import { dirname, join } from 'node:path';
import {
  type Clock,
  fault,
  type Logger,
  type Random,
  randomId,
  systemRandom,
} from '../core/index.ts';
import { type Disk, diskFault, peekHeader, type SyncMode } from '../storage/index.ts';
import { nameInSnapshot } from './file-entry.ts';
import { checkName, placeOf } from './file-name.ts';
import { ANONYMOUS, type FileCore, fileCore } from './file-state.ts';
import type {
  FileEntry,
  FileInfo,
  FileSystem,
  FileWriter,
  ReadRange,
  WriterEntry,
} from './file-system.ts';
import { OpenFile, type OpenFileOptions } from './open-file.ts';

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

export class LocalFileSystem implements FileSystem {
  readonly #options: LocalFileSystemOptions;
  readonly #random: Random;
  readonly #open = new Map<string, OpenFile>();
  /** The last of the steps of S3 for a name. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #namesByDir = new Map<string, string>();
  #closed = false;

  /** Opens the file system in `root`, making it if needed, and finishes removals. */
  static async open(options: LocalFileSystemOptions): Promise<LocalFileSystem> {
    const { disk, root } = options;
    try {
      await disk.mkdir(join(root, 'files'));
      await disk.mkdir(join(root, 'trash'));
      for (const name of await disk.list(join(root, 'trash'))) {
        await disk.rmdir(join(root, 'trash', name));
      }
    } catch (error) {
      throw diskFault(error, 'opening', root);
    }
    return new LocalFileSystem(options);
  }

  private constructor(options: LocalFileSystemOptions) {
    this.#options = options;
    this.#random = options.random ?? systemRandom;
  }

  async create(name: string): Promise<FileInfo> {
    checkName(name);
    const file = await this.#inTurn(name, async () => {
      if ((await this.#load(name)) !== null) throw fault('FILE_EXISTS', { name });
      return this.#make(name);
    });
    return this.#info(file);
  }

  async openWriter(
    name: string,
    writer: string,
    epoch: number,
    options: { readonly create?: boolean } = {},
  ): Promise<FileWriter> {
    const file = options.create ? await this.#fileOrNew(name) : await this.#file(name);
    const position = await file.openWriter(writer, epoch);
    const append = ({ seq, parts, meta }: WriterEntry): Promise<void> => {
      let bytes = 0;
      for (const part of parts) bytes += part.length;
      const kept = meta === undefined ? NO_META : meta.slice();
      return file.append({ kind: 'append', writer, epoch, seq, bytes, meta: kept }, parts);
    };
    return { name, position, append };
  }

  async append(name: string, data: Uint8Array): Promise<{ readonly length: number }> {
    const file = await this.#file(name);
    const request = { writer: ANONYMOUS, epoch: 0, seq: 0, bytes: data.length, meta: NO_META };
    const appended = file.append({ kind: 'append', ...request }, [data]);
    const { length } = file.state;
    await appended;
    return { length };
  }

  async stat(name: string): Promise<FileInfo> {
    return this.#info(await this.#file(name));
  }

  async list(prefix = ''): Promise<readonly string[]> {
    this.#refuseIfClosed();
    const { disk, root } = this.#options;
    const names: string[] = [];
    try {
      for (const point of await disk.list(join(root, 'files'))) {
        for (const hash of await disk.list(join(root, 'files', point))) {
          const name = await this.#nameIn(join(root, 'files', point, hash));
          if (name?.startsWith(prefix)) names.push(name);
        }
      }
    } catch (error) {
      throw diskFault(error, 'listing', root);
    }
    return names.sort();
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await this.#inTurn(name, async () => {
      const file = await this.#load(name);
      if (file === null) throw fault('FILE_MISSING', { name });
      await file.close();
      this.#open.delete(name);
      await this.#discard(this.#dirOf(name));
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
    await (await this.#file(name)).trim(beforeOffset);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#turns.values());
    for (const file of this.#open.values()) await file.close();
    this.#open.clear();
  }

  async #file(name: string): Promise<OpenFile> {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    checkName(name);
    const file = await this.#inTurn(name, () => this.#load(name));
    if (file === null) throw fault('FILE_MISSING', { name });
    return file;
  }

  #fileOrNew(name: string): Promise<OpenFile> {
    checkName(name);
    return this.#inTurn(name, async () => (await this.#load(name)) ?? this.#make(name));
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
    if (file !== null) this.#open.set(name, file);
    return file;
  }

  async #make(name: string): Promise<OpenFile> {
    const createdAt = Math.floor(this.#options.clock.wall());
    const file = await OpenFile.create(this.#fileOptions(name), name, createdAt);
    this.#open.set(name, file);
    return file;
  }

  #fileOptions(name: string): OpenFileOptions {
    const { disk, sync = 'group', segmentBytes, log, core = fileCore } = this.#options;
    const dir = this.#dirOf(name);
    const limit = segmentBytes === undefined ? {} : { segmentBytes };
    return { disk, dir, sync, ...limit, log, random: this.#random, core };
  }

  #dirOf(name: string): string {
    return join(this.#options.root, 'files', placeOf(name).path);
  }

  async #discard(dir: string): Promise<void> {
    const { disk, root } = this.#options;
    const trash = join(root, 'trash', randomId(this.#random));
    try {
      await disk.rename(dir, trash);
      await disk.syncDir(dirname(dir));
      await disk.syncDir(dirname(trash));
      await disk.rmdir(trash);
    } catch (error) {
      throw diskFault(error, 'removing', dir);
    }
    this.#namesByDir.delete(dir);
  }

  async #nameIn(dir: string): Promise<string | null> {
    const known = this.#namesByDir.get(dir);
    if (known !== undefined) return known;
    const header = await peekHeader(this.#options.disk, dir);
    if (header === null) return null;
    const name = nameInSnapshot(header);
    this.#namesByDir.set(dir, name);
    return name;
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

function overlap(entry: FileEntry, from: number, to: number): Uint8Array {
  const { offset, data } = entry;
  if (offset >= from && offset + data.length <= to) return data;
  return data.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
}
