/**
 * What replication needs of the files of one node; `LocalFileSystem` and `OpenFile` are meant.
 *
 * G1 The gate of a file is asked before an entry of a client gets its place (`admit`, which throws
 *    where this node may not write), in the same turn: nothing is placed by a node that has just
 *    ceased to be primary. Entries of `copyIn` pass no gate.
 * G2 `placed` is called in the turn that places an entry, when the file's state has it; its bytes do
 *    not change any more.
 * G3 What the calls of `FileSystem` tell of a file with a gate (length, bytes, entries, that a writer
 *    is open or fenced) lies below `committedIndex`; `StoredFile` tells what is durable here.
 */

import type { Payload } from '../../storage/index.ts';
import type { AppendRequest } from '../file-state.ts';

/** Between a file and the replicas of its point. */
export interface ReplicaGate {
  /** In front of every entry of a client. @throws NOT_PRIMARY, REPLICA_NOT_READY */
  admit(): void;
  /** Entry `index` has its place; it is neither durable nor anywhere else yet. */
  placed(index: number, payload: Payload): void;
  /** Entries below are at every replica, as far as is known; 0 where nothing is known. */
  readonly committedIndex: number;
  /** Resolves when all entries up to `index` are at every replica. @throws as `admit` */
  committed(index: number): Promise<void>;
}

/** An append by a writer that was opened before. */
export interface WriterAppend {
  readonly writer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly parts: readonly Uint8Array[];
  readonly meta?: Uint8Array;
}

/** The file's length after an append, or a later one. */
export interface AppendOutcome {
  readonly length: number;
}

/** An entry of a file's log. */
export interface RawEntry {
  readonly index: number;
  /** A view that nobody changes. */
  readonly payload: Uint8Array;
}

/** The checksum of consecutive entries up to `to` (exclusive), from where the block before ended. */
export interface BlockSum {
  readonly to: number;
  readonly sum: number;
}

/** A file that is open. */
export interface StoredFile {
  readonly state: { readonly name: string; readonly createdAt: number; readonly length: number };
  /** The oldest entry that is kept. */
  readonly firstIndex: number;
  /** The index of the next entry; those below it have their place. */
  readonly nextIndex: number;
  /** Entries below are durable. */
  readonly durableIndex: number;
  /** An append of a client, decided and placed in this turn; as `FileWriter.append`. */
  append(request: AppendRequest, parts: readonly Uint8Array[]): Promise<void>;
  /**
   * Places entries of another replica in one turn, the first as entry `index`, which must be
   * `nextIndex`; resolves when they are durable.
   * @throws LOG_CORRUPT when the rules refuse one; the fault that ended the log
   */
  copyIn(index: number, payloads: readonly Payload[]): Promise<void>;
  /** The durable entries from `from` on, each checked. @throws LOG_TRIMMED, LOG_CORRUPT */
  rawEntries(
    from: number,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncGenerator<RawEntry>;
  /** The durable bytes from `from` to `to`, fewer when there are not so many, whatever the gate says. */
  bytes(from: number, to: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The state as of entry `firstIndex`, for `install`. */
  snapshotAt(firstIndex: number): Promise<Uint8Array>;
  /** Checksums of the entries `from` to `to`, block by block. @throws LOG_TRIMMED, LOG_CORRUPT */
  sums(from: number, to: number, signal?: AbortSignal): AsyncIterable<BlockSum>;
  /** Resolves when everything that has its place is durable. @throws the fault that ended the log */
  settled(): Promise<void>;
  trim(beforeOffset: number): Promise<void>;
}

/** A copy of a file that is not whole yet, and counts for nothing until it is placed. */
export interface StoredDraft {
  readonly nextIndex: number;
  /** As that of `StoredFile`. */
  copyIn(index: number, payloads: readonly Payload[]): Promise<void>;
  /** Waits for what was copied; then it is the file of its name. */
  place(): Promise<StoredFile>;
  /** Nothing happens when it was placed. */
  discard(): Promise<void>;
}

/** A file in an inventory. */
export interface FileExtent {
  readonly name: string;
  readonly createdAt: number;
  readonly firstIndex: number;
  readonly nextIndex: number;
}

/** The files of a node. */
export interface StoredFiles {
  /**
   * The files of a point; what has its place counts when it is durable, and is waited for. A file
   * that cannot be read any more is not among them: it is reported to the log of the program, stays on
   * disk, and gives way to one that is installed under its name.
   */
  inventory(point: number): Promise<readonly FileExtent[]>;
  /** True when a file of the point takes nothing more; taking stock of it lets it go on. */
  hasFailed(point: number): boolean;
  /** The points that have a file here. */
  pointsWithFiles(): Promise<readonly number[]>;
  /** Removes every file of a point. */
  wipePoint(point: number): Promise<void>;
  /**
   * Makes the file of `snapshot`, whose log begins at `firstIndex`, in place of one that is there.
   * It is durable with its first entry, or when it is settled.
   * @throws LOG_CORRUPT when that is no snapshot of a file named `name`
   */
  install(name: string, snapshot: Uint8Array, firstIndex: number): Promise<StoredFile>;
  /**
   * A copy that is made aside, and takes the place of what is there when it is whole.
   * @throws as `install`
   */
  draft(name: string, snapshot: Uint8Array, firstIndex: number): Promise<StoredDraft>;
  /** @throws FILE_MISSING, LOG_CORRUPT */
  openFile(name: string): Promise<StoredFile>;
  /** Appends as `FileWriter.append` does. @throws FILE_MISSING, and as that */
  appendAs(name: string, append: WriterAppend): Promise<AppendOutcome>;
  /** Removes a file; nothing happens when there is none. */
  discard(name: string): Promise<void>;
  /** Who is asked for the gate of each file, from now on. */
  setGate(gateOf: ((file: StoredFile) => ReplicaGate) | null): void;
}
