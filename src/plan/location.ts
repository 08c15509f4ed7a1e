/**
 * Names of files, as a person writes them in a job or on the command line.
 *
 * L1. `hydfs:NAME` is a HyDFS name; every other text is a local path.
 * L2. A HyDFS name is 1 to 255 bytes of UTF-8 without NUL; its parts, split at slashes, are never
 *     empty, `.` or `..`. So no name can mean two files, or look like a way out of a directory.
 * L3. Nothing here looks at a disk: a valid name says nothing about whether the file exists.
 */
import { normalize } from 'node:path';
import { fault } from '../core/index.ts';

/** Longest HyDFS name, in bytes of UTF-8: fits a length byte and any file system's limit. */
export const FILE_NAME_BYTES_MAX = 255;
/** Longest local path, in bytes: PATH_MAX of Linux. */
export const LOCAL_PATH_BYTES_MAX = 4096;

const HYDFS_PREFIX = 'hydfs:';

/** Where a source is read or a destination is written. */
export type Location =
  | { readonly kind: 'hydfs'; readonly name: string }
  | { readonly kind: 'local'; readonly path: string };

/** Why `name` cannot be a HyDFS name, as the end of a sentence, or null when it can (L2). */
export function validateFileName(name: string): string | null {
  if (name === '') return 'it is empty, give a name of 1 to 255 bytes';
  if (!name.isWellFormed()) return 'it is not valid Unicode';
  if (name.includes('\0')) return 'it contains a NUL character';
  const bytes = Buffer.byteLength(name);
  if (bytes > FILE_NAME_BYTES_MAX) return `it has ${bytes} bytes, at most 255 are allowed`;
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty part (a slash at an end, or two together)';
    if (part === '.' || part === '..') return `it has the part '${part}'`;
  }
  return null;
}

/** Why `text` names no file at all, as the end of a sentence, or null when it names one (L1). */
export function locationProblem(text: string): string | null {
  if (text.startsWith(HYDFS_PREFIX)) return validateFileName(text.slice(HYDFS_PREFIX.length));
  if (text === '') return 'it is empty';
  if (text.includes('\0')) return 'it contains a NUL character';
  const bytes = Buffer.byteLength(text);
  return bytes > LOCAL_PATH_BYTES_MAX ? `it has ${bytes} bytes, at most 4096 are allowed` : null;
}

/**
 * Reads a source or destination as a person writes it (L1).
 * @throws fault LOCATION_INVALID with the reason
 */
export function parseLocation(text: string): Location {
  const reason = locationProblem(text);
  if (reason !== null) throw fault('LOCATION_INVALID', { text, reason });
  return text.startsWith(HYDFS_PREFIX)
    ? { kind: 'hydfs', name: text.slice(HYDFS_PREFIX.length) }
    : { kind: 'local', path: text };
}

/** The HyDFS name that `text` is where nothing else can be meant, with or without `hydfs:`. */
export function storedName(text: string): string {
  return text.startsWith(HYDFS_PREFIX) ? text.slice(HYDFS_PREFIX.length) : text;
}

/** A text that two spellings of one local path share (`a`, `./a`); links are not looked at (L3). */
export function locationKey(text: string): string {
  return text.startsWith(HYDFS_PREFIX) ? text : normalize(text);
}

/** The text that `parseLocation` reads as `location`. */
export function formatLocation(location: Location): string {
  return location.kind === 'hydfs' ? HYDFS_PREFIX + location.name : location.path;
}
