/** The streams, signals and clock that commands use; tests pass their own. */
import process from 'node:process';
import { type Clock, type Fault, fault, systemClock } from '../core/index.ts';
import { type Terminal, terminalOf } from './format/index.ts';

export interface Io {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Aborts when stdout takes no more: its reader has left (quietly), or with the fault it had. */
  readonly closed: AbortSignal;
  readonly clock: Clock;
  /** the working directory */
  readonly cwd: string;
  /** the environment of the program */
  readonly env: Readonly<Record<string, string | undefined>>;
  terminal(stream: 'stdout' | 'stderr'): Terminal;
  /** Leaves at once with `code`: nothing is waited for. */
  exit(code: number): void;
  /** Calls `stop` at each Ctrl-C or SIGTERM until the returned function is called. */
  onInterrupt(stop: (signal: NodeJS.Signals) => void): () => void;
}

/** The real streams of this process; `exit` leaves it at once. */
export function processIo(exit: (code: number) => void): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    get stdin() {
      return process.stdin;
    },
    closed: closedSignal(),
    clock: systemClock,
    cwd: process.cwd(),
    env: process.env,
    terminal: (stream) => terminalOf(process[stream], process.env),
    exit,
    onInterrupt(stop) {
      process.on('SIGINT', stop);
      process.on('SIGTERM', stop);
      return () => {
        process.off('SIGINT', stop);
        process.off('SIGTERM', stop);
      };
    },
  };
}

/** The reader of a pipe may leave at any time: `| head` is no error (EPIPE), a full disk is. */
function closedSignal(): AbortSignal {
  const closed = new AbortController();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => closed.abort(trouble(error)));
  process.stderr.on('error', () => undefined); // nobody is left to be told
  return closed.signal;
}

/** Undefined when the reader of a pipe has left. */
function trouble(error: NodeJS.ErrnoException): Fault | undefined {
  const path = 'standard output';
  if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return undefined;
  if (error.code === 'ENOSPC') return fault('DISK_FULL', { path }, error);
  return fault('DISK_FAILED', { doing: 'writing', path, reason: error.message }, error);
}

/** Writes `text` and waits until it is taken; what goes wrong is told by `Io.closed`. */
export async function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    stream.write(text, () => resolve());
  });
}
