/**
 * The files of this node, for its own client and, through `fileMethods`, for those of others. Each
 * request is logged when it is received and when it is done.
 */
import { type LogFields, type RequestLog, reasonOf, silentRequests } from '../../core/index.ts';
import { ringPointOf } from '../../plan/index.ts';
import type { FileEntry, WriterPosition } from '../file-system.ts';
import type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryFiles,
  PrimaryInfo,
  ReplicaPlacement,
  WriterAppend,
} from '../replication/index.ts';
import type { Appended, Asked, FileAccess, Opening, Refused } from './access.ts';
import { flat, gathered } from './gather.ts';
import { FILES } from './messages.ts';
import { isPassing, notReady } from './passing.ts';

export interface LocalAccessOptions {
  readonly files: PrimaryFiles;
  readonly placement: Pick<ReplicaPlacement, 'config' | 'refresh'>;
  readonly requests?: RequestLog;
}

export class LocalAccess implements FileAccess {
  readonly #files: PrimaryFiles;
  readonly #placement: LocalAccessOptions['placement'];
  readonly #requests: RequestLog;

  constructor({ files, placement, requests = silentRequests }: LocalAccessOptions) {
    this.#files = files;
    this.#placement = placement;
    this.#requests = requests;
  }

  async create(file: Asked, token: string): Promise<PrimaryInfo> {
    return this.#noted(FILES.create, file, () => this.#files.create(file.name, token));
  }

  async stat(file: Asked): Promise<PrimaryInfo> {
    return this.#noted(FILES.stat, file, () => this.#files.stat(file.name));
  }

  async remove(file: Asked): Promise<void> {
    await this.#noted(FILES.remove, file, () => this.#files.remove(file.name));
  }

  async trim(file: Asked, beforeOffset: number): Promise<void> {
    const trim = (): Promise<void> => this.#files.trim(file.name, beforeOffset);
    await this.#noted(FILES.trim, file, trim, { beforeOffset });
  }

  async merge(file: Asked): Promise<MergeOutcome> {
    return this.#noted(FILES.merge, file, () => this.#files.merge(file.name));
  }

  async open(opening: Opening): Promise<WriterPosition> {
    const { name, writer, epoch, create } = opening;
    const open = async (): Promise<WriterPosition> => {
      return (await this.#files.openWriter(name, writer, epoch, { create })).position;
    };
    return this.#noted(FILES.open, opening, open, { writer, epoch });
  }

  async append(file: Asked, appends: readonly WriterAppend[]): Promise<Appended> {
    const facts = { appends: appends.length, bytes: bytesOf(appends) };
    return this.#noted(FILES.append, file, () => this.#appendAll(file, appends), facts);
  }

  async #appendAll(file: Asked, appends: readonly WriterAppend[]): Promise<Appended> {
    const outcomes = await Promise.allSettled(
      appends.map((append) => this.#files.appendAs(file.name, append)),
    );
    const refused: Refused[] = [];
    let length = 0;
    let version = 0;
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') {
        if (isPassing(outcome.reason)) throw outcome.reason;
        refused.push({ at, reason: outcome.reason });
      } else {
        length = Math.max(length, outcome.value.length);
        version = Math.max(version, outcome.value.version);
      }
    }
    return { length, version, refused };
  }

  async *read(
    file: Asked,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const bytes = (): AsyncIterable<Uint8Array> =>
      flat(gathered(this.#files.read(file.name, { ...range, signal }), false));
    yield* this.#notedItems(FILES.read, file, bytes, range);
  }

  async *tail(file: Asked, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const bytes = (): AsyncIterable<Uint8Array> => this.#files.tail(file.name, { from, signal });
    yield* this.#notedItems(FILES.tail, file, bytes, { from });
  }

  async *entries(file: Asked, fromOffset: number, signal: AbortSignal): AsyncGenerator<FileEntry> {
    const entries = (): AsyncIterable<FileEntry> =>
      this.#files.entries(file.name, { fromOffset, signal });
    yield* this.#notedItems(FILES.entries, file, entries, { from: fromOffset });
  }

  listing(prefix: string): Promise<PointListing> {
    return this.#files.listing(prefix);
  }

  copy(name: string, range: CopyRange): AsyncIterable<Uint8Array> {
    const { from, to, version } = range;
    const bytes = (): AsyncIterable<Uint8Array> =>
      flat(gathered(this.#files.readCopy(name, range), false));
    return this.#notedItems(FILES.copy, { name, version }, bytes, { from, to });
  }

  async #noted<T>(
    method: string,
    file: Asked,
    work: () => Promise<T>,
    facts: LogFields = {},
  ): Promise<T> {
    const done = this.#requests.received(method, { file: file.name, ...facts });
    try {
      this.#refuseNewer(file);
      const result = await work();
      done('done');
      return result;
    } catch (error) {
      done(reasonOf(error));
      throw error;
    }
  }

  async *#notedItems<T extends Uint8Array | FileEntry>(
    method: string,
    file: Asked,
    work: () => AsyncIterable<T>,
    facts: LogFields,
  ): AsyncGenerator<T> {
    const done = this.#requests.received(method, { file: file.name, ...facts });
    let [bytes, result] = [0, 'given up'];
    try {
      this.#refuseNewer(file);
      for await (const item of work()) {
        bytes += item instanceof Uint8Array ? item.length : item.data.length;
        yield item;
      }
      result = 'done';
    } catch (error) {
      result = reasonOf(error);
      throw error;
    } finally {
      done(result, { bytes });
    }
  }

  /**
   * A client that has heard of a newer configuration may have been acknowledged there what this node
   * does not have: nothing is said before it has caught up.
   */
  #refuseNewer({ name, version }: Asked): void {
    const known = this.#placement.config(ringPointOf(name))?.version ?? 0;
    if (known >= version) return;
    this.#placement.refresh();
    throw notReady(name, `it knows configuration ${known}, and ${version} was asked for`);
  }
}

function bytesOf(appends: readonly WriterAppend[]): number {
  let bytes = 0;
  for (const { parts } of appends) for (const part of parts) bytes += part.length;
  return bytes;
}
