/**
 * Files that only grow, as the rest of the program sees them; one replica or many look the same.
 *
 * H1 `create` succeeds once per name, until the file is removed; a repeat with the token that made the
 *    file is the same creation, and succeeds again.
 * H2 A promise of an append resolves when the data is as safe as the file system promises, and then
 *    so is everything appended to that file before.
 * H3 A writer's numbers take effect once (see `file-state.ts`), whatever is repeated, and across
 *    restarts.
 * H4 Readers see bytes for which H2 holds, and no others.
 */

export interface FileInfo {
  readonly name: string;
  /** The ring point, 0..1023. */
  readonly fileId: number;
  /** Logical data bytes, counted from the file's beginning even when that was trimmed. */
  readonly length: number;
  /** Bytes below are gone. */
  readonly trimmedTo: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** How many writers were ever opened. */
  readonly writers: number;
  /** The nodes that hold the file. */
  readonly replicas: readonly string[];
}

/** Where a writer stands: its epoch and the number and meta of its last append (0 and empty before). */
export interface WriterPosition {
  readonly epoch: number;
  readonly seq: number;
  readonly meta: Uint8Array;
}

export interface WriterEntry {
  /** One more than the writer's last. */
  readonly seq: number;
  /** The data in pieces, given away: nobody changes them any more, also when it is durable. */
  readonly parts: readonly Uint8Array[];
  /** A few bytes about the append, given back by `openWriter`. */
  readonly meta?: Uint8Array;
}

export interface FileWriter {
  readonly name: string;
  /** Where the writer stood when it was opened. */
  readonly position: WriterPosition;
  /**
   * Appends; the order of calls is the order in the file. A number at or below the last one has no
   * effect and resolves when its original is durable.
   * @throws FENCED, WRITER_GAP, WRITER_NOT_OPEN, or the fault that ended the file's log
   */
  append(entry: WriterEntry): Promise<void>;
}

export interface FileEntry {
  readonly kind: 'append' | 'open';
  readonly index: number;
  /** The file's length before this entry. */
  readonly offset: number;
  /** Empty for appends without a writer. */
  readonly writer: string;
  readonly epoch: number;
  /** 0 for `open` and for appends without a writer. */
  readonly seq: number;
  readonly meta: Uint8Array;
  readonly data: Uint8Array;
}

export interface ReadRange {
  /** The first byte; default: the first that was not trimmed. */
  readonly from?: number;
  /** The byte after the last; default: the length when reading begins. */
  readonly to?: number;
  readonly signal?: AbortSignal;
}

export interface FileSystem {
  /**
   * Makes a file. `token` names this creation: whoever asks again with it is told what was made.
   * @throws FILE_EXISTS, INVALID_NAME
   */
  create(name: string, token?: string): Promise<FileInfo>;
  /**
   * Makes `epoch` the writer's, after which its older epochs are fenced.
   * @throws FENCED when a newer epoch was opened, FILE_MISSING unless `create` is set
   */
  openWriter(
    name: string,
    writer: string,
    epoch: number,
    options?: { readonly create?: boolean },
  ): Promise<FileWriter>;
  /** Appends without a writer: a repeat appends again. Gives the file's length after it. */
  append(name: string, data: Uint8Array): Promise<{ readonly length: number }>;
  /** @throws FILE_MISSING */
  stat(name: string): Promise<FileInfo>;
  /** The names that begin with `prefix`, sorted. */
  list(prefix?: string): Promise<readonly string[]>;
  /** @throws FILE_MISSING */
  remove(name: string): Promise<void>;
  /** The bytes of a range; ends early when `signal` aborts. @throws FILE_TRIMMED, FILE_MISSING */
  read(name: string, range?: ReadRange): AsyncIterable<Uint8Array>;
  /** The bytes from `from` on, and then new ones, until `signal` aborts or the file is removed. */
  tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>;
  /** The opens and appends from the one that holds byte `fromOffset` on. @throws FILE_TRIMMED */
  entries(
    name: string,
    options?: { readonly fromOffset?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<FileEntry>;
  /** A hint that bytes before `beforeOffset` are not needed; whole segments are freed. */
  trim(name: string, beforeOffset: number): Promise<void>;
  /** Waits for what was appended and closes everything. */
  close(): Promise<void>;
}
