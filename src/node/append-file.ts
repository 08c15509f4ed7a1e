import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';

/** Bytes of one append. */
const PIECE_BYTES = 512 * 1024;

/**
 * Appends the file at `path` of this machine, in pieces between which appends of others may lie; a
 * relative path begins at the directory in which this process was started. Gives the bytes.
 * @throws SOURCE_UNREADABLE; what appending throws
 */
export async function appendFile(fs: FileSystem, name: string, path: string): Promise<number> {
  const source = resolve(path);
  const unreadable = (reason: string, cause?: unknown): Error =>
    fault('SOURCE_UNREADABLE', { source, reason }, cause);
  const found = await stat(source).catch((error: unknown) => {
    throw unreadable(reasonOf(error), error);
  });
  if (!found.isFile()) throw unreadable('it is not a regular file');
  let appended = 0;
  const pieces = createReadStream(source, { highWaterMark: PIECE_BYTES });
  pieces.once('error', (error) => pieces.destroy(unreadable(reasonOf(error), error)));
  for await (const piece of pieces) {
    await fs.append(name, piece);
    appended += piece.length;
  }
  return appended;
}
