/**
 * How somebody is logged in: which ways are tried, in which order.
 *
 *   C1  A key file that is named comes first, then the agent, then the usual key files, then a password.
 *   C2  Secrets come from `Secrets` only, are asked for only when a host would take them, and appear in
 *       no command line, log or sentence.
 *   C3  What was tried, and why it could not be, is kept in words for the sentence of a refusal.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AnyAuthMethod, AuthenticationType, ParsedKey } from 'ssh2';
import { reasonOf } from '../core/index.ts';
import type { Host } from './host.ts';

/** Where secrets come from; null when there is none to be had. */
export interface Secrets {
  /** the passphrase of the key file `path` */
  passphrase(path: string): Promise<string | null>;
  /** the password of `who` (user@host) */
  password(who: string): Promise<string | null>;
}

/** What the one who provisions has to log in with. */
export interface Credentials {
  readonly secrets: Secrets;
  /** socket of an SSH agent */
  readonly agent: string | null;
  /** home directory, where `~/` in paths and the usual key files are */
  readonly home: string;
}

const KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** The ways to log in at one host, one after the other. */
export class LoginWays {
  /** what was tried, in words (C3) */
  readonly tried: string[] = [];
  readonly #ways: AsyncGenerator<AnyAuthMethod>;

  constructor(host: Host, credentials: Credentials) {
    this.#ways = waysOf(host, credentials, this.tried);
  }

  /** The next way of a kind that the host takes; `taken` is null when it has not said. */
  async next(taken: readonly AuthenticationType[] | null): Promise<AnyAuthMethod | null> {
    for (;;) {
      const { value, done } = await this.#ways.next();
      if (done || value === undefined) return null;
      const kind = value.type === 'agent' ? 'publickey' : value.type;
      if (taken === null || taken.includes(kind)) {
        this.tried.push(value.type === 'publickey' ? 'a key file' : `${value.type}`);
        return value;
      }
    }
  }
}

async function* waysOf(
  { user, identity, name }: Host,
  { secrets, agent, home }: Credentials,
  tried: string[],
): AsyncGenerator<AnyAuthMethod> {
  const from = async (path: string, must: boolean): Promise<AnyAuthMethod[]> => {
    const key = await readKey(path, secrets, must);
    if (key.kind === 'problem') tried.push(key.says);
    return key.kind === 'key' ? [{ type: 'publickey', username: user, key: key.key }] : [];
  };
  if (identity !== null) yield* await from(expandHome(identity, home), true);
  if (agent !== null) yield { type: 'agent', username: user, agent };
  if (identity === null) {
    for (const file of KEY_FILES) yield* await from(join(home, '.ssh', file), false);
  }
  const password = await secrets.password(`${user}@${name}`);
  if (password === null) return;
  yield { type: 'password', username: user, password };
  yield {
    type: 'keyboard-interactive',
    username: user,
    prompt: (_name, _instructions, _language, prompts, finish) =>
      // Only a question for one secret is taken for the one after the password.
      finish(prompts.length === 1 && prompts[0].echo !== true ? [password] : []),
  };
}

type KeyRead =
  | { readonly kind: 'key'; readonly key: ParsedKey }
  | { readonly kind: 'absent' }
  | { readonly kind: 'problem'; readonly says: string };

/** The private key in the file `path`; `must` makes its absence a problem. */
async function readKey(path: string, secrets: Secrets, must: boolean): Promise<KeyRead> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (gone && !must) return { kind: 'absent' };
    return { kind: 'problem', says: `${path}, which cannot be read (${reasonOf(error)})` };
  }
  const plain = await parsed(text);
  if (!(plain instanceof Error)) return { kind: 'key', key: plain };
  if (!/encrypted/i.test(plain.message)) {
    return { kind: 'problem', says: `${path}, which holds no usable private key` };
  }
  const passphrase = await secrets.passphrase(path);
  if (passphrase === null) return { kind: 'problem', says: `${path}, which needs a passphrase` };
  const opened = await parsed(text, passphrase);
  if (!(opened instanceof Error)) return { kind: 'key', key: opened };
  return { kind: 'problem', says: `${path}, which the passphrase given does not open` };
}

async function parsed(text: Buffer, passphrase?: string): Promise<ParsedKey | Error> {
  const { default: ssh2 } = await import('ssh2');
  const key = ssh2.utils.parseKey(text, passphrase);
  if (key instanceof Error) return key;
  const first = Array.isArray(key) ? key[0] : key;
  return first.isPrivateKey() ? first : new Error('it is a public key');
}

/** `path` with its leading `~/` replaced by the home directory. */
export function expandHome(path: string, home: string): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : path;
}
