/**
 * The bytes of a source, from a local file or a HyDFS file, and the proof that they are still the
 * bytes that earlier attempts read.
 *
 *   A local file that is not followed must keep its size and modification time from the first
 *   attempt to the last. A followed one may grow; what was read of it is checked by CRC-32 when the
 *   modification time moved. What is said of it is true of the open file, and the path must still
 *   lead there: bytes of one file are never taken for those of another. A HyDFS file only grows, by its own rules; what it must keep is the
 *   time of its creation.
 */
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { crc32, fault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import type { Location } from '../plan/index.ts';
import { HydfsCursor } from './hydfs-cursor.ts';

/** Stands for the inode of a HyDFS file; no local file has it. */
const HYDFS_INODE = 0;

/** What identifies the content of a source; kept in the source task's log. */
export interface SourceIdentity {
  readonly size: number;
  readonly modifiedMs: number;
  readonly inode: number;
}

export interface SourceInput {
  /** What people call it. */
  readonly name: string;
  /** Size now. */
  size(): Promise<number>;
  /** @throws SOURCE_CHANGED when its name does not lead to what is being read any more */
  identity(): Promise<SourceIdentity>;
  /** Bytes from `offset`, at most `into.length`; 0 at the end. */
  read(into: Uint8Array, offset: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens the source at `location`.
 * @throws SOURCE_MISSING, SOURCE_UNREADABLE
 */
export async function openSource(location: Location, fs: FileSystem): Promise<SourceInput> {
  return location.kind === 'local' ? openLocal(location.path) : openHydfs(location.name, fs);
}

async function openLocal(path: string): Promise<SourceInput> {
  const handle = await openFile(path);
  return {
    name: path,
    size: async () => (await handle.stat()).size,
    identity: () => localIdentity(path, handle),
    read: async (into, offset) => (await handle.read(into, 0, into.length, offset)).bytesRead,
    close: () => handle.close(),
  };
}

async function localIdentity(path: string, handle: FileHandle): Promise<SourceIdentity> {
  const named = await stat(path).catch((error: unknown) => {
    throw fault('SOURCE_CHANGED', { source: path, how: 'it is gone' }, error);
  });
  const found = await handle.stat();
  if (named.ino !== found.ino || named.dev !== found.dev) {
    throw fault('SOURCE_CHANGED', { source: path, how: 'another file has taken its place' });
  }
  return { size: found.size, modifiedMs: found.mtimeMs, inode: found.ino };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing) throw fault('SOURCE_MISSING', { source: path }, error);
    throw fault('SOURCE_UNREADABLE', { source: path, reason: reasonOf(error) }, error);
  }
  throw fault('SOURCE_UNREADABLE', { source: path, reason: 'it is not a regular file' });
}

async function openHydfs(name: string, fs: FileSystem): Promise<SourceInput> {
  const cursor = new HydfsCursor(fs, await fs.stat(name));
  const size = async (): Promise<number> => (await fs.stat(name)).length;
  return {
    name: `hydfs:${name}`,
    size,
    identity: async () => {
      const { length, createdAt } = await fs.stat(name);
      return { size: length, modifiedMs: createdAt, inode: HYDFS_INODE };
    },
    read: (into, offset) => cursor.read(into, offset),
    close: () => cursor.close(),
  };
}

/** Proves that `input` still begins with what was read before. */
export async function checkUnchanged(
  input: SourceInput,
  known: SourceIdentity,
  read: { readonly offset: number; readonly crc: number },
  follow: boolean,
): Promise<void> {
  const now = await input.identity();
  const changed = (how: string): Error => fault('SOURCE_CHANGED', { source: input.name, how });
  if (now.size < known.size) {
    throw changed(`it shrank from ${known.size} to ${now.size} bytes`);
  }
  if (now.inode !== known.inode) throw changed('another file has taken its place');
  if (known.inode === HYDFS_INODE) {
    if (now.modifiedMs !== known.modifiedMs) throw changed('another file has taken its place');
    return; // what HyDFS holds never changes, and what was added since is not read
  }
  const same = now.size === known.size && now.modifiedMs === known.modifiedMs;
  if (same) return;
  if (!follow) {
    throw changed(
      now.size === known.size
        ? 'it was modified'
        : `it grew from ${known.size} to ${now.size} bytes, and \`follow\` is off`,
    );
  }
  if ((await crcOf(input, read.offset)) !== read.crc) {
    throw changed('what was already read is different now');
  }
}

async function crcOf(input: SourceInput, length: number): Promise<number> {
  const chunk = new Uint8Array(1024 * 1024);
  let crc = 0;
  for (let at = 0; at < length; ) {
    const got = await input.read(chunk.subarray(0, Math.min(chunk.length, length - at)), at);
    if (got === 0) break;
    crc = crc32(chunk.subarray(0, got), crc);
    at += got;
  }
  return crc;
}
