/** Which cluster key is brought to the hosts; one is made when it is needed and nobody gave one. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isFault } from '../core/index.ts';
import { makeKeyFile, parseKeyFile, readKeyFile } from '../transport/index.ts';

/** A key file as it is brought to the hosts. */
export interface ClusterKeyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** it was made just now */
  readonly made: boolean;
}

export interface KeyChoice {
  /** the file that somebody named; null when nobody did */
  readonly given: string | null;
  /** the file that is used, and made when it is absent, for nodes that others can reach */
  readonly usual: string;
}

/**
 * The key for nodes that need one (`needed`), or that one was named for.
 * @throws KEY_FILE_*
 */
export async function chooseKey(
  { given, usual }: KeyChoice,
  needed: boolean,
): Promise<ClusterKeyFile | null> {
  if (given !== null) return readChecked(given, false);
  if (!needed) return null;
  return readChecked(usual, await madeIfAbsent(usual));
}

async function madeIfAbsent(path: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await makeKeyFile(path);
    return true;
  } catch (error) {
    if (isFault(error, 'KEY_FILE_EXISTS')) return false;
    throw error;
  }
}

async function readChecked(path: string, made: boolean): Promise<ClusterKeyFile> {
  await readKeyFile(path);
  const bytes = await readFile(path);
  parseKeyFile(bytes, path);
  return { path, bytes, made };
}
