/** The files of this node, for its own client and, through `fileMethods`, for those of others. */
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
import { isPassing, notReady } from './passing.ts';

export interface LocalAccessOptions {
  readonly files: PrimaryFiles;
  readonly placement: Pick<ReplicaPlacement, 'config' | 'refresh'>;
}

export class LocalAccess implements FileAccess {
  readonly #files: PrimaryFiles;
  readonly #placement: LocalAccessOptions['placement'];

  constructor({ files, placement }: LocalAccessOptions) {
    this.#files = files;
    this.#placement = placement;
  }

  async create(file: Asked, token: string): Promise<PrimaryInfo> {
    this.#refuseNewer(file);
    return this.#files.create(file.name, token);
  }

  async stat(file: Asked): Promise<PrimaryInfo> {
    this.#refuseNewer(file);
    return this.#files.stat(file.name);
  }

  async remove(file: Asked): Promise<void> {
    this.#refuseNewer(file);
    await this.#files.remove(file.name);
  }

  async trim(file: Asked, beforeOffset: number): Promise<void> {
    this.#refuseNewer(file);
    await this.#files.trim(file.name, beforeOffset);
  }

  async merge(file: Asked): Promise<MergeOutcome> {
    this.#refuseNewer(file);
    return this.#files.merge(file.name);
  }

  async open(opening: Opening): Promise<WriterPosition> {
    this.#refuseNewer(opening);
    const { name, writer, epoch, create } = opening;
    return (await this.#files.openWriter(name, writer, epoch, { create })).position;
  }

  async append(file: Asked, appends: readonly WriterAppend[]): Promise<Appended> {
    this.#refuseNewer(file);
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
    this.#refuseNewer(file);
    yield* flat(gathered(this.#files.read(file.name, { ...range, signal }), false));
  }

  async *tail(file: Asked, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.#refuseNewer(file);
    yield* this.#files.tail(file.name, { from, signal });
  }

  async *entries(file: Asked, fromOffset: number, signal: AbortSignal): AsyncGenerator<FileEntry> {
    this.#refuseNewer(file);
    yield* this.#files.entries(file.name, { fromOffset, signal });
  }

  listing(prefix: string): Promise<PointListing> {
    return this.#files.listing(prefix);
  }

  copy(name: string, range: CopyRange): AsyncIterable<Uint8Array> {
    return flat(gathered(this.#files.readCopy(name, range), false));
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
