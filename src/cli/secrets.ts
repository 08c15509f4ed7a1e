/**
 * Where the secrets for SSH come from: a private file, the environment, or a person at a terminal.
 *
 *   1. Never from an argument: whoever may list processes could read it.
 *   2. A file that others may read is refused before it is read.
 *   3. Each secret is asked for once, one question at a time, however many hosts want it.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Fault, fault, isFault, reasonOf } from '../core/index.ts';
import type { Secrets } from '../provision/index.ts';
import type { Flags } from './command-line.ts';
import { type Io, write } from './io.ts';

const SECRET_BYTES_MAX = 4096;
const OTHERS = 0o077;
const CTRL_C = '\x03';
const CTRL_D = '\x04';
const BACKSPACES = ['\x7f', '\b'];

export interface SecretSources {
  readonly flags: Flags;
  readonly io: Io;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** called when Ctrl-C is typed instead of an answer */
  readonly interrupt: () => void;
}

export class CliSecrets implements Secrets {
  readonly #sources: SecretSources;
  readonly #known = new Map<string, Promise<string | null>>();
  #asking: Promise<unknown> = Promise.resolve();

  constructor(sources: SecretSources) {
    this.#sources = sources;
  }

  passphrase(path: string): Promise<string | null> {
    return this.#once(`passphrase ${path}`, async () => {
      const { flags, env } = this.#sources;
      if (flags.passphraseFile !== undefined) return this.#fromFile(flags.passphraseFile);
      return env.RAINSTORM_SSH_PASSPHRASE ?? this.#ask(`Passphrase of ${path}: `);
    });
  }

  password(who: string): Promise<string | null> {
    return this.#once(`password ${who}`, async () => {
      const { passwordFile } = this.#sources.flags;
      if (passwordFile !== undefined) return this.#fromFile(passwordFile);
      return this.#ask(`Password of ${who}: `);
    });
  }

  #once(key: string, find: () => Promise<string | null>): Promise<string | null> {
    const known = this.#known.get(key) ?? find();
    this.#known.set(key, known);
    return known;
  }

  #fromFile(path: string): Promise<string> {
    return readSecretFile(resolve(this.#sources.io.cwd, path));
  }

  #ask(question: string): Promise<string | null> {
    const answer = this.#asking.then(() => askHidden(this.#sources, question));
    this.#asking = answer.catch(() => undefined); // whoever asked hears of it
    return answer;
  }
}

/**
 * The first line of the file `path`, which must be private.
 * @throws SECRET_FILE_UNUSABLE
 */
export async function readSecretFile(path: string): Promise<string> {
  const unusable = (reason: string, cause?: unknown): Fault =>
    fault('SECRET_FILE_UNUSABLE', { path, reason }, cause);
  try {
    // without O_NONBLOCK a named pipe would be waited for
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw unusable('it is not a regular file');
    if ((stat.mode & OTHERS) !== 0)
      throw unusable(`its mode is 0${(stat.mode & 0o777).toString(8)}`);
    const bytes = Buffer.alloc(SECRET_BYTES_MAX);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const [line] = bytes.subarray(0, bytesRead).toString('utf8').split(/\r?\n/);
    if (line === '') throw unusable('its first line is empty');
    return line;
  } catch (error) {
    throw isFault(error) ? error : unusable(reasonOf(error), error);
  }
}

/** Asks at the terminal without showing what is typed; null when nobody is there or Ctrl-C is typed. */
async function askHidden(
  { io, interrupt }: SecretSources,
  question: string,
): Promise<string | null> {
  const { stdin, stderr } = io;
  if (stdin.isTTY !== true || stderr.isTTY !== true) return null;
  await write(stderr, `\r${question}`);
  const { promise, resolve: done } = Promise.withResolvers<string | null>();
  let typed = '';
  const take = (chunk: Buffer): void => {
    for (const c of chunk.toString('utf8')) {
      if (c === '\r' || c === '\n') return done(typed);
      if (c === CTRL_D && typed === '') return done(null);
      if (c === CTRL_C) {
        interrupt();
        return done(null);
      }
      typed = BACKSPACES.includes(c) ? typed.slice(0, -1) : typed + c;
    }
  };
  stdin.setRawMode(true);
  stdin.on('data', take).resume();
  try {
    return await promise;
  } finally {
    stdin.off('data', take).pause();
    stdin.setRawMode(false);
    await write(stderr, '\n');
  }
}
