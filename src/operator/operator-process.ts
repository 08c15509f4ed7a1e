/**
 * One operator process: its pipes, its last words and its end.
 *
 * 1. It leads its own process group. When it exits, whatever is left of the group is killed, so its
 *    pipes close and `exited` is called once, after the last byte of stdout, stderr and status.
 * 2. A grandchild that left the group may hold a pipe open: `exited` waits `PIPES_MS` and no longer.
 * 3. Errors on stdin are facts about a process that is going away; its exit tells the rest.
 * 4. Texts given to `write` must not change until they are answered.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Clock, present, type Timer } from '../core/index.ts';
import { type GroupsFile, PRIVATE_PREFIX, signalGroup, signalProcess } from './groups.ts';
import { wrapCommand } from './launch.ts';
import { STATUS_FD } from './resolve.ts';
import { StderrTail } from './stderr-tail.ts';
import type { OperatorCommand, TaskLogSink } from './types.ts';

/** How long pipes may stay open after the exit of the process. */
const PIPES_MS = 1000;
/** From SIGTERM, at which the shim hands over its answers, to SIGKILL. */
const STOP_MS = 500;

const BEGAN = 114; // 'r'
const EXCEPTION = 120; // 'x'
const STOPPED = 116; // 't'

/** How a process ended. */
export interface Exit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** 'exited with 1', 'was killed by SIGSEGV'. */
  readonly how: string;
  /** Whether it began to read; null when nobody can tell. */
  readonly began: boolean | null;
  /** True when it handed over every answer it had before it ended. */
  readonly exact: boolean;
  /** True when we ended it. */
  readonly stopped: boolean;
}

/** Who hears of a process. */
export interface ProcessOwner {
  output(chunk: Buffer): void;
  /** The script has begun to read; only with the shim. */
  began(): void;
  /** More can be written. */
  drained(): void;
  closedStdout(): void;
  exited(exit: Exit): void;
}

export interface ProcessOptions {
  readonly command: OperatorCommand;
  readonly owner: ProcessOwner;
  readonly clock: Clock;
  readonly groups: GroupsFile;
  readonly log: TaskLogSink | null;
}

export class OperatorProcess {
  readonly stderr = new StderrTail();
  readonly #options: ProcessOptions;
  readonly #child: ChildProcess;
  readonly #directory: string | null;
  readonly #status: number[] = [];
  #full = false;
  #stopped = false;
  #ended = false;
  #spawnError: Error | null = null;
  #timer: Timer | null = null;

  constructor(options: ProcessOptions) {
    const { command } = options;
    this.#options = options;
    this.#directory = command.cwd === '' ? mkdtempSync(join(tmpdir(), PRIVATE_PREFIX)) : null;
    const [program, ...rest] = wrapCommand(command.argv, process.pid);
    this.#child = spawn(program, rest, {
      cwd: this.#directory ?? command.cwd,
      env: { ...command.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', command.shim ? 'pipe' : 'ignore'],
    });
    if (this.pid !== 0) options.groups.started(this.pid, this.#directory ?? '');
    this.#listen();
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.pid !== 0 && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** True after `exited` was called. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** False while what was written has not reached the process. */
  get canWrite(): boolean {
    return !this.#full;
  }

  /** True when the process told that it began to read. */
  get hasBegun(): boolean {
    return this.#status.includes(BEGAN);
  }

  write(text: Buffer): void {
    this.#full = !this.#stdin.write(text);
  }

  /** No more input. */
  endInput(): void {
    this.#stdin.end();
  }

  /** Asks the shim to hand over what it has collected. */
  poke(): void {
    if (!this.#ended) signalProcess(this.pid, 'SIGURG');
  }

  /** Ends it: answers that are ready are handed over first, if it can. */
  stop(): void {
    if (this.#stopped || this.#ended) return;
    this.#stopped = true;
    signalProcess(this.pid, 'SIGTERM');
    this.#timer = this.#options.clock.timer(STOP_MS, () => signalGroup(this.pid, 'SIGKILL'));
  }

  /** Ends it and its children at once. */
  kill(): void {
    this.#stopped = true;
    if (!this.#ended) signalGroup(this.pid, 'SIGKILL');
  }

  get #stdin(): Writable {
    return present(this.#child.stdin, 'stdin is a pipe');
  }

  #listen(): void {
    const { owner, log } = this.#options;
    this.#stdin.on('error', () => {}); // 3
    this.#stdin.on('drain', () => {
      this.#full = false;
      owner.drained();
    });
    const stdout = present(this.#child.stdout, 'stdout is a pipe');
    stdout.on('data', (chunk: Buffer) => owner.output(chunk));
    stdout.on('end', () => owner.closedStdout());
    present(this.#child.stderr, 'stderr is a pipe').on('data', (chunk: Buffer) => {
      this.stderr.push(chunk);
      log?.write(chunk);
    });
    const status = this.#child.stdio[STATUS_FD] as Readable | null;
    status?.on('data', (chunk: Buffer) => {
      this.#status.push(...chunk);
      if (chunk.includes(BEGAN)) owner.began();
    });
    for (const pipe of [stdout, this.#child.stderr, status]) pipe?.on('error', () => {}); // 3
    this.#child.on('error', (error) => {
      this.#spawnError = error;
      if (this.pid === 0) this.#finish(null, null);
    });
    this.#child.on('exit', () => this.#reap());
    this.#child.on('close', (code, signal) => this.#finish(code, signal));
  }

  #reap(): void {
    signalGroup(this.pid, 'SIGKILL'); // 1
    this.#timer?.cancel();
    this.#timer = this.#options.clock.timer(PIPES_MS, () => {
      for (const pipe of this.#child.stdio) pipe?.destroy();
      this.#finish(this.#child.exitCode, this.#child.signalCode);
    });
  }

  #finish(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    if (this.pid !== 0) this.#options.groups.ended(this.pid);
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
    this.#options.owner.exited({
      pid: this.pid,
      code,
      signal,
      how: this.#how(code, signal),
      began: this.#options.command.shim ? this.hasBegun : null,
      exact: this.#status.includes(EXCEPTION) || this.#status.includes(STOPPED),
      stopped: this.#stopped,
    });
  }

  #how(code: number | null, signal: NodeJS.Signals | null): string {
    if (this.#spawnError !== null) {
      const { cwd } = this.#options.command;
      const noFolder = cwd !== '' && !existsSync(cwd);
      const why = noFolder ? `no working directory ${cwd}` : this.#spawnError.message;
      return `could not be started (${why})`;
    }
    return signal === null ? `exited with ${code}` : `was killed by ${signal}`;
  }
}
