import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fault } from '../core/index.ts';

const NAME_BYTES_MAX = 255;

/** Points of the ring on which files and nodes are placed. */
export const RING_POINTS = 1024;

/** Where a file lives. Neither field tells anything about its name to who reads the disk. */
export interface FilePlace {
  /** The ring point: the first ten bits of the name's SHA-256. */
  readonly fileId: number;
  /** `<point, 4 hex>/<SHA-256 of the name, first 32 hex>`. */
  readonly path: string;
}

/** The place of the file `name`. */
export function placeOf(name: string): FilePlace {
  const hash = createHash('sha256').update(name, 'utf8').digest();
  const fileId = hash.readUInt16BE(0) >>> 6;
  const point = fileId.toString(16).padStart(4, '0');
  return { fileId, path: join(point, hash.toString('hex').slice(0, 32)) };
}

/** @throws INVALID_NAME unless `name` is 1 to 255 bytes in parts that are neither empty nor dots */
export function checkName(name: string): void {
  const problem = problemOf(name);
  if (problem !== null) throw fault('INVALID_NAME', { name: JSON.stringify(name), problem });
}

function problemOf(name: string): string | null {
  if (name === '') return 'it is empty';
  if (!name.isWellFormed()) return 'it is not Unicode text';
  if (name.includes('\0')) return 'it contains a NUL character';
  const bytes = Buffer.byteLength(name, 'utf8');
  if (bytes > NAME_BYTES_MAX) return `it has ${bytes} bytes, at most ${NAME_BYTES_MAX} are allowed`;
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty part';
    if (part === '.' || part === '..') return `it has the part ${JSON.stringify(part)}`;
  }
  return null;
}
