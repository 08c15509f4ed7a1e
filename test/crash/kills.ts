/**
 * Runs a job that is killed again and again, and looks at what it leaves.
 *
 *   const run = new KilledRun(t, program, job);
 *   await run.diesAt('task.before-log', 3);   // fails when the place is never reached
 *   await run.finishes();                     // the same command again, to the end
 *   await run.isExact();                      // the oracle's word on the destination
 *
 * A process that ended by itself, by another signal, by the deadline or with the wrong code is a
 * failure that carries what it printed.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { silentLog, systemClock } from '../../src/core/index.ts';
import { LocalFileSystem } from '../../src/hydfs/index.ts';
import { nodeDisk } from '../../src/storage/index.ts';
import { type Ended, projectRoot, type Running, startProcess } from '../helpers/processes.ts';
import type { CrashJob } from './jobs.ts';
import type { Program } from './program.ts';

const RUN_MS = 60_000;
/** Of the node's log, in the message of a run that failed. */
const LOG_LINES = 12;
/** Exit code of a run that Ctrl-C suspended. */
export const INTERRUPTED = 130;

export class KilledRun {
  readonly job: CrashJob;
  readonly #t: ExecutionContext;
  readonly #program: Program;
  readonly #flags: readonly string[];
  kills = 0;

  constructor(t: ExecutionContext, program: Program, job: CrashJob, flags: readonly string[] = []) {
    this.#t = t;
    this.#program = program;
    this.#flags = flags;
    this.job = job;
  }

  /** Starts the command; the same one each time. */
  start(failpoint = '', deadlineMs = RUN_MS): Running {
    return this.#spawn(
      ['run', 'job.yaml', '--threads', '0', ...this.#flags],
      failpoint,
      deadlineMs,
    );
  }

  /** Runs until the `nth` pass of `failpoint`, which must kill it. */
  async diesAt(failpoint: string, nth: number): Promise<Ended> {
    const started = systemClock.now();
    const ended = await this.start(`${failpoint}:${nth}`).ended;
    const late = systemClock.now() - started >= RUN_MS;
    if (ended.signal !== 'SIGKILL' || late) {
      const how = late ? `was still running after ${RUN_MS} ms` : `ended with ${ended.code}`;
      throw new Error(
        `pass ${nth} of ${failpoint} was never reached: the run ${how}\n${ended.stderr}`,
      );
    }
    this.kills += 1;
    return ended;
  }

  /** Runs to the end; gives what it said. */
  async finishes(deadlineMs = RUN_MS): Promise<Ended> {
    const ended = await this.start('', deadlineMs).ended;
    if (ended.code === 0) return ended;
    const hung = ended.signal === 'SIGKILL';
    const how = hung ? `had not ended after ${deadlineMs} ms` : `ended with ${ended.code}`;
    throw new Error(`the run ${how}\n${ended.stderr}${this.#logTail()}`);
  }

  /** The oracle's sentence; throws its differences. */
  async isExact(...more: readonly string[]): Promise<string> {
    const { oracle, destination, sources } = this.job;
    const letters = oracle.includes('--poison') ? ['--letters', await this.#letters()] : [];
    const files = ['--destination', destination, '--sources', ...sources];
    return askOracle([...oracle, ...more, ...letters, ...files]);
  }

  /** What `rainstorm verify` says; throws when it refutes. */
  async isVerified(): Promise<string> {
    const ended = await this.#spawn(['verify', this.job.title], '', RUN_MS).ended;
    if (ended.code === 0) return ended.stdout;
    throw new Error(`verify ended with ${ended.code}\n${ended.stdout}${ended.stderr}`);
  }

  /** Runs another command on the same data directory. */
  command(args: readonly string[]): Promise<Ended> {
    return this.#spawn(args, '', RUN_MS).ended;
  }

  #spawn(args: readonly string[], failpoint: string, deadlineMs: number): Running {
    const { command, env } = this.#program;
    return startProcess(this.#t, [...command, ...args], {
      cwd: this.job.dir,
      env: { ...env, RAINSTORM_FAILPOINT: failpoint },
      deadlineMs,
    });
  }

  /** The dead letter file, copied out of the data directory. */
  async #letters(): Promise<string> {
    const pieces: Uint8Array[] = [];
    const root = join(this.job.dir, '.rainstorm', 'hydfs');
    const fs = await LocalFileSystem.open({
      disk: nodeDisk,
      root,
      clock: systemClock,
      log: silentLog,
      sync: 'os',
    });
    try {
      for (const name of await fs.list('jobs/')) {
        if (!name.endsWith('/dead-letters')) continue;
        for await (const piece of fs.read(name)) pieces.push(piece.slice());
      }
    } finally {
      await fs.close();
    }
    const path = join(this.job.dir, 'letters.jsonl');
    writeFileSync(path, Buffer.concat(pieces));
    return path;
  }

  #logTail(): string {
    const path = join(this.job.dir, '.rainstorm', 'logs', 'node.log');
    if (!existsSync(path)) return '';
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  }
}

/** Runs the oracle; throws what it found. */
export function askOracle(args: readonly string[]): Promise<string> {
  const script = join(projectRoot, 'test', 'crash', 'oracle.py');
  return new Promise((resolve, reject) => {
    execFile('python3', [script, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`the oracle refutes: ${stderr.trim()}`));
    });
  });
}
