import { join } from 'node:path';
import { fault, type Random, randomId } from '../core/index.ts';
import { type Disk, diskFault, errorCode } from '../storage/index.ts';

const FILE = 'store-id';
const ID = /^[0-9a-f]{32}\n$/;
/** Longer than an id, so that a file with more in it is not taken for one. */
const READ_BYTES = 64;

/**
 * The id of the store in the directory `root`: 128 random bits in hexadecimal, made when the store is
 * used for the first time and the same for ever after, whatever the node's address.
 * @throws STORE_ID_INVALID when the file does not hold an id, DISK_FAILED, DISK_FULL
 */
export async function openStoreId(disk: Disk, root: string, random: Random): Promise<string> {
  const path = join(root, FILE);
  try {
    const kept = await read(disk, path);
    if (kept === null) return await make(disk, root, randomId(random));
    if (!ID.test(kept)) throw fault('STORE_ID_INVALID', { path });
    return kept.trimEnd();
  } catch (error) {
    throw diskFault(error, 'opening', path);
  }
}

async function read(disk: Disk, path: string): Promise<string | null> {
  const file = await disk.open(path, 'read').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const bytes = Buffer.alloc(READ_BYTES);
    return bytes.toString('latin1', 0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** The file gets its name when it is whole, so that it is never found half written. */
async function make(disk: Disk, root: string, id: string): Promise<string> {
  await disk.mkdir(root);
  const draft = join(root, `${FILE}.new`);
  const file = await disk.open(draft, 'create');
  try {
    const bytes = Buffer.from(`${id}\n`);
    const written = await file.writev([bytes], 0);
    if (written < bytes.length) throw fault('DISK_FULL', { path: draft });
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, join(root, FILE));
  await disk.syncDir(root);
  return id;
}
