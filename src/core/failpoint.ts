/**
 * Named places where a crash test may kill the process.
 *
 * `RAINSTORM_FAILPOINT=name:n` ends this process with SIGKILL the n-th time (from 1) that the place
 * is passed. Without the variable a failpoint costs one comparison. Nothing is flushed or cleaned
 * up on the way out: that is the purpose.
 */
const armed = parse(process.env.RAINSTORM_FAILPOINT);
let passes = 0;

function parse(text: string | undefined): { name: string; nth: number } | null {
  if (text === undefined || text === '') return null;
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

/** True in a process that has a failpoint to die at. */
export const failpointsArmed = armed !== null;

function isTurnOf(name: string): boolean {
  if (armed === null || armed.name !== name) return false;
  passes += 1;
  return passes === armed.nth;
}
