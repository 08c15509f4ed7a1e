/** The files of another node, asked over a shared connection. What it answers is checked. */
import type { z } from 'zod';
import { fault } from '../../core/index.ts';
import { fromWireFault } from '../../wire/index.ts';
import type { FileEntry, WriterPosition } from '../file-system.ts';
import type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryInfo,
  ReplicaPeer,
  WriterAppend,
} from '../replication/index.ts';
import type { Appended, Asked, FileAccess, Opening } from './access.ts';
import { packAppends } from './append-frames.ts';
import { unpackEntries } from './entry-items.ts';
import { bulkBytes } from './gather.ts';
import {
  appendedSchema,
  entriesSchema,
  FILES,
  infoSchema,
  listingItemSchema,
  mergedSchema,
  positionSchema,
} from './messages.ts';
import { PART_BYTES } from './uploads.ts';

export class RemoteAccess implements FileAccess {
  readonly #peer: ReplicaPeer;
  readonly #address: string;

  constructor(peer: ReplicaPeer, address: string) {
    this.#peer = peer;
    this.#address = address;
  }

  async create(file: Asked, token: string, signal: AbortSignal): Promise<PrimaryInfo> {
    const params = { ...plain(file), token };
    return checked(FILES.create, infoSchema, await this.#peer.call(FILES.create, params, signal));
  }

  async stat(file: Asked, signal: AbortSignal): Promise<PrimaryInfo> {
    const answer = await this.#peer.call(FILES.stat, plain(file), signal);
    return checked(FILES.stat, infoSchema, answer);
  }

  async remove(file: Asked, signal: AbortSignal): Promise<void> {
    await this.#peer.call(FILES.remove, plain(file), signal);
  }

  async trim(file: Asked, beforeOffset: number, signal: AbortSignal): Promise<void> {
    await this.#peer.call(FILES.trim, { ...plain(file), beforeOffset }, signal);
  }

  async merge(file: Asked, signal: AbortSignal): Promise<MergeOutcome> {
    const answer = await this.#peer.call(FILES.merge, plain(file), signal);
    return checked(FILES.merge, mergedSchema, answer);
  }

  async open(opening: Opening, signal: AbortSignal): Promise<WriterPosition> {
    const { writer, epoch, create } = opening;
    const params = { ...plain(opening), writer, epoch, create };
    return checked(FILES.open, positionSchema, await this.#peer.call(FILES.open, params, signal));
  }

  async append(
    file: Asked,
    appends: readonly WriterAppend[],
    signal: AbortSignal,
  ): Promise<Appended> {
    const { writers, rows, data } = packAppends(appends);
    const params = { ...plain(file), writers, rows };
    let bytes = 0;
    for (const part of data) bytes += part.length;
    const answer =
      bytes <= PART_BYTES
        ? await this.#peer.call(FILES.append, params, signal, data)
        : await this.#upload(params, appends[0], data, signal);
    const { length, version, refused } = checked(FILES.append, appendedSchema, answer);
    return {
      length,
      version,
      refused: refused.map((each) => ({
        at: each.at,
        reason: fromWireFault(each.fault, this.#address),
      })),
    };
  }

  /** Sends the bytes in parts, under a name that is the same for the same bytes, then the rest. */
  async #upload(
    params: Asked,
    { writer, epoch, seq }: WriterAppend,
    data: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<unknown> {
    const upload = `${params.name} ${writer}/${epoch}/${seq}`;
    let at = 0;
    for (const part of data) {
      for (let from = 0; from < part.length; from += PART_BYTES) {
        const piece = part.subarray(from, from + PART_BYTES);
        await this.#peer.call(FILES.part, { upload, at }, signal, [piece]);
        at += piece.length;
      }
    }
    return this.#peer.call(FILES.append, { ...params, upload }, signal);
  }

  read(
    file: Asked,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const { from, to } = range;
    return bulkBytes(this.#peer.stream(FILES.read, { ...plain(file), from, to }, signal));
  }

  tail(file: Asked, from: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return bulkBytes(this.#peer.stream(FILES.tail, { ...plain(file), from }, signal));
  }

  entries(file: Asked, fromOffset: number, signal: AbortSignal): AsyncIterable<FileEntry> {
    const params = { ...plain(file), from: fromOffset };
    return unpackEntries(this.#items(FILES.entries, entriesSchema, params, signal));
  }

  async listing(prefix: string, signal: AbortSignal): Promise<PointListing> {
    const points: { point: number; version: number }[] = [];
    const names: string[] = [];
    const pages = this.#items(FILES.listing, listingItemSchema, { prefix }, signal);
    for await (const page of pages) {
      for (const [point, version] of page.points) points.push({ point, version });
      for (const name of page.names) names.push(name);
    }
    return { points, names };
  }

  copy(name: string, { from, to, version, signal }: CopyRange): AsyncIterable<Uint8Array> {
    return bulkBytes(this.#peer.stream(FILES.copy, { name, version, from, to }, signal));
  }

  async *#items<T>(
    method: string,
    schema: z.ZodType<T>,
    params: unknown,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T> {
    for await (const item of this.#peer.stream(method, params, signal)) {
      yield checked(method, schema, item);
    }
  }
}

function plain({ name, version }: Asked): Asked {
  return { name, version };
}

function checked<T>(method: string, schema: z.ZodType<T>, answer: unknown): T {
  const outcome = schema.safeParse(answer);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const where = ['the answer', ...issue.path].join('.');
  throw fault('WIRE_INVALID', { problem: `${method}: ${where}: ${issue.message}` });
}
