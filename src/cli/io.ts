/** The streams, signals and clock that commands use; tests pass their own. */
import process from 'node:process';
import { type Clock, systemClock } from '../core/index.ts';
import { type Terminal, terminalOf } from './format/index.ts';

export interface Io {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: Clock;
  /** the working directory */
  readonly cwd: string;
  terminal(stream: 'stdout' | 'stderr'): Terminal;
  /** Calls `stop` at each Ctrl-C or SIGTERM until the returned function is called. */
  onInterrupt(stop: () => void): () => void;
}

/** The real streams of this process. */
export function processIo(): Io {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    cwd: process.cwd(),
    terminal: (stream) => terminalOf(process[stream], process.env),
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

/** Writes `text` and waits until the stream has room again; a closed pipe ends the writing quietly. */
export async function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  if (stream.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
