/**
 * What the log engine needs of a disk, small enough that a simulator can be one.
 *
 * D1 `writev` may write less than it was given and says how much, as Linux does on a full disk.
 * D2 Bytes are safe only after `datasync` resolved; names are safe only after `syncDir` of the
 *    directory that holds them. After a `datasync` that failed nothing is known about the bytes
 *    before it, even when the next one says that all is well.
 * D3 `mkdir` is the exception: the directories it makes are safe when it resolves.
 * D4 Errors carry the `code` of Node's system errors (`ENOSPC`, `EIO`, `ENOENT`, ...).
 */

/** `read` must exist; `write` must exist and is not changed; `create` is made empty. */
export type OpenMode = 'read' | 'write' | 'create';

export interface DiskFile {
  readonly path: string;
  /** Writes `parts` one after the other from byte `position`; how many bytes were written (D1). */
  writev(parts: readonly Uint8Array[], position: number): Promise<number>;
  /** Fills `into` from byte `position`; how many bytes were read, less only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** Makes `path` and its missing parents (D3). */
  mkdir(path: string): Promise<void>;
  /** The names in a directory in no particular order; empty when it does not exist. */
  list(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes a directory with everything in it; nothing happens when it does not exist. */
  rmdir(path: string): Promise<void>;
  syncDir(path: string): Promise<void>;
}

/** The `code` of a system error, or an empty string. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
