/**
 * Process groups of operators: killing them, and finding those that a dead node left behind.
 *
 * 1. Every operator leads its own session and group, so one signal reaches it and its children.
 * 2. A pid alone proves nothing, because pids are used again. A group is known by the leader's pid,
 *    the leader's start time (clock ticks since boot) and the boot it belongs to.
 * 3. A leader that is gone may have left children. They carry its pid as session and group, and the
 *    kernel gives that number to nobody else while they live; they began after their leader.
 * 4. The groups file has one short line per start and per end. After each `LINES_MAX` of them it is
 *    replaced by one with the living groups only; `reapOrphans` empties it at the next start of its
 *    owner. A torn last line is ignored.
 */
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, isAbsolute } from 'node:path';

/** How the names of private working directories begin. */
export const PRIVATE_PREFIX = 'rainstorm-op-';

/** Lines after which a groups file is made short again. */
export const LINES_MAX = 4096;

/** A group as it is written down. */
interface GroupStamp {
  readonly pid: number;
  readonly started: number;
  readonly boot: string;
  /** Its private working directory, '' when it had none. */
  readonly directory: string;
}

interface ProcessFacts {
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  readonly started: number;
  readonly zombie: boolean;
}

/** Sends `signal` to every process of the group; false when there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-pid, signal);
}

/** Sends `signal`; false when the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // ESRCH: gone; EPERM: not ours any more, hence gone too
  }
}

/** Lines since the file was short, by path: several writers of one process share a file. */
const linesSince = new Map<string, number>();

/** Writes down which groups live. */
export class GroupsFile {
  readonly #path: string | null;

  constructor(path: string | undefined) {
    this.#path = path ?? null;
  }

  /** @param directory the private working directory, to be removed after the process */
  started(pid: number, directory = ''): void {
    const facts = this.#path === null ? null : factsOf(pid);
    if (facts === null) return;
    this.#append(startLine({ pid, started: facts.started, boot: bootId(), directory }));
  }

  ended(pid: number): void {
    this.#append(`end ${pid}\n`);
  }

  #append(line: string): void {
    if (this.#path === null) return;
    appendFileSync(this.#path, line, { mode: 0o600 });
    const lines = (linesSince.get(this.#path) ?? 0) + 1;
    if (lines >= LINES_MAX) shorten(this.#path);
    linesSince.set(this.#path, lines % LINES_MAX);
  }
}

function startLine({ pid, started, boot, directory }: GroupStamp): string {
  return `start ${pid} ${started} ${boot} ${directory}\n`;
}

/** Leaves only the living groups in the file, which is one or the other at any moment. */
function shorten(path: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, readStamps(path).map(startLine).join(''), { mode: 0o600 });
  renameSync(fresh, path);
}

/**
 * Kills the groups that `path` says were alive when its writer died, removes their private
 * directories, then empties the file. For the start of a node, before it starts anything itself.
 * @returns the pids of the groups in which something was killed
 */
export function reapOrphans(path: string): number[] {
  const stamps = readStamps(path);
  if (stamps.length === 0) return [];
  const boot = bootId();
  const living = allProcesses();
  const killed = stamps
    .filter((stamp) => stamp.boot === boot && isLeftover(stamp, living))
    .map((stamp) => stamp.pid)
    .filter((pid) => signalGroup(pid, 'SIGKILL'));
  for (const { directory } of stamps) removePrivate(directory);
  writeFileSync(path, '');
  return killed;
}

function isLeftover(stamp: GroupStamp, living: readonly ProcessFacts[]): boolean {
  const leader = living.find((each) => each.pid === stamp.pid);
  if (leader !== undefined) return leader.started === stamp.started && leader.group === stamp.pid;
  return living.some(
    (each) =>
      each.group === stamp.pid && each.session === stamp.pid && each.started >= stamp.started,
  );
}

/** A damaged file must not make us remove anything else. */
function removePrivate(directory: string): void {
  if (!isAbsolute(directory) || !basename(directory).startsWith(PRIVATE_PREFIX)) return;
  rmSync(directory, { recursive: true, force: true });
}

function readStamps(path: string): GroupStamp[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const live = new Map<number, GroupStamp>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [what, pid, started, boot, ...rest] = line.split(' ');
    if (what === 'end') live.delete(Number(pid));
    else if (what === 'start' && boot !== undefined) {
      const directory = rest.join(' ');
      live.set(Number(pid), { pid: Number(pid), started: Number(started), boot, directory });
    }
  }
  return [...live.values()];
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function allProcesses(): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => factsOf(Number(name)))
    .filter((facts) => facts !== null && !facts.zombie) as ProcessFacts[];
}

/** Facts from `/proc/<pid>/stat` (proc_pid_stat(5)), or null when the process is gone. */
function factsOf(pid: number): ProcessFacts | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it ended while we looked
  }
  // The name in parentheses may contain anything; the fields after it start with the state.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    zombie: fields[0] === 'Z',
    group: Number(fields[2]),
    session: Number(fields[3]),
    started: Number(fields[19]),
  };
}
