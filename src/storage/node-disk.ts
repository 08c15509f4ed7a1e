/**
 * The machine's disk through `node:fs`.
 *
 * N1 One call is one system call of the thread pool (libuv splits a `writev` of more than 1024
 *    pieces itself); a short count is passed on, never completed here.
 * N2 `read` is repeated until the buffer is full or the file ends, because a short read is not an end.
 * N3 Files and directories are made for the owner alone (0600 and 0700): logs hold users' data.
 */
import fs from 'node:fs';
import { mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Disk, type DiskFile, errorCode, type OpenMode } from './disk.ts';

const FLAGS = { read: 'r', write: 'r+', create: 'w+' } as const satisfies Record<OpenMode, string>;

/** The file system of this machine; see `Disk`. */
export const nodeDisk: Disk = {
  open: openFile,
  mkdir: makeDirectories,
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
  rename,
  unlink,
  rmdir: (path) => rm(path, { recursive: true, force: true }),
  syncDir,
};

async function makeDirectories(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncDir(dirname(made));
  }
}

async function syncDir(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function openFile(path: string, mode: OpenMode): Promise<DiskFile> {
  return new Promise((resolve, reject) => {
    fs.open(path, FLAGS[mode], 0o600, (error, fd) => {
      if (error) reject(error);
      else resolve(new NodeFile(path, fd));
    });
  });
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  writev(parts: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#fd, parts, position, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    });
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const count = await this.#readSome(into, done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  #readSome(into: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, at, into.length - at, position, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  datasync(): Promise<void> {
    return settle((done) => fs.fdatasync(this.#fd, done));
  }

  truncate(length: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.#fd, length, done));
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stats) => {
        if (error) reject(error);
        else resolve(stats.size);
      });
    });
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.#fd, done));
  }
}

function settle(start: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
