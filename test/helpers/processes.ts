/**
 * Runs the program as its users do: `node src/main.ts`, or the executable that RAINSTORM_BIN names.
 *
 *   const ended = await rainstorm(t, ['run', 'job.yaml'], { cwd: dir });
 *   t.is(ended.code, 0, ended.stderr);
 *
 *   const running = startRainstorm(t, ['run', 'job.yaml'], { cwd: dir });
 *   await running.untilStderr(/resum/);
 *   await running.kill('SIGKILL');          // what it started must be gone soon after
 *
 * After each test nothing of it is left: every run ends with `nothingLeft`, which fails the test
 * when a process outlives its parent by more than LEFTOVER_MS, and ends that process.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { present, systemClock } from '../../src/core/index.ts';
import { until, untilText } from './poll.ts';
import { type ProcessTree, signal, watchTree } from './process-tree.ts';

const LEFTOVER_MS = 5000;
const OUTPUT_MS = 1000;
const RUN_MS = 60_000;

export const projectRoot = join(import.meta.dirname, '..', '..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The run is killed, and the test fails, when it takes longer. */
  readonly deadlineMs?: number;
}

/** A program on a terminal, and whoever sits at it. */
export interface AtTerminal extends Running {
  /** Types keys, as `s\r` or `\x03` for Ctrl-C. */
  type(keys: string): void;
  /** Resolves once what is drawn from now on, or was, matches. */
  sees(pattern: RegExp): Promise<void>;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Resolves once what it prints on stderr from now on, or did print, matches. */
  untilStderr(pattern: RegExp): Promise<void>;
  /** Sends the signal to this process alone; after SIGKILL also waits for its end. */
  kill(name: NodeJS.Signals): Promise<Ended>;
}

/** The command that starts the program, without its arguments. */
export function rainstormCommand(): readonly string[] {
  const executable = process.env.RAINSTORM_BIN;
  if (executable !== undefined && executable !== '') return [executable];
  return [process.execPath, join(projectRoot, 'src', 'main.ts')];
}

/** Runs the program to its end. */
export function rainstorm(
  t: ExecutionContext,
  args: readonly string[],
  options: RunOptions,
): Promise<Ended> {
  return startRainstorm(t, args, options).ended;
}

/** Starts the program; the test's end waits for its end and fails when it leaves a process. */
export function startRainstorm(
  t: ExecutionContext,
  args: readonly string[],
  options: RunOptions,
): Running {
  const [command, ...before] = rainstormCommand();
  return startProcess(t, [command, ...before, ...args], options);
}

/** Like `startRainstorm`, for any command. */
export function startProcess(
  t: ExecutionContext,
  commandLine: readonly string[],
  options: RunOptions,
): Running {
  const [command, ...args] = commandLine;
  const child = spawn(command, args, {
    ...spawnOptions(options),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return started(t, command, child);
}

/** Starts the program on a terminal of its own; what is drawn there is its stdout. */
export function startAtTerminal(
  t: ExecutionContext,
  args: readonly string[],
  options: RunOptions,
): AtTerminal {
  const script = join(projectRoot, 'test', 'helpers', 'on_terminal.py');
  const child = spawn('python3', [script, ...rainstormCommand(), ...args], {
    ...spawnOptions(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const running = started(t, 'python3', child);
  return {
    ...running,
    type: (keys) => void child.stdin.write(keys),
    async sees(pattern) {
      await untilText(child.stdout, pattern, { what: `${pattern} on screen` }, running.stdout());
    },
  };
}

function spawnOptions({ cwd, env = {}, deadlineMs = RUN_MS }: RunOptions) {
  return {
    cwd,
    env: { ...process.env, ...env },
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  } as const;
}

function started(
  t: ExecutionContext,
  command: string,
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): Running {
  const pid = present(child.pid, `${command} could be started`);
  const tree = watchTree(pid);
  const running = follow(child, pid, tree);
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) await running.kill('SIGKILL');
    await running.ended;
    await nothingLeft(tree);
  });
  return running;
}

function follow(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
  pid: number,
  tree: ProcessTree,
): Running {
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  const ended = endOf(child).then(([code, name]) => {
    tree.close();
    return { code, signal: name, ...text };
  });
  return {
    pid,
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    async untilStderr(pattern) {
      await untilText(child.stderr, pattern, { what: `${pattern} on stderr` }, text.stderr);
    },
    async kill(name) {
      if (name === 'SIGKILL') tree.freeze();
      signal(pid, name);
      return ended;
    },
  };
}

/** Its exit, once all its output is read; a child that keeps the pipes open delays that a little. */
function endOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, name) => {
      const impatience = systemClock.timer(OUTPUT_MS, () => resolve([code, name]));
      child.once('close', () => {
        impatience.cancel();
        resolve([code, name]);
      });
    });
  });
}

/**
 * Resolves when everything that the process started is gone.
 * @throws Error naming what is still running after LEFTOVER_MS; it is killed
 */
export async function nothingLeft(tree: ProcessTree, deadlineMs = LEFTOVER_MS): Promise<void> {
  try {
    await until(() => tree.alive().length === 0, { what: 'the end of its children', deadlineMs });
  } catch (error) {
    const left = tree.alive();
    for (const { pid } of left) signal(pid, 'SIGKILL');
    const names = left.map(({ pid, command }) => `${pid} (${command})`).join(', ');
    throw new Error(`still running after the end of their parent: ${names}`, { cause: error });
  } finally {
    tree.close();
  }
}
