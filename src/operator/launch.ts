/**
 * How an operator is started so that it cannot outlive its node or its limits.
 *
 *   setpriv --pdeathsig KILL -- /bin/sh -c WRAPPER rainstorm-operator NODE_PID program argument ...
 *
 * 1. `setpriv --pdeathsig KILL` has the kernel kill the process when the node dies, however it dies.
 *    The setting survives `exec`. Without setpriv (or with one that lacks the option) the process
 *    sees the end of its stdin, and `reapOrphans` finds what is left at the next start.
 * 2. The node may die between fork and (1); the wrapper then has another parent and stops.
 * 3. WRAPPER is a constant. Program and arguments are positional parameters, never part of a text
 *    that a shell parses.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Files an operator may hold open, so that a leak hits the operator and not the machine. */
const OPEN_FILES_MAX = 4096;

const WRAPPER = `[ "$PPID" = "$1" ] || exit 125
shift
ulimit -c 0
ulimit -n ${OPEN_FILES_MAX} 2>/dev/null
exec "$@"`;

const SETPRIV_PLACES = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/local/bin/setpriv'];

let found: string | null | undefined;

/** The setpriv that can bind a process to its parent, or null; asked once per program. */
export function findSetpriv(): string | null {
  if (found === undefined) found = SETPRIV_PLACES.find(isUsable) ?? null;
  return found;
}

function isUsable(path: string): boolean {
  if (!existsSync(path)) return false;
  return spawnSync(path, ['--pdeathsig', 'KILL', '--', '/bin/sh', '-c', ':']).status === 0;
}

/** `argv` inside its wrapper; the first element is the program to spawn. */
export function wrapCommand(
  argv: readonly string[],
  nodePid: number,
  setpriv: string | null = findSetpriv(),
): string[] {
  const bound = setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  return [...bound, '/bin/sh', '-c', WRAPPER, 'rainstorm-operator', String(nodePid), ...argv];
}
