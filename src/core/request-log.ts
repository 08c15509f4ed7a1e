/**
 * The requests that a node answers: one line when it has received one, one when it is done.
 *
 *   {"time":"...","request":17,"method":"hydfs.copy","file":"a.txt","bytes":412,"msg":"request received"}
 *   {"time":"...","request":17,"method":"hydfs.copy",...,"ms":1.4,"result":"done","msg":"request done"}
 *
 * Q1 There may be thousands in a second: lines are gathered and written together, after `FLUSH_MS` at
 *    the latest. What a process that is killed had gathered is lost; what it says about itself goes to
 *    its own log (see `fileLog`), which these lines do not push out.
 * Q2 A disk that takes no lines stops nobody: they are dropped, and that is said once.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock, Timer } from './clock.ts';
import { reasonOf } from './errors.ts';
import {
  LOG_FILE_BYTES_MAX,
  LOG_FILES_KEPT,
  type LogFields,
  type Logger,
  rotate,
  sizeOf,
} from './log.ts';

/** Called once when a request is done, with what came of it. */
export type RequestDone = (result: string, facts?: LogFields) => void;

export interface RequestLog {
  /** A request of `method` is received; `facts` say which (the file, the bytes). */
  received(method: string, facts: LogFields): RequestDone;
}

const nothing = (): void => undefined;

/** Writes nothing down. */
export const silentRequests: RequestLog = { received: () => nothing };

const FLUSH_MS = 100;
const FLUSH_CHARS = 64 * 1024;

export interface RequestLogOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Hears of lines that cannot be written (Q2). */
  readonly log: Logger;
  readonly bytesMax?: number;
  readonly kept?: number;
}

/** Writes to a file that is rotated by size. */
export class RequestLogFile implements RequestLog {
  readonly #options: RequestLogOptions;
  #fd: number | null = null;
  #bytes = 0;
  #gathered = '';
  #timer: Timer | null = null;
  #count = 0;
  #failing = false;
  #moment = { at: Number.NaN, text: '' };

  constructor(options: RequestLogOptions) {
    this.#options = options;
  }

  received(method: string, facts: LogFields): RequestDone {
    const { clock } = this.#options;
    this.#count += 1;
    const began = clock.now();
    const what = `"request":${this.#count},"method":${JSON.stringify(method)}${textOf(facts)}`;
    this.#say(`${what},"msg":"request received"`);
    return (result, more = {}) => {
      const ms = Math.round((clock.now() - began) * 10) / 10;
      const end = `"ms":${ms},"result":${JSON.stringify(result)},"msg":"request done"`;
      this.#say(`${what}${textOf(more)},${end}`);
    };
  }

  /** Writes what was gathered and lets go of the file. */
  close(): void {
    this.#flush();
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #say(text: string): void {
    this.#gathered += `{"time":"${this.#now()}",${text}}\n`;
    if (this.#gathered.length >= FLUSH_CHARS) this.#flush();
    else this.#timer ??= this.#options.clock.timer(FLUSH_MS, () => this.#flush());
  }

  /** The time of now as text, made once a millisecond. */
  #now(): string {
    const at = Math.floor(this.#options.clock.wall());
    if (at !== this.#moment.at) this.#moment = { at, text: new Date(at).toISOString() };
    return this.#moment.text;
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = '';
    if (bytes.length === 0) return;
    try {
      const fd = this.#file();
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      this.#bytes += bytes.length;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        const facts = { path: this.#options.path, reason: reasonOf(error) };
        this.#options.log.error('requests are not logged at the moment', facts);
      }
      this.#failing = true;
    }
  }

  #file(): number {
    const { path, bytesMax = LOG_FILE_BYTES_MAX, kept = LOG_FILES_KEPT } = this.#options;
    if (this.#fd !== null && this.#bytes <= bytesMax) return this.#fd;
    if (this.#fd !== null) {
      closeSync(this.#fd);
      this.#fd = null;
      rotate(path, kept);
    }
    this.#bytes = sizeOf(path);
    this.#fd = openSync(path, 'a', 0o600);
    return this.#fd;
  }
}

/** `facts` as members of an object; their names are those of the program. */
function textOf(facts: LogFields): string {
  let text = '';
  for (const name in facts) {
    const fact = facts[name];
    text += `,"${name}":${typeof fact === 'string' ? JSON.stringify(fact) : fact}`;
  }
  return text;
}
