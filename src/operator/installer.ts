/**
 * One run of an installer, bound to this process and to a deadline as operators are.
 */
import { spawn } from 'node:child_process';
import type { Clock } from '../core/index.ts';
import { type GroupsFile, signalGroup } from './groups.ts';
import { wrapCommand } from './launch.ts';

/** Large packages come over slow lines, or are compiled. */
const INSTALL_MS = 15 * 60_000;
/** Of what an installer says, its end is kept. */
const SAID_CHARACTERS = 8192;

export interface InstallerOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly groups: GroupsFile;
  /** Milliseconds after which it is killed. */
  readonly deadlineMs?: number;
}

/** Runs `argv` to its end; null when all went well, otherwise why not, in its own words. */
export function runInstaller(
  argv: readonly string[],
  { cwd, env, clock, groups, deadlineMs = INSTALL_MS }: InstallerOptions,
): Promise<string | null> {
  const [program, ...rest] = wrapCommand(argv, process.pid);
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd,
      env: { ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = child;
    let said = '';
    let late = false;
    const timer = clock.timer(deadlineMs, () => {
      late = pid !== undefined && signalGroup(pid, 'SIGKILL');
    });
    const hear = (text: string): void => {
      said = (said + text).slice(-SAID_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    if (pid !== undefined) groups.started(pid);
    const end = (reason: string | null): void => {
      timer.cancel();
      if (pid !== undefined) groups.ended(pid);
      resolve(reason);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => {
      if (code === 0) end(null);
      else if (late) end(`it took longer than ${deadlineMs / 1000} s`);
      else end(lastWords(said) ?? `it ended with ${signal ?? `code ${code}`}`);
    });
  });
}

/** The last line that says what is wrong; the last line when none says so. */
function lastWords(said: string): string | null {
  const lines = said.split('\n').map((line) => line.trim());
  const errors = lines.filter((line) => /^(?:ERROR|Error):\s/.test(line));
  const last = errors.at(-1) ?? lines.findLast((line) => line !== '');
  return last === undefined ? null : last.replace(/^(?:ERROR|Error):\s+/, '').replace(/\.$/, '');
}
