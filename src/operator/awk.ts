/**
 * mawk, the awk of Debian, reads its input in full blocks unless told `-W interactive`: it would sit
 * on the first inputs until more come, whatever the program says about flushing. So it is told.
 * Other awks read what is there and only need `fflush()` after each answer.
 */
import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';

const SHEBANG_BYTES = 256;

/** The command for the executable `path`, made interactive when mawk runs it. */
export function execArgv(path: string, args: readonly string[]): readonly string[] {
  if (isMawk(path)) return [path, '-W', 'interactive', ...args];
  const [interpreter, ...options] = shebangOf(path);
  if (interpreter === undefined || !isMawk(interpreter)) return [path, ...args];
  return [interpreter, '-W', 'interactive', ...options, path, ...args];
}

function isMawk(path: string): boolean {
  try {
    return basename(realpathSync(path)) === 'mawk';
  } catch {
    return false; // no such interpreter: starting it will say so
  }
}

/** Interpreter and its one option, as the kernel reads them (execve(2)). */
function shebangOf(path: string): string[] {
  const head = Buffer.alloc(SHEBANG_BYTES);
  let length = 0;
  try {
    const fd = openSync(path, 'r');
    length = readSync(fd, head);
    closeSync(fd);
  } catch {
    return []; // executable but not readable: not a script
  }
  const line = head.toString('utf8', 0, length).split('\n')[0];
  if (!line.startsWith('#!')) return [];
  const match = /^#!\s*(\S+)(?:\s+(.*\S))?\s*$/.exec(line);
  return match === null ? [] : [match[1], ...(match[2] === undefined ? [] : [match[2]])];
}
