/**
 * Child processes that end with their parent.
 *
 * 1. A child runs in a session of its own, so that everything it starts can be found and ended with
 *    it, also what moved to another process group.
 * 2. SIGINT, SIGTERM and SIGHUP end every session (SIGTERM, then SIGKILL after a grace time), then
 *    this process, with 128 + the signal's number.
 * 3. So does the end of whoever reads this process's output (`npm test | head`).
 * 4. What a finished child left running is reported by `leftovers` and ended.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';

const GRACE_MS = 3000;
const sessions = new Set();
let watching = false;

/** The signal of a write to a pipe that nobody reads: Node reports it as an error of stdout. */
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  endAll('SIGKILL');
  process.exit(128 + constants.signals.SIGPIPE);
});

/**
 * Starts `command` and resolves when it ended: `{ code, signal, session, output }`. `onText` gets
 * its output as it comes; without it the output is collected.
 */
export function run(command, args, { cwd, env, onText } = {}) {
  watchSignals();
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pieces = [];
  const take = onText ?? ((text) => pieces.push(text));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
  if (child.pid !== undefined) sessions.add(child.pid);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      sessions.delete(child.pid);
      resolve({ code, signal, session: child.pid, output: pieces.join('') });
    });
  });
}

/** The live processes of a session, as `{ pid, command }`. */
export function membersOf(session) {
  const members = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(entry);
    if (stat === null || stat.session !== session || stat.state === 'Z') continue;
    members.push({ pid: Number(entry), command: stat.command });
  }
  return members;
}

/** What is still alive of a session whose first process ended; it is killed. */
export function leftovers(session) {
  const members = membersOf(session);
  for (const { pid } of members) signalOne(pid, 'SIGKILL');
  return members;
}

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { state: fields[0], session: Number(fields[3]), command };
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
    throw error;
  }
}

function signalOne(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function endAll(signal) {
  for (const session of sessions) {
    for (const { pid } of membersOf(session)) signalOne(pid, signal);
  }
}

function watchSignals() {
  if (watching) return;
  watching = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      const exitCode = 128 + constants.signals[signal];
      endAll('SIGTERM');
      const deadline = setTimeout(() => finish(exitCode), GRACE_MS);
      const poll = setInterval(() => {
        if ([...sessions].some((session) => membersOf(session).length > 0)) return;
        clearTimeout(deadline);
        clearInterval(poll);
        finish(exitCode);
      }, 50);
    });
  }
}

function finish(exitCode) {
  endAll('SIGKILL');
  process.exit(exitCode);
}
