/**
 * Bytes and entries of a file, wherever its primary goes while they are read.
 *
 * R1  A stream that was cut off goes on at the byte, or the entry, after the last one that was given:
 *     nothing is missing and nothing comes twice.
 * R2  Where a file ends for a reader is said by its primary when reading begins. A copy is read only
 *     below that, under the version that was told with it (read-my-writes), this node's own copy
 *     first. Where a copy fails, for whatever reason, the primary is asked.
 * R3  A file of the same name that was made later is another file: a follower ends, and a reader is
 *     told that its file is missing.
 * R4  A stream that gives nothing for `patienceMs` ends with a fault; a follower waits as long as its
 *     primary is there.
 */
import { between, fault, isFault, type Logger, type Random, reasonOf } from '../../core/index.ts';
import { ringPointOf } from '../../plan/index.ts';
import type { FileEntry, ReadRange } from '../file-system.ts';
import type { PrimaryInfo } from '../replication/index.ts';
import type { FileAccess } from './access.ts';
import { BLOCK_BYTES, type BlockCache } from './block-cache.ts';
import type { Lease } from './lease.ts';
import { isPassing, notReady } from './passing.ts';
import type { Routes } from './routes.ts';
import { Steps } from './steps.ts';

/** Ranges up to this are read through the cache. */
const SMALL_BYTES = 1024 * 1024;
/** A copy has this part of the patience, so that the primary is asked while there is some left. */
const COPY_SHARE = 4;

type Open<T> = (access: FileAccess, lease: Lease) => AsyncIterable<T>;

interface Stream {
  readonly signal: AbortSignal | undefined;
  /** True for a stream that waits for what is appended. */
  readonly follows: boolean;
  /** Whether it has given everything, when it ends. */
  ended(): boolean;
}

export interface FileReaderOptions {
  readonly routes: Routes;
  readonly random: Random;
  readonly cache: BlockCache;
  readonly log: Logger;
  stat(name: string, signal?: AbortSignal): Promise<PrimaryInfo>;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class FileReader {
  readonly #routes: Routes;
  readonly #random: Random;
  readonly #cache: BlockCache;
  readonly #log: Logger;
  readonly #stat: FileReaderOptions['stat'];

  constructor({ routes, random, cache, log, stat }: FileReaderOptions) {
    this.#routes = routes;
    this.#random = random;
    this.#cache = cache;
    this.#log = log;
    this.#stat = stat;
  }

  async *read(name: string, { from, to, signal }: ReadRange): AsyncGenerator<Uint8Array> {
    const info = await this.#statUnless(name, signal);
    if (info === null) return;
    const start = firstByte(info, from);
    const end = Math.min(to ?? info.length, info.length);
    if (start >= end) return;
    const range = { from: start, to: end };
    const small = end - start <= SMALL_BYTES && this.#ownCopyOf(info) === null;
    yield* small ? this.#readCached(info, range, signal) : this.#readPast(info, range, signal);
  }

  async *tail(
    name: string,
    { from, signal }: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const info = await this.#statUnless(name, signal);
    if (info === null) return;
    let at = firstByte(info, from);
    const open: Open<Uint8Array> = (access, lease) => access.tail(lease.asked, at, lease.signal);
    // It never ends by itself: when it does, the file is another one (R3), or its primary closes.
    const pieces = this.#resumed(info, open, { signal, ended: () => false, follows: true });
    for await (const piece of pieces) {
      at += piece.length;
      yield piece;
    }
  }

  async *entries(
    name: string,
    { fromOffset, signal }: { readonly fromOffset?: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<FileEntry> {
    const info = await this.#statUnless(name, signal);
    if (info === null) return;
    let offset = firstByte(info, fromOffset);
    let reached = offset;
    let index = -1;
    const open: Open<FileEntry> = (access, lease) =>
      access.entries(lease.asked, offset, lease.signal);
    const ended = (): boolean => reached >= info.length;
    for await (const entry of this.#resumed(info, open, { signal, ended, follows: false })) {
      // After a cut the last one comes again, and others without data that have its offset.
      if (entry.index <= index) continue;
      ({ index, offset } = entry);
      reached = Math.max(reached, entry.offset + entry.data.length);
      yield entry;
    }
  }

  /** Small ranges, in whole blocks that are kept. */
  async *#readCached(
    info: PrimaryInfo,
    { from, to }: Range,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to; ) {
      const block = Math.floor(at / BLOCK_BYTES);
      const start = block * BLOCK_BYTES;
      const end = Math.min(start + BLOCK_BYTES, info.length);
      const last = Math.min(end, to);
      if (start < info.trimmedTo) {
        yield* this.#readPast(info, { from: at, to: last }, signal);
      } else {
        const bytes =
          this.#cache.get(info, block, last - start) ??
          (await this.#fetchBlock(info, { from: start, to: end }, signal));
        if (bytes === null) return;
        yield bytes.subarray(at - start, last - start);
      }
      at = last;
    }
  }

  /** Null when `signal` aborts. */
  async #fetchBlock(
    info: PrimaryInfo,
    range: Range,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | null> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#readPast(info, range, signal)) pieces.push(piece);
    if (signal?.aborted) return null;
    // A copy even of one piece: a view would keep the whole message in memory.
    const bytes = Buffer.concat(pieces);
    this.#cache.put(info, Math.floor(range.from / BLOCK_BYTES), bytes);
    return bytes;
  }

  /** R1, R2. */
  async *#readPast(
    info: PrimaryInfo,
    { from, to }: Range,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let at = from;
    for await (const piece of this.#fromCopy(info, { from, to }, signal)) {
      at += piece.length;
      yield piece;
    }
    if (at >= to || signal?.aborted) return;
    const open: Open<Uint8Array> = (access, lease) =>
      access.read(lease.asked, { from: at, to }, lease.signal);
    const ended = (): boolean => at >= to;
    for await (const piece of this.#resumed(info, open, { signal, ended, follows: false })) {
      at += piece.length;
      yield piece;
    }
  }

