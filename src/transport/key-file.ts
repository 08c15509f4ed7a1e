/**
 * The file that holds the cluster key.
 *
 * One or two keys of 64 hexadecimal digits, a line each; empty lines and lines that begin with `#`
 * are skipped. The first key is the one this node uses, the second is accepted too: see README.md
 * for how a key is replaced. A file of exactly 32 bytes is one key as it is.
 *
 *   K1  A file that others may read or write is refused before its contents are looked at.
 *   K2  No sentence repeats what is in the file.
 *   K3  A key file is never overwritten: it may be the only copy.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { type Fault, fault, type Random, reasonOf, systemRandom } from '../core/index.ts';
import { CLUSTER_KEY_BYTES, ClusterKey, type ClusterKeys } from './cluster-key.ts';

const FILE_BYTES_MAX = 4096;
const MODE = 0o600;
const OTHERS = 0o077;
/** Fewer different bytes than any 32 random ones have; a typed pattern has fewer. */
const DIFFERENT_BYTES_MIN = 8;

/**
 * Reads the key file `path`.
 * @throws faults KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_INVALID
 */
export async function readKeyFile(path: string): Promise<ClusterKeys> {
  const file = await opened(path);
  try {
    await checkPrivate(file, path);
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return parseKeyFile(bytes.subarray(0, bytesRead), path);
  } finally {
    await file.close();
  }
}

/**
 * Makes a key file with a new key and returns the key's id.
 * @throws faults KEY_FILE_EXISTS, KEY_FILE_UNWRITABLE
 */
export async function makeKeyFile(path: string, random: Random = systemRandom): Promise<string> {
  const secret = random.bytes(CLUSTER_KEY_BYTES);
  const { id } = new ClusterKey(secret);
  let file: FileHandle;
  try {
    file = await open(path, 'wx', MODE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw fault('KEY_FILE_EXISTS', { path }, error);
    throw fault('KEY_FILE_UNWRITABLE', { path, reason: reasonOf(error) }, error);
  }
  try {
    await file.chmod(MODE);
    await file.writeFile(`${heading(id)}${Buffer.from(secret).toString('hex')}\n`);
    await file.sync();
  } catch (error) {
    await unlink(path);
    throw fault('KEY_FILE_UNWRITABLE', { path, reason: reasonOf(error) }, error);
  } finally {
    await file.close();
  }
  return id;
}

/**
 * The keys in the contents of a key file; `path` is for the sentence of the fault.
 * @throws fault KEY_FILE_INVALID
 */
export function parseKeyFile(bytes: Uint8Array, path: string): ClusterKeys {
  const bad = (reason: string): Fault => fault('KEY_FILE_INVALID', { path, reason });
  if (bytes.length === 0) throw bad('it is empty');
  if (bytes.length > FILE_BYTES_MAX) throw bad(`it has more than ${FILE_BYTES_MAX} bytes`);
  if (bytes.length === CLUSTER_KEY_BYTES && !isText(bytes))
    return { current: keyFrom(bytes, bad), other: null };
  const keys = linesOf(bytes).map(({ text, number }) => {
    if (!/^[0-9a-fA-F]{64}$/.test(text)) throw bad(`line ${number} is not 64 hexadecimal digits`);
    return keyFrom(Buffer.from(text, 'hex'), bad);
  });
  if (keys.length === 0) throw bad('it has no line with a key');
  if (keys.length > 2) throw bad(`it has ${keys.length} keys, and two is the most`);
  const [current, other = null] = keys;
  if (current.id === other?.id) throw bad('both keys are the same');
  return { current, other };
}

function heading(id: string): string {
  return `# RainStorm cluster key ${id}. Copy it to every node; whoever reads it can join.\n`;
}

async function opened(path: string): Promise<FileHandle> {
  try {
    // without O_NONBLOCK a named pipe would be waited for
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fault('KEY_FILE_UNREADABLE', { path, reason: reasonOf(error) }, error);
  }
}

async function checkPrivate(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat();
  const user = process.geteuid?.() ?? stat.uid;
  const exposed = (reason: string): Fault => fault('KEY_FILE_EXPOSED', { path, reason, user });
  if (!stat.isFile())
    throw fault('KEY_FILE_UNREADABLE', { path, reason: 'it is not a regular file' });
  if (stat.uid !== user) throw exposed(`it belongs to user ${stat.uid}`);
  const mode = stat.mode & 0o777;
  if ((mode & OTHERS) !== 0) throw exposed(`its mode is 0${mode.toString(8)}`);
}

function keyFrom(secret: Uint8Array, bad: (reason: string) => Fault): ClusterKey {
  if (new Set(secret).size < DIFFERENT_BYTES_MIN) throw bad('a key is a pattern and not random');
  return new ClusterKey(secret);
}

/** 32 random bytes are never all printable; a password of 32 letters is, and is no key. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every(
    (byte) => byte === 9 || byte === 10 || byte === 13 || (byte > 31 && byte < 127),
  );
}

function linesOf(bytes: Uint8Array): { readonly text: string; readonly number: number }[] {
  return Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .map((line, i) => ({ text: line.trim(), number: i + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
