/**
 * One process owns a data directory.
 *
 * The lock is the file `lock.<n>` with the highest n, JSON of who owns it. A process is known by
 * its pid, its start time from /proc/<pid>/stat and the machine's boot id, so that neither a pid
 * given out again nor a restart of the machine looks like the owner. A killed owner leaves its
 * file; nobody has to clean up after it.
 *
 * K1 A lock file appears complete: it is written under another name, synced, and hard-linked.
 * K2 The next owner makes `lock.<n+1>` after it saw that the owner of `lock.<n>`, the highest, is
 *    gone. Of several that saw the same, `link` lets one through.
 * K3 The highest file is never removed, not even on release (it is marked instead). So whoever made
 *    a number late, after others came and went, still sees a higher one and gives way.
 * K4 Only after K3's second look does a process own the directory and clear the lower numbers.
 */
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fault, isFault, reasonOf } from '../core/index.ts';
import { errorCode } from './disk.ts';

const NAME = /^lock\.(\d+)$/;
const DRAFT = /^lock-draft\./;

/** What others may need to know of the owner, such as the path of its socket; never a secret. */
export type LockInfo = Readonly<Record<string, string | number>>;

/** The content of a lock file. */
export interface LockOwner {
  readonly pid: number;
  /** Clock ticks between the start of the machine and that of the process. */
  readonly startTime: number;
  readonly bootId: string;
  readonly released: boolean;
  readonly info: LockInfo;
}

export interface DataDirLock {
  readonly dir: string;
  /** Lets the next process in. Calling it again does nothing. */
  release(): Promise<void>;
}

let drafts = 0;

/**
 * Makes this process the owner of `dir`, which is made if needed.
 * @throws DATA_DIR_LOCKED with the pid of the owner, DATA_DIR_UNUSABLE
 */
export async function lockDataDir(dir: string, info: LockInfo = {}): Promise<DataDirLock> {
  try {
    await makeDir(dir);
    return await acquire(dir, { ...(await self()), released: false, info });
  } catch (error) {
    if (isFault(error)) throw error;
    throw fault('DATA_DIR_UNUSABLE', { dir, reason: reasonOf(error) }, error);
  }
}

/**
 * Makes `dir` and what is missing above it. (`mkdir` with `recursive` tries for ever where a
 * directory exists but nothing can be made in it, as below /proc.)
 */
async function makeDir(dir: string): Promise<void> {
  for (const above of ['missing', 'made'] as const) {
    try {
      await mkdir(dir, { mode: 0o700 });
      return;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EEXIST' && (await stat(dir)).isDirectory()) return;
      if (code !== 'ENOENT' || above === 'made' || dirname(dir) === dir) throw error;
    }
    await makeDir(dirname(dir));
  }
}

/** The living owner of `dir`, or null when nobody owns it. */
export async function readLock(dir: string): Promise<LockOwner | null> {
  const highest = await highestNumber(dir);
  if (highest === 0) return null;
  const owner = await readOwner(lockPath(dir, highest));
  return owner !== null && (await isAlive(owner)) ? owner : null;
}

async function acquire(dir: string, me: LockOwner): Promise<DataDirLock> {
  const draft = await writeDraft(dir, me);
  try {
    for (;;) {
      const highest = await highestNumber(dir);
      if (highest > 0) {
        const owner = await readOwner(lockPath(dir, highest));
        if (owner !== null && (await isAlive(owner))) {
          throw fault('DATA_DIR_LOCKED', { dir, pid: owner.pid });
        }
      }
      const mine = highest + 1;
      if (!(await claim(draft, lockPath(dir, mine)))) continue;
      if ((await highestNumber(dir)) > mine) {
        await unlinkIfThere(lockPath(dir, mine));
        continue;
      }
      await clearBelow(dir, mine);
      return new HeldLock(dir, mine, me);
    }
  } finally {
    await unlinkIfThere(draft);
  }
}

class HeldLock implements DataDirLock {
  readonly dir: string;
  readonly #path: string;
  readonly #owner: LockOwner;
  #released: Promise<void> | null = null;

  constructor(dir: string, number: number, owner: LockOwner) {
    this.dir = dir;
    this.#path = lockPath(dir, number);
    this.#owner = owner;
  }

  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<void> {
    const draft = await writeDraft(this.dir, { ...this.#owner, released: true });
    await rename(draft, this.#path);
  }
}

function lockPath(dir: string, number: number): string {
  return join(dir, `lock.${number}`);
}

async function highestNumber(dir: string): Promise<number> {
  let highest = 0;
  for (const name of await readdir(dir)) {
    const match = NAME.exec(name);
    if (match !== null) highest = Math.max(highest, Number(match[1]));
  }
  return highest;
}

/** A complete lock file under a name that nobody looks at (K1). */
async function writeDraft(dir: string, owner: LockOwner): Promise<string> {
  drafts += 1;
  const path = join(dir, `lock-draft.${owner.pid}.${owner.startTime}.${drafts}`);
  const file: FileHandle = await open(path, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(owner)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}

/** True when this process made the file `path` (K2). */
async function claim(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes lower numbers (K4) and the drafts of processes that are gone. */
async function clearBelow(dir: string, mine: number): Promise<void> {
  for (const name of await readdir(dir)) {
    const match = NAME.exec(name);
    const lower = match !== null && Number(match[1]) < mine;
    if (lower || (DRAFT.test(name) && !(await draftIsAlive(name)))) {
      await unlinkIfThere(join(dir, name));
    }
  }
}

async function draftIsAlive(name: string): Promise<boolean> {
  const [, pid, startTime] = name.split('.');
  return (await startTimeOf(Number(pid))) === Number(startTime);
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** The owner in a lock file; null when the file is gone or was lost in a power cut. */
async function readOwner(path: string): Promise<LockOwner | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isOwner(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTime, bootId, released } = value as Partial<Record<keyof LockOwner, unknown>>;
  return (
    typeof pid === 'number' &&
    typeof startTime === 'number' &&
    typeof bootId === 'string' &&
    typeof released === 'boolean'
  );
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  if (owner.released || owner.bootId !== (await bootId())) return false;
  return (await startTimeOf(owner.pid)) === owner.startTime;
}

async function self(): Promise<{ pid: number; startTime: number; bootId: string }> {
  const startTime = (await startTimeOf(process.pid)) ?? 0;
  return { pid: process.pid, startTime, bootId: await bootId() };
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** When process `pid` started, in clock ticks; null when it is gone or has exited (a zombie). */
async function startTimeOf(pid: number): Promise<number | null> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return null;
    throw error;
  }
  // The second field is the program's name in parentheses, which may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19]);
}
