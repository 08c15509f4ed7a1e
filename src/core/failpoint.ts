/**
 * Named places where a crash test may kill the process.
 *
 * `RAINSTORM_FAILPOINT=name:n` ends this process with SIGKILL the n-th time (from 1) that the place
 * is passed. Without the variable a failpoint costs one comparison. Nothing is flushed or cleaned
 * up on the way out: that is the purpose.
 *
 * `RAINSTORM_FAILPOINT=@FILE` lets a test choose while the processes of a cluster run: when FILE is
 * there it says `name:n pid pid ...`, and passes count from then on. The first of these processes
 * whose turn comes renames FILE to `FILE.<its pid>` and dies, so exactly one does, and it is known
 * where it died.
 */
import { readFileSync, renameSync, statSync } from 'node:fs';

interface Place {
  readonly name: string;
  readonly nth: number;
}

const wish = process.env.RAINSTORM_FAILPOINT ?? '';
const file = wish.startsWith('@') ? wish.slice(1) : null;
const armed = file !== null || wish === '' ? null : placeOf(wish);
let passes = 0;
/** What the file said at the last pass. */
let said = '';

function placeOf(text: string): Place {
  const at = text.lastIndexOf(':');
  return at < 0
    ? { name: text, nth: 1 }
    : { name: text.slice(0, at), nth: Number(text.slice(at + 1)) };
}

/** Dies here when this failpoint is armed and its turn has come. */
export function failpoint(name: string): void {
  if (isTurnOf(name)) process.kill(process.pid, 'SIGKILL');
}

/** Like `failpoint`, for what is left half done: carries out `last` before it dies. */
export async function failpointDuring(options: {
  readonly failpointName: string;
  readonly last: () => Promise<unknown>;
}): Promise<void> {
  if (!isTurnOf(options.failpointName)) return;
  await options.last();
  process.kill(process.pid, 'SIGKILL');
}

/** True in a process that has a failpoint to die at, or may be given one. */
export const failpointsArmed = armed !== null || file !== null;

function isTurnOf(name: string): boolean {
  if (!failpointsArmed) return false;
  if (file !== null) return isTurnInFile(file, name);
  if (armed?.name !== name) return false;
  passes += 1;
  return passes === armed.nth;
}

function isTurnInFile(path: string, name: string): boolean {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  try {
    const text = readFileSync(path, 'utf8');
    if (text !== said) passes = 0;
    said = text;
    const [place, ...pids] = text.trim().split(' ');
    if (placeOf(place).name !== name || !pids.includes(String(process.pid))) return false;
    passes += 1;
    if (passes !== placeOf(place).nth) return false;
    renameSync(path, `${path}.${process.pid}`);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false; // taken
    throw error;
  }
}
