/** The files of one primary, in this process or another: what a client asks of it. */
import type { FileEntry, WriterPosition } from '../file-system.ts';
import type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryInfo,
  WriterAppend,
} from '../replication/index.ts';

/** Under which configuration the client asks; who knows only an older one does not answer. */
export interface Asked {
  readonly name: string;
  readonly version: number;
}

export interface Opening extends Asked {
  readonly writer: string;
  readonly epoch: number;
  readonly create: boolean;
}

/** An append without effect: its place in the request, and why. */
export interface Refused {
  readonly at: number;
  readonly reason: unknown;
}

/** What became of a request with appends. All that is not refused is at every replica. */
export interface Appended {
  /** The length of the file after them, or a later one. */
  readonly length: number;
  readonly version: number;
  readonly refused: readonly Refused[];
}

export interface FileAccess {
  /** `token`: of this creation; a repeat of one that was done is done. */
  create(file: Asked, token: string, signal: AbortSignal): Promise<PrimaryInfo>;
  stat(file: Asked, signal: AbortSignal): Promise<PrimaryInfo>;
  remove(file: Asked, signal: AbortSignal): Promise<void>;
  trim(file: Asked, beforeOffset: number, signal: AbortSignal): Promise<void>;
  merge(file: Asked, signal: AbortSignal): Promise<MergeOutcome>;
  open(opening: Opening, signal: AbortSignal): Promise<WriterPosition>;
  /**
   * Appends in the order given.
   * @throws a passing fault when one of them met it; the others may have taken effect
   */
  append(file: Asked, appends: readonly WriterAppend[], signal: AbortSignal): Promise<Appended>;
  read(
    file: Asked,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  tail(file: Asked, from: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  entries(file: Asked, fromOffset: number, signal: AbortSignal): AsyncIterable<FileEntry>;
  listing(prefix: string, signal: AbortSignal): Promise<PointListing>;
  /** As `PrimaryFiles.readCopy`; any replica answers. */
  copy(name: string, range: CopyRange): AsyncIterable<Uint8Array>;
}
