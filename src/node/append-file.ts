import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ahead, fault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { APPEND_BYTES_MAX, APPENDS_AHEAD } from './methods.ts';

/**
 * Appends the file at `path` of this machine, in pieces between which appends of others may lie, and of
 * which, when one fails, none is there without those before it: they have numbers of one writer. A
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
  const pieces = createReadStream(source, { highWaterMark: APPEND_BYTES_MAX });
  pieces.once('error', (error) => pieces.destroy(unreadable(reasonOf(error), error)));
  const append = async (piece: Uint8Array): Promise<number> => {
    await fs.append(name, piece);
    return piece.length;
  };
  for await (const bytes of ahead(pieces, APPENDS_AHEAD, append)) appended += bytes;
  return appended;
}
