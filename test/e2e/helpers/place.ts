/**
 * A directory of a test, and the program run in it: in this process, as `main.ts` does it, since a
 * process of its own costs a second. What is about processes uses test/helpers/processes.ts.
 *
 *   const place = new Place(t);
 *   place.write('in.txt', 'one\ntwo\n');
 *   const ended = await place.run(place.job({ sources: ['in.txt'], stages: [same] }));
 *   t.is(place.text('out.txt'), ...);
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Duplex, PassThrough } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { plainTerminal } from '../../../src/cli/format/index.ts';
import { runCommandLine } from '../../../src/cli/index.ts';
import { systemClock } from '../../../src/core/index.ts';
import { until } from '../../helpers/poll.ts';
import { tmpDir } from '../../helpers/tmp-dir.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A job as its file says it; what is left out has the program's defaults. */
export interface JobText {
  readonly name?: string;
  readonly sources: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly stages: readonly Readonly<Record<string, unknown>>[];
  readonly sink?: Readonly<Record<string, unknown>> | string;
  readonly [more: string]: unknown;
}

/** A run under way. */
export interface Running {
  readonly ended: Promise<Ended>;
  stderr(): string;
  /** Ctrl-C. */
  interrupt(): void;
}

const operators = join(import.meta.dirname, '..', 'operators');

/** The path of an operator of these tests. */
export function operator(file: string): string {
  return join(operators, file);
}

/** A stage that forwards what it gets. */
export const same = { name: 'same', type: 'transform', run: 'identity' } as const;

export class Place {
  readonly dir: string;

  constructor(t: ExecutionContext) {
    this.dir = tmpDir(t);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  write(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  text(name = 'out.txt'): string {
    return readFileSync(this.path(name), 'utf8');
  }

  bytes(name = 'out.txt'): Buffer {
    return readFileSync(this.path(name));
  }

  /** The lines of a file that ends with a newline. */
  lines(name = 'out.txt'): string[] {
    return linesOf(this.text(name));
  }

  /** Everything here but the data directory. */
  files(): string[] {
    return readdirSync(this.dir)
      .filter((name) => name !== '.rainstorm')
      .sort();
  }

  /** Writes a job file (JSON is YAML) and returns the words that run it. */
  job(job: JobText, file = 'job.yaml'): string[] {
    const sources = job.sources.map((source) => {
      return typeof source === 'string' ? { file: source } : source;
    });
    const sink = typeof job.sink === 'string' ? { file: job.sink } : job.sink;
    this.write(file, JSON.stringify({ ...job, sources, sink: sink ?? { file: 'out.txt' } }));
    return ['run', file];
  }

  /** Runs one command line to its end. */
  run(words: readonly string[], stdin = ''): Promise<Ended> {
    return this.start(words, stdin).ended;
  }

  start(words: readonly string[], input = ''): Running {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const texts = { stdout: '', stderr: '' };
    stdout.on('data', (chunk: Buffer) => {
      texts.stdout += chunk.toString();
    });
    stderr.on('data', (chunk: Buffer) => {
      texts.stderr += chunk.toString();
    });
    stdin.end(input);
    const interrupts = new Set<(signal: NodeJS.Signals) => void>();
    const io = {
      stdin: stdin as Duplex as NodeJS.ReadStream,
      stdout: stdout as Duplex as NodeJS.WriteStream,
      stderr: stderr as Duplex as NodeJS.WriteStream,
      closed: new AbortController().signal,
      clock: systemClock,
      cwd: this.dir,
      env: {},
      terminal: () => plainTerminal,
      exit: () => undefined,
      onInterrupt: (stop: (signal: NodeJS.Signals) => void) => {
        interrupts.add(stop);
        return () => interrupts.delete(stop);
      },
    };
    const ended = runCommandLine(words, io, '0.0.0').then((code) => ({ code, ...texts }));
    return {
      ended,
      stderr: () => texts.stderr,
      interrupt: () => {
        for (const stop of interrupts) stop('SIGINT');
      },
    };
  }

  /** Runs a job that must be done; returns what it said. */
  async done(t: ExecutionContext, words: readonly string[]): Promise<string> {
    const { code, stderr } = await this.run(words);
    t.is(code, 0, stderr);
    return stderr;
  }

  /** What `--json` of a listing prints. */
  async list<T>(...words: string[]): Promise<T> {
    const { stdout, stderr, code } = await this.run([...words, '--json']);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as T;
  }

  /** How many lines `file` has; none while it is not there, as between a check of its place and its start. */
  #linesIfThere(file: string): number {
    try {
      return this.lines(file).length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  /** Resolves when `file` has `count` lines. */
  async untilLines(count: number, file = 'out.txt'): Promise<void> {
    await until(() => this.#linesIfThere(file) >= count, {
      what: `${count} lines in ${file}`,
      deadlineMs: 60_000,
    });
  }
}

/** The lines of `text` without their newlines; all of it must end with one. */
export function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** `from`, `from + 1`, ... `to - 1`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
