/**
 * The files of the points whose primary this store is; see `primary-files.ts` for the contract.
 *
 * W1 Nothing is told before what an earlier primary may have told is at every replica again.
 * W2 Appends of one file are decided in the order of the calls, also when the first of them waits.
 * W3 Bytes that do not read back are made anew from a replica, and reading goes on where it was.
 * W4 Appends to a file wait for a copy that is being filled and falls behind.
 */
import { type Fault, fault, isFault, reasonOf } from '../../core/index.ts';
import { ringPointOf } from '../../plan/index.ts';
import { checkName, placeOf } from '../file-name.ts';
import { ANONYMOUS } from '../file-state.ts';
import type { FileEntry, FileWriter, ReadRange, WriterEntry } from '../file-system.ts';
import { isDamage, isDiskFault, type ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import type { Mender } from './mender.ts';
import type { PrimaryFile } from './primary-file.ts';
import type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryFiles,
  PrimaryInfo,
} from './primary-files.ts';
import type { PrimaryPoint } from './primary-point.ts';
import type { StoredFile, WriterAppend } from './stored-files.ts';
import { Turns } from './turns.ts';
import { within } from './within.ts';

export interface ServedFilesOptions {
  readonly context: ReplicaContext;
  readonly mender: Mender;
  readonly points: ReadonlyMap<number, PrimaryPoint>;
  /** A copy of this store, which is not the primary of the file, is damaged. */
  damagedCopy(name: string, error: unknown): void;
  close(): Promise<void>;
}

/** A file that may be told of. */
interface Served {
  readonly point: PrimaryPoint;
  readonly file: PrimaryFile;
}

const NO_META = new Uint8Array(0);
/** Times that the same place may turn out to be damaged. */
const MENDS_MAX = 2;

export class ServedFiles implements PrimaryFiles {
  readonly #options: ServedFilesOptions;
  readonly #context: ReplicaContext;
  readonly #appends = new Turns<string>();

