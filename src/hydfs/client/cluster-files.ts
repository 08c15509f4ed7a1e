/**
 * The files of the cluster as one node sees them.
 *
 * E1  Everything ends: with an answer, with the file's own fault, or, when nothing came about for
 *     `patienceMs`, with FILES_UNREACHABLE, which says what was waited for last. After that it is
 *     unknown whether the last try had an effect.
 * E2  Appends are repeated with the same writer, epoch and number and take effect once. Opening,
 *     trimming and merging may be repeated as they are.
 * E3  A creation that is tried again carries the same token, which the file keeps, so that its own
 *     first try is not in its way, whoever is the primary then. A file that somebody else removed
 *     between two tries is made again.
 * E4  A removal that is tried again and finds no file has done what it was asked to.
 * E5  This client reads what it wrote: whatever is asked carries the newest version under which it
 *     was acknowledged, and nobody answers who knows an older one (T3 of `routes.ts`).
 */
import { fault, isFault, randomId } from '../../core/index.ts';
import { ringPointOf } from '../../plan/index.ts';
import { checkName } from '../file-name.ts';
import type {
  FileEntry,
  FileInfo,
  FileSystem,
  FileWriter,
  ReadRange,
  WriterEntry,
  WriterPosition,
} from '../file-system.ts';
import type { MergeOutcome, PrimaryInfo, WriterAppend } from '../replication/index.ts';
import { type AppendDone, AppendLane } from './append-lane.ts';
import { BlockCache } from './block-cache.ts';
import { FileReader } from './file-reader.ts';
import { Flow } from './flow.ts';
import { type ClusterFilesOptions, defaultClientLimits } from './options.ts';
import { listFiles } from './point-lists.ts';
import { Routes, type Try } from './routes.ts';
import { SharedWriters } from './shared-writers.ts';

/** Who holds a file. */
export interface FileReplicas {
  /** The ring point. */
  readonly fileId: number;
  readonly version: number;
  /** The primary first; `address` is null where the store's node does not run. */
  readonly replicas: readonly { readonly store: string; readonly address: string | null }[];
}

export class ClusterFiles implements FileSystem {
  readonly #options: ClusterFilesOptions;
  readonly #routes: Routes;
  readonly #flow: Flow;
  readonly #reader: FileReader;
  readonly #shared: SharedWriters;
  readonly #lanes = new Map<string, AppendLane>();

