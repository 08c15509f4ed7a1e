import { existsSync, renameSync, statSync } from 'node:fs';
import pino from 'pino';
import type { Clock } from './clock.ts';

/** Fields of a structured line; short values, never payloads or secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** What the program writes about itself. One sentence a line; facts go into `fields`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

/** A logger that drops everything. */
export const silentLog: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

/** A log file that grows beyond this is renamed to `.1`, an older one to `.2`, ... */
export const LOG_FILE_BYTES_MAX = 16 * 1024 * 1024;
/** How many renamed log files are kept. */
export const LOG_FILES_KEPT = 4;

export interface FileLogOptions {
  readonly level?: 'debug' | 'info' | 'warn';
  readonly bytesMax?: number;
  readonly kept?: number;
}

/**
 * A logger that appends JSON lines to the file `path`, synchronously, so that the last words of a
 * dying process are there. The file is rotated by size.
 */
export function fileLog(path: string, options: FileLogOptions = {}): Logger {
  const { level = 'info', bytesMax = LOG_FILE_BYTES_MAX, kept = LOG_FILES_KEPT } = options;
  const file = pino.destination({ dest: path, sync: true, mkdir: true, append: true });
  // a disk that takes no lines must not end the process: they are dropped
  file.on('error', () => undefined);
  let bytes = sizeOf(path);
  const rotating = {
    write(line: string): void {
      if (bytes > bytesMax) {
        rotate(path, kept);
        file.reopen(path);
        bytes = 0;
      }
      bytes += Buffer.byteLength(line);
      file.write(line);
    },
  };
  return wrap(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, rotating));
}

/** The bytes of a file, 0 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Renames `path` to `.1`, an older one to `.2`, and so on, `kept` of them. */
export function rotate(path: string, kept: number): void {
  for (let i = kept - 1; i >= 0; i--) {
    const from = i === 0 ? path : `${path}.${i}`;
    if (existsSync(from)) renameSync(from, `${path}.${i + 1}`);
  }
}

/** A logger for people: `time level message` on `stream`, facts left out. */
export function plainLog(stream: { write(text: string): unknown }, clock: Clock): Logger {
  const say = (level: string, message: string): void => {
    const time = new Date(clock.wall()).toISOString().slice(11, 23);
    stream.write(`${time} ${level}${message}\n`);
  };
  const logger: Logger = {
    debug() {},
    info: (message) => say('', message),
    warn: (message) => say('warning: ', message),
    error: (message) => say('error: ', message),
    child: () => logger,
  };
  return logger;
}

/** A logger that writes to each of `logs`. */
export function severalLogs(...logs: readonly Logger[]): Logger {
  const each = (level: 'debug' | 'info' | 'warn' | 'error') => {
    return (message: string, fields?: LogFields): void => {
      for (const log of logs) log[level](message, fields);
    };
  };
  return {
    debug: each('debug'),
    info: each('info'),
    warn: each('warn'),
    error: each('error'),
    child: (fields) => severalLogs(...logs.map((log) => log.child(fields))),
  };
}

function wrap(inner: pino.Logger): Logger {
  return {
    debug: (message, fields) => inner.debug(fields ?? {}, message),
    info: (message, fields) => inner.info(fields ?? {}, message),
    warn: (message, fields) => inner.warn(fields ?? {}, message),
    error: (message, fields) => inner.error(fields ?? {}, message),
    child: (fields) => wrap(inner.child(fields)),
  };
}
