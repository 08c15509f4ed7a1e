/**
 * Files as the primary of their ring points serves them.
 *
 * The calls of `FileSystem` throw NOT_PRIMARY where this node is not the primary of the file's point,
 * and REPLICA_NOT_READY when it is but something did not come about in time: a replica that has not
 * answered, an entry that is not everywhere yet. Both are worth another try; a try that was given up
 * may have taken effect. No call waits for ever.
 */
import type { FileInfo, FileSystem } from '../file-system.ts';
import type { WriterAppend } from './stored-files.ts';

export interface PrimaryInfo extends FileInfo {
  /** The version of the configuration under which this was so. */
  readonly version: number;
}

export interface MergeOutcome {
  /** Replicas that were compared, this one not counted. */
  readonly replicas: number;
  /** Blocks that were compared in each. */
  readonly blocks: number;
  /** The stores whose copy differed and was made anew. */
  readonly repaired: readonly string[];
}

/** The files of the points whose primary this node is now. */
export interface PointListing {
  readonly points: readonly { readonly point: number; readonly version: number }[];
  readonly names: readonly string[];
}

export interface CopyRange {
  readonly from: number;
  /** The byte after the last; at most a length that the primary told with `version`. */
  readonly to: number;
  readonly version: number;
  readonly signal?: AbortSignal;
}

export interface PrimaryFiles extends FileSystem {
  create(name: string, token?: string): Promise<PrimaryInfo>;
  stat(name: string): Promise<PrimaryInfo>;
  append(
    name: string,
    data: Uint8Array,
  ): Promise<{ readonly length: number; readonly version: number }>;
  /**
   * One append of a writer, without the object that `openWriter` gives; as `FileWriter.append`. Gives
   * the length of the file after it, or a later one, and the version of the configuration.
   */
  appendAs(
    name: string,
    append: WriterAppend,
  ): Promise<{ readonly length: number; readonly version: number }>;
  /** Waits until all replicas hold the same bytes; makes anew what differs. */
  merge(name: string): Promise<MergeOutcome>;
  /** What the primary of each of its points holds, with which points were asked. */
  listing(prefix?: string): Promise<PointListing>;
  /**
   * Bytes from the copy that this node has as any replica of configuration `version`.
   * @throws REPLICA_NOT_READY when this node is no replica of it, or lacks them
   */
  readCopy(name: string, range: CopyRange): AsyncIterable<Uint8Array>;
}