  constructor(options: ClusterFilesOptions) {
    const { clock, random, log, store } = options;
    const limits = { ...defaultClientLimits, ...options.limits };
    this.#options = options;
    this.#routes = new Routes(options, limits);
    this.#flow = new Flow({ requests: limits.primaryRequests, bytes: limits.primaryBytes });
    const cache = new BlockCache(limits.cacheBytes);
    const stat = (name: string, signal?: AbortSignal): Promise<PrimaryInfo> =>
      this.#stat(name, signal);
    this.#reader = new FileReader({ routes: this.#routes, random, cache, log, stat });
    this.#shared = new SharedWriters({
      writer: `appends/${store ?? randomId(random)}`,
      clock,
      open: (name, writer, epoch) => this.#open(name, { writer, epoch, create: false }),
      append: (name, append) => this.#append(name, append),
    });
  }

  async create(name: string, token = randomId(this.#options.random)): Promise<FileInfo> {
    checkName(name);
    const info = await this.#routes.ask(name, ({ access, asked, signal }) =>
      access.create(asked, token, signal),
    );
    return this.#shown(info);
  }

  async openWriter(
    name: string,
    writer: string,
    epoch: number,
    { create = false }: { readonly create?: boolean } = {},
  ): Promise<FileWriter> {
    const position = await this.#open(name, { writer, epoch, create });
    const append = async ({ seq, parts, meta }: WriterEntry): Promise<void> => {
      const numbers = { writer, epoch, seq, parts };
      await this.#append(name, meta === undefined ? numbers : { ...numbers, meta: meta.slice() });
    };
    return { name, position, append };
  }

  async append(name: string, data: Uint8Array): Promise<{ readonly length: number }> {
    checkName(name);
    const { length } = await this.#shared.append(name, data.slice());
    return { length };
  }

  async stat(name: string): Promise<FileInfo> {
    return this.#shown(await this.#stat(name));
  }

  /** The names that begin with `prefix`, sorted, of all nodes. */
  list(prefix = ''): Promise<readonly string[]> {
    return listFiles(this.#routes, prefix);
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    await this.#routes.ask(name, async ({ access, asked, signal, ambiguous }) => {
      try {
        await access.remove(asked, signal);
      } catch (error) {
        if (!ambiguous || !isFault(error, 'FILE_MISSING')) throw error;
      }
    });
  }

  read(name: string, range: ReadRange = {}): AsyncIterable<Uint8Array> {
    checkName(name);
    return this.#reader.read(name, range);
  }

  tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array> {
    checkName(name);
    return this.#reader.tail(name, options);
  }

  entries(
    name: string,
    options: { readonly fromOffset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<FileEntry> {
    checkName(name);
    return this.#reader.entries(name, options);
  }

  async trim(name: string, beforeOffset: number): Promise<void> {
    checkName(name);
    await this.#routes.ask(name, ({ access, asked, signal }) =>
      access.trim(asked, beforeOffset, signal),
    );
  }

  /** Waits until all replicas of a file hold the same bytes; repairs those that differ. */
  merge(name: string): Promise<MergeOutcome> {
    checkName(name);
    const { mergeMs: patienceMs } = this.#routes.limits;
    return this.#routes.ask(name, ({ access, asked, signal }) => access.merge(asked, signal), {
      patienceMs,
    });
  }

  /** Who holds the files of the name's ring point, whether there is such a file or not. */
  replicas(name: string): FileReplicas {
    checkName(name);
    const fileId = ringPointOf(name);
    const { version, stores } = this.#routes.replicas(fileId);
    const { placement } = this.#options;
    const replicas = stores.map((store) => ({ store, address: placement.address(store) }));
    return { fileId, version, replicas };
  }

  /** The bytes that the replica at `address` has. @throws REPLICA_NOT_READY when it is none */
  async *readFrom(address: string, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { length, trimmedTo, version } = await this.#stat(name, signal);
    const own = this.#routes.own;
    const isOwn = own !== null && this.#routes.addressOf(own.store) === address;
    const access = isOwn ? own.access : await this.#routes.accessTo(address, signal);
    yield* access.copy(name, { from: trimmedTo, to: length, version, signal });
  }

  /** Appends that wait fail, and everything that is asked. The files stay as they are. */
  async close(): Promise<void> {
    this.#routes.close();
    const closed = fault('LOG_CLOSED', { path: 'of HyDFS at this node' });
    for (const lane of [...this.#lanes.values()]) lane.fail(closed);
  }

  #open(
    name: string,
    opening: { readonly writer: string; readonly epoch: number; readonly create: boolean },
  ): Promise<WriterPosition> {
    checkName(name);
    return this.#routes.ask(name, ({ access, asked, signal }) =>
      access.open({ ...asked, ...opening }, signal),
    );
  }

  #append(name: string, append: WriterAppend): Promise<AppendDone> {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const made = new AppendLane({
        name,
        routes: this.#routes,
        flow: this.#flow,
        idle: () => {
          if (this.#lanes.get(name) === made) this.#lanes.delete(name);
        },
      });
      this.#lanes.set(name, made);
      lane = made;
    }
    return lane.append(append);
  }

  #stat(name: string, signal?: AbortSignal): Promise<PrimaryInfo> {
    checkName(name);
    const step = async ({ access, asked, signal: over }: Try): Promise<PrimaryInfo> => {
      const info = await access.stat(asked, over);
      this.#routes.heard(name, info.version);
      return info;
    };
    return this.#routes.ask(name, step, { signal });
  }

  #shown(info: PrimaryInfo): FileInfo {
    const { stores } = this.#routes.replicas(info.fileId);
    return { ...info, replicas: stores.map((store) => this.#routes.addressOf(store)) };
  }
}
