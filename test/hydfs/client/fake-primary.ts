import { fault } from '../../../src/core/index.ts';
import type {
  FileEntry,
  FileWriter,
  LocalFileSystem,
  ReadRange,
} from '../../../src/hydfs/index.ts';
import type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryFiles,
  PrimaryInfo,
  WriterAppend,
} from '../../../src/hydfs/replication/index.ts';
import { RING_POINTS, ringPointOf } from '../../../src/plan/index.ts';
import type { SmallPlacement } from './small-placement.ts';

export interface FakePrimaryOptions {
  readonly store: string;
  readonly placement: SmallPlacement;
  readonly files: LocalFileSystem;
}

/** Serves `files` where its placement says that it is the primary, as a real one would. */
export class FakePrimary implements PrimaryFiles {
  readonly #store: string;
  readonly #placement: SmallPlacement;
  readonly #files: LocalFileSystem;
  readonly #writers = new Map<string, FileWriter>();
  /** Thrown by the next calls, in order. */
  readonly faults: Error[] = [];
  /** Appends that were asked for, in order. */
  readonly appends: WriterAppend[] = [];
  /** Bytes of a copy after which it fails. */
  copyBytesMax = Number.POSITIVE_INFINITY;
  /** Ranges that were read from this copy. */
  readonly copies: CopyRange[] = [];

  constructor({ store, placement, files }: FakePrimaryOptions) {
    this.#store = store;
    this.#placement = placement;
    this.#files = files;
  }

  async create(name: string, token?: string): Promise<PrimaryInfo> {
    this.#admit(name);
    return this.#told(await this.#files.create(name, token));
  }

  async stat(name: string): Promise<PrimaryInfo> {
    this.#admit(name);
    return this.#told(await this.#files.stat(name));
  }

  async openWriter(
    name: string,
    writer: string,
    epoch: number,
    options?: { readonly create?: boolean },
  ): Promise<FileWriter> {
    this.#admit(name);
    const opened = await this.#files.openWriter(name, writer, epoch, options);
    this.#writers.set(`${writer}/${epoch}/${name}`, opened);
    return opened;
  }

  append(): Promise<never> {
    throw new Error('clients append with numbers');
  }

  async appendAs(
    name: string,
    append: WriterAppend,
  ): Promise<{ readonly length: number; readonly version: number }> {
    this.appends.push(append);
    const { version } = this.#admit(name);
    const { writer, epoch } = append;
    const key = `${writer}/${epoch}/${name}`;
    const opened = this.#writers.get(key) ?? (await this.#files.openWriter(name, writer, epoch));
    this.#writers.set(key, opened);
    await opened.append(append);
    return { length: (await this.#files.stat(name)).length, version };
  }

  async list(prefix?: string): Promise<readonly string[]> {
    return this.#files.list(prefix);
  }

  async remove(name: string): Promise<void> {
    this.#admit(name);
    this.#writers.clear();
    await this.#files.remove(name);
  }

  async *read(name: string, range?: ReadRange): AsyncGenerator<Uint8Array> {
    this.#admit(name);
    yield* this.#files.read(name, range);
  }

  async *tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    this.#admit(name);
    yield* this.#files.tail(name, options);
  }

  async *entries(
    name: string,
    options?: { readonly fromOffset?: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<FileEntry> {
    this.#admit(name);
    yield* this.#files.entries(name, options);
  }

  async trim(name: string, beforeOffset: number): Promise<void> {
    this.#admit(name);
    await this.#files.trim(name, beforeOffset);
  }

  async merge(name: string): Promise<MergeOutcome> {
    this.#admit(name);
    return { replicas: 2, blocks: 1, repaired: [] };
  }

  async listing(prefix?: string): Promise<PointListing> {
    const points: { point: number; version: number }[] = [];
    for (let point = 0; point < RING_POINTS; point++) {
      const config = this.#placement.config(point);
      if (config?.replicas[0] !== this.#store) continue;
      points.push({ point, version: config.version });
    }
    const own = new Set(points.map(({ point }) => point));
    const names = await this.#files.list(prefix);
    return { points, names: names.filter((name) => own.has(ringPointOf(name))) };
  }

  async *readCopy(name: string, range: CopyRange): AsyncGenerator<Uint8Array> {
    this.copies.push(range);
    const config = this.#placement.config(ringPointOf(name));
    if (config?.version !== range.version || !config.replicas.includes(this.#store)) {
      throw fault('REPLICA_NOT_READY', { name, reason: 'it is no replica of that version' });
    }
    let left = this.copyBytesMax;
    for await (const piece of this.#files.read(name, range)) {
      const part = piece.subarray(0, left);
      left -= part.length;
      yield part;
      if (left === 0) throw fault('REPLICA_NOT_READY', { name, reason: 'the test says so' });
    }
  }

  async close(): Promise<void> {}

  #admit(name: string): { readonly version: number } {
    const failure = this.faults.shift();
    if (failure !== undefined) throw failure;
    const point = ringPointOf(name);
    const config = this.#placement.config(point);
    if (config?.replicas[0] === this.#store) return config;
    throw fault('NOT_PRIMARY', { point, version: config?.version ?? 0 });
  }

  #told<T extends object>(info: T & { readonly name: string }): T & { readonly version: number } {
    return { ...info, version: this.#placement.config(ringPointOf(info.name))?.version ?? 0 };
  }
}