  constructor(options: ServedFilesOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  async create(name: string, token = ''): Promise<PrimaryInfo> {
    const point = await this.#point(name);
    if (point.files.get(name)?.phase.kind === 'removing')
      throw notReady(name, 'it is being removed');
    await this.#context.firstUse.of(name, point);
    await this.#noting(point, this.#context.files.create(name, token));
    return this.stat(name);
  }

  async openWriter(
    name: string,
    writer: string,
    epoch: number,
    options: { readonly create?: boolean } = {},
  ): Promise<FileWriter> {
    const point = await this.#point(name);
    if (point.files.has(name)) await this.#file(name);
    else if (options.create) await this.#context.firstUse.of(name, point);
    const { files } = this.#context;
    const { position } = await this.#noting(point, files.openWriter(name, writer, epoch, options));
    const append = async ({ seq, parts, meta }: WriterEntry): Promise<void> => {
      await this.appendAs(name, { writer, epoch, seq, parts, ...(meta ? { meta } : {}) });
    };
    return { name, position, append };
  }

  append(
    name: string,
    data: Uint8Array,
  ): Promise<{ readonly length: number; readonly version: number }> {
    return this.appendAs(name, { writer: ANONYMOUS, epoch: 0, seq: 0, parts: [data.slice()] });
  }

  /** W2. */
  async appendAs(
    name: string,
    append: WriterAppend,
  ): Promise<{ readonly length: number; readonly version: number }> {
    const quick = this.#appends.idle(name) ? this.#attached(name) : null;
    const { point, file, done } =
      quick === null
        ? await this.#appends.run(name, async () => {
            const served = await this.#file(name);
            await this.#paced(served);
            return this.#place(served, await this.#stored(served), append);
          })
        : this.#place(quick.served, quick.stored, append);
    await done;
    const { version } = point;
    const length = file.committedLength;
    if (length === null || file.ended.aborted) throw notReady(name, 'its primary has changed');
    return { length, version };
  }

  async stat(name: string): Promise<PrimaryInfo> {
    const served = await this.#file(name);
    const { point, file } = served;
    await this.#stored(served);
    const info = await this.#noting(point, this.#context.files.stat(name));
    if (file.phase.kind === 'gone') throw file.phase.reason;
    const { placement } = this.#context;
    const replicas = point.replicas.map((store) => placement.address(store) ?? store);
    return { ...info, fileId: placeOf(name).fileId, replicas, version: point.version };
  }

  async list(prefix = ''): Promise<readonly string[]> {
    return (await this.listing(prefix)).names;
  }

  async listing(prefix = ''): Promise<PointListing> {
    const own = [...this.#options.points.values()].filter((point) => point.isOurs);
    const ready = await Promise.allSettled(own.map((point) => this.#listPoint(point, prefix)));
    const points: { point: number; version: number }[] = [];
    const names: string[] = [];
    for (const result of ready) {
      if (result.status === 'rejected') continue;
      points.push(result.value.point);
      names.push(...result.value.names);
    }
    return { points, names: names.sort() };
  }

  async remove(name: string): Promise<void> {
    const { point, file } = await this.#file(name);
    const { clock, limits } = this.#context;
    const late = (): Fault => notReady(name, 'a replica has not removed it yet');
    await within(point.remove(file), { clock, ms: limits.commitMs, late });
  }

  async *read(name: string, range: ReadRange = {}): AsyncGenerator<Uint8Array> {
    const { trimmedTo, length } = await this.stat(name);
    const served = await this.#file(name);
    const to = Math.min(range.to ?? length, length);
    const { files } = this.#context;
    yield* this.#mended(served, range.from ?? trimmedTo, (from) => {
      if (from >= to && from > trimmedTo) return [];
      return files.read(name, { ...range, from, to });
    });
  }

  async *tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const { trimmedTo } = await this.stat(name);
    const served = await this.#file(name);
    const { files } = this.#context;
    const signal = AbortSignal.any([options.signal, served.file.ended]);
    yield* this.#mended(served, options.from ?? trimmedTo, (from) => {
      return files.tail(name, { from, signal });
    });
    this.#refuseIfEnded(served.file, options.signal);
  }

  async *entries(
    name: string,
    options: { readonly fromOffset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<FileEntry> {
    const served = await this.#file(name);
    let index = -1;
    for (let mends = 0; ; mends++) {
      try {
        for await (const entry of this.#context.files.entries(name, options)) {
          if (entry.index <= index) continue;
          index = entry.index;
          yield entry;
        }
        return;
      } catch (error) {
        if (!isDamage(error) || mends === MENDS_MAX) throw error;
        await this.#options.mender.mend(served, error);
      }
    }
  }

  async trim(name: string, beforeOffset: number): Promise<void> {
    const { point } = await this.#file(name);
    await this.#noting(point, this.#context.files.trim(name, beforeOffset));
    for (const link of point.links) link.trim(name, beforeOffset);
  }

  async merge(name: string): Promise<MergeOutcome> {
    return this.#options.mender.merge(await this.#file(name));
  }

  async *readCopy(name: string, range: CopyRange): AsyncGenerator<Uint8Array> {
    checkName(name);
    const { placement, store } = this.#context;
    const { from, to, version, signal } = range;
    const config = placement.config(ringPointOf(name));
    if (config === null || config.version < version) {
      placement.refresh();
      throw notReady(name, `configuration ${version} is not known at store ${store}`);
    }
    if (!config.replicas.includes(store)) throw notReady(name, `store ${store} has no copy of it`);
    let at = from;
    try {
      const stored = await this.#context.files.openFile(name);
      for await (const bytes of stored.bytes(from, to, signal)) {
        at += bytes.length;
        yield bytes;
      }
    } catch (error) {
      if (isDamage(error)) this.#options.damagedCopy(name, error);
      else if (!isFault(error, 'FILE_MISSING') && !isFault(error, 'LOG_TRIMMED')) throw error;
      throw notReady(name, reasonOf(error));
    }
    if (at < to && !signal?.aborted)
      throw notReady(name, `the copy at store ${store} ends at ${at}`);
  }

  close(): Promise<void> {
    return this.#options.close();
  }

  async #point(name: string): Promise<PrimaryPoint> {
    checkName(name);
    const ring = ringPointOf(name);
    const point = this.#options.points.get(ring);
    if (point === undefined) throw fault('NOT_PRIMARY', { point: ring, version: 0 });
    if (!point.active) await point.ready();
    return point;
  }

  /** W1. @throws FILE_MISSING */
  async #file(name: string): Promise<Served> {
    const point = await this.#point(name);
    const file = point.files.get(name);
    if (file === undefined) {
      // one that is there and cannot be read is not said to be missing
      await this.#context.files.openFile(name);
      throw fault('FILE_MISSING', { name });
    }
    const ms = this.#context.limits.readyMs;
    await file.reached(file.settleIndex, { durable: true, ms });
    return { point, file };
  }

  /** The open file of a primary, known to it. */
  async #stored({ point, file }: Served): Promise<StoredFile> {
    const open = async (): Promise<StoredFile> => {
      try {
        return await this.#context.files.openFile(file.name);
      } catch (error) {
        if (!isDamage(error)) throw error;
        await this.#options.mender.mend({ point, file }, error);
        return this.#context.files.openFile(file.name);
      }
    };
    const stored = await this.#noting(point, open());
    if (file.phase.kind === 'gone') throw file.phase.reason;
    if (file.phase.kind === 'open') point.attach(file, stored);
    return stored;
  }

  /** The same without waiting; null where that is not possible. */
  #attached(name: string): { readonly served: Served; readonly stored: StoredFile } | null {
    const point = this.#options.points.get(ringPointOf(name));
    const file = point?.files.get(name);
    if (point === undefined || !point.active || file === undefined) return null;
    if (file.stored === null || file.committedIndex < file.settleIndex) return null;
    if (point.isAhead(file)) return null;
    return { served: { point, file }, stored: file.stored };
  }

  /** W4. @throws REPLICA_NOT_READY */
  async #paced({ point, file }: Served): Promise<void> {
    const { clock, limits } = this.#context;
    const late = (): Fault => notReady(file.name, 'a store that is being filled is far behind');
    while (point.isAhead(file)) await within(file.moved(), { clock, ms: limits.commitMs, late });
  }

  /** Decides and places an append in this turn. */
  #place(
    { point, file }: Served,
    stored: StoredFile,
    { writer, epoch, seq, parts, meta }: WriterAppend,
  ): Served & { readonly done: Promise<void> } {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    const request = { kind: 'append', writer, epoch, seq, bytes } as const;
    const append = stored.append({ ...request, meta: meta?.slice() ?? NO_META }, parts);
    const done = this.#noting(point, append);
    // it is waited for by whoever gets it; until then it may fail without being looked at
    done.catch(() => {});
    return { point, file, done };
  }

  async #listPoint(
    point: PrimaryPoint,
    prefix: string,
  ): Promise<{ readonly point: { point: number; version: number }; readonly names: string[] }> {
    if (!point.active) await point.ready();
    const files = [...point.files.values()].filter(({ name }) => name.startsWith(prefix));
    const names: string[] = [];
    for (const file of files) {
      if (file.committedIndex < 1) {
        await file.reached(1, { durable: true, ms: this.#context.limits.readyMs });
      }
      if (file.phase.kind !== 'gone') names.push(file.name);
    }
    return { point: { point: point.point, version: point.version }, names };
  }

  /** W3. `bytes` gives what follows its argument. */
  async *#mended(
    served: Served,
    from: number,
    bytes: (from: number) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    let at = from;
    for (let mends = 0; ; ) {
      const { stored } = served.file;
      try {
        for await (const piece of bytes(at)) {
          at += piece.length;
          mends = 0;
          yield piece;
        }
        return;
      } catch (error) {
        if (mends === MENDS_MAX) throw error;
        mends += 1;
        // made anew meanwhile: what was open is not there any more
        if (stored !== null && served.file.stored !== stored) continue;
        if (!isDamage(error)) throw error;
        await this.#options.mender.mend(served, error);
      }
    }
  }

  #refuseIfEnded({ phase }: PrimaryFile, signal: AbortSignal): void {
    if (phase.kind !== 'gone' || signal.aborted) return;
    if (!isFault(phase.reason, 'FILE_MISSING')) throw phase.reason;
  }

  /** What the disk of this store refuses is told to the keeper. */
  async #noting<T>(point: PrimaryPoint, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (isDiskFault(error)) {
        this.#context.unfit(this.#context.store, point.point, point.version, error);
      }
      throw error;
    }
  }
}