  /** As much of `range` as a copy gives; nothing where there is none that is nearer (R2). */
  async *#fromCopy(
    info: PrimaryInfo,
    range: Range,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const { patienceMs } = this.#routes.limits;
    const abort = new AbortController();
    const over = signal === undefined ? abort.signal : AbortSignal.any([abort.signal, signal]);
    let steps: Steps<Uint8Array> | null = null;
    try {
      const access = await this.#copyAccess(info, over);
      if (access === null) return;
      const late = (): void => abort.abort(notReady(info.name, 'a copy gave nothing'));
      const asked = { ...range, version: info.version, signal: over };
      const watch = { clock: this.#routes.clock, patienceMs: patienceMs / COPY_SHARE, late };
      steps = new Steps(access.copy(info.name, asked), { ...watch, signal: over });
      for (let step = await steps.next(); !step.done; step = await steps.next()) yield step.value;
    } catch (error) {
      if (signal?.aborted) return;
      this.#log.debug('a copy could not be read to its end, its primary is asked', {
        name: info.name,
        reason: reasonOf(error),
      });
    } finally {
      abort.abort(notReady(info.name, 'its reader has left'));
      steps?.end();
    }
  }

  /** This node's copy or that of any other replica; null when the primary is to be asked. */
  async #copyAccess(info: PrimaryInfo, signal: AbortSignal): Promise<FileAccess | null> {
    const own = this.#ownCopyOf(info);
    const { version, stores } = this.#routes.replicas(ringPointOf(info.name));
    if (version !== info.version || stores.length < 2 || stores[0] === own?.store) return null;
    if (own !== null) return own.access;
    const store = stores[between(this.#random, 0, stores.length)];
    const address = this.#routes.addressOf(store);
    return store === stores[0] || address === store ? null : this.#routes.accessTo(address, signal);
  }

  #ownCopyOf(info: PrimaryInfo): { readonly store: string; readonly access: FileAccess } | null {
    const { own } = this.#routes;
    const { version, stores } = this.#routes.replicas(ringPointOf(info.name));
    return own !== null && version === info.version && stores.includes(own.store) ? own : null;
  }

  /** The items of one stream of the primary after the other; `open` begins where the last ended. */
  async *#resumed<T>(info: PrimaryInfo, open: Open<T>, stream: Stream): AsyncGenerator<T> {
    const { name } = info;
    const { signal } = stream;
    const { clock, limits } = this.#routes;
    let lastAt = clock.now();
    for (let tries = 0; ; tries++) {
      try {
        for await (const item of this.#once(name, open, stream)) {
          tries = 0;
          yield item;
          lastAt = clock.now();
        }
        if (signal?.aborted || stream.ended()) return;
      } catch (error) {
        if (signal?.aborted) return;
        if (!isPassing(error) || this.#routes.isClosed) throw error;
        const late = clock.now() - lastAt >= limits.patienceMs;
        if (late) throw this.#routes.unreachable(name, limits.patienceMs, error);
      }
      await this.#routes.pause(ringPointOf(name), tries, { signal });
      if (!(await this.#isSame(info, stream))) return;
    }
  }

  /** One stream of the primary, to its end or until the primary is another one. */
  async *#once<T>(name: string, open: Open<T>, { signal, follows }: Stream): AsyncGenerator<T> {
    const { clock, limits } = this.#routes;
    const lease = this.#routes.begin(name, { signal });
    let steps: Steps<T> | null = null;
    try {
      const found = this.#routes.accessTo(lease.primary.address, lease.signal);
      const access = await lease.within(found);
      const late = (): void => lease.recall('its stream gave nothing');
      const patienceMs = follows ? null : limits.patienceMs;
      steps = new Steps(open(access, lease), { signal: lease.signal, clock, patienceMs, late });
      for (let step = await steps.next(); !step.done; step = await steps.next()) yield step.value;
      lease.signal.throwIfAborted();
    } finally {
      lease.recall('its reader has left');
      lease.end();
      steps?.end();
    }
  }

  /** R3. False when `signal` aborts, or a follower's file is gone. @throws FILE_MISSING */
  async #isSame(info: PrimaryInfo, { signal, follows }: Stream): Promise<boolean> {
    try {
      const now = await this.#statUnless(info.name, signal);
      if (now === null) return false;
      if (now.createdAt !== info.createdAt) throw fault('FILE_MISSING', { name: info.name });
      return true;
    } catch (error) {
      if (follows && isFault(error, 'FILE_MISSING')) return false;
      throw error;
    }
  }

  /** Null when `signal` aborts: then a stream just ends. */
  async #statUnless(name: string, signal: AbortSignal | undefined): Promise<PrimaryInfo | null> {
    try {
      return await this.#stat(name, signal);
    } catch (error) {
      if (signal?.aborted) return null;
      throw error;
    }
  }
}

/** @throws FILE_TRIMMED */
function firstByte({ name, trimmedTo }: PrimaryInfo, from = trimmedTo): number {
  if (from >= trimmedTo) return from;
  throw fault('FILE_TRIMMED', { from, name, trimmedTo });
}
