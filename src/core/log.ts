import pino from 'pino';

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

/**
 * A logger that appends JSON lines to the file `path`, synchronously, so that the last words of a
 * dying process are there.
 */
export function fileLog(path: string, level: 'debug' | 'info' | 'warn' = 'info'): Logger {
  const destination = pino.destination({ dest: path, sync: true, mkdir: true, append: true });
  const root = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  );
  return wrap(root);
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
