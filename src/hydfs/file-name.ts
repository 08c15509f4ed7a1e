import { join } from 'node:path';
import { fault } from '../core/index.ts';
import { ringHash, ringPointOf, validateFileName } from '../plan/index.ts';

/** Where a file lives. Neither field tells anything about its name to who reads the disk. */
export interface FilePlace {
  /** The ring point. */
  readonly fileId: number;
  /** `<point, 4 hex>/<SHA-256 of the name, first 32 hex>`. */
  readonly path: string;
}

/** The place of the file `name`. */
export function placeOf(name: string): FilePlace {
  const fileId = ringPointOf(name);
  return { fileId, path: join(pointDir(fileId), ringHash(name).toString('hex').slice(0, 32)) };
}

/** The directory of the files of a ring point. */
export function pointDir(point: number): string {
  return point.toString(16).padStart(4, '0');
}

/** @throws INVALID_NAME unless `name` is 1 to 255 bytes in parts that are neither empty nor dots */
export function checkName(name: string): void {
  const problem = validateFileName(name);
  if (problem !== null) throw fault('INVALID_NAME', { name: JSON.stringify(name), problem });
}
