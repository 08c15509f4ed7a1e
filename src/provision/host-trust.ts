/** Decides whether the key that a host shows is the one that it should have. */
import { readFile } from 'node:fs/promises';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { type Fault, fault, reasonOf } from '../core/index.ts';
import type { Host } from './host.ts';
import {
  fingerprintOf,
  judgeHostKey,
  type KnownHost,
  keyTypeOf,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';

const SSH_PORT = 22;

/** Ways to prove a key, by the type of the key; the order is that of preference. */
const algorithms: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** What is known about all hosts. */
export class HostTrust {
  readonly #entries: readonly KnownHost[];
  readonly #files: readonly string[];

  constructor(entries: readonly KnownHost[], files: readonly string[]) {
    this.#entries = entries;
    this.#files = files;
  }

  /**
   * Reads the `known_hosts` files `paths`; one that does not exist knows nobody.
   * @throws KNOWN_HOSTS_UNREADABLE
   */
  static async read(paths: readonly string[]): Promise<HostTrust> {
    const entries: KnownHost[] = [];
    for (const path of paths) {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw fault('KNOWN_HOSTS_UNREADABLE', { path, reason: reasonOf(error) }, error);
      });
      entries.push(...parseKnownHosts(text, path));
    }
    return new HostTrust(entries, paths);
  }

  /**
   * The groups of algorithms to be asked for, one connection after the other until a key is trusted:
   * a host shows one key only, and must not seem strange because it has shown another one than the
   * one that is known. One group unless a fingerprint is pinned, which does not tell its type.
   */
  algorithmsFor({ host, port, fingerprint }: Host): ServerHostKeyAlgorithm[][] {
    if (fingerprint !== null) return Object.values(algorithms).map((each) => [...each]);
    const types = knownKeyTypes(this.#entries, knownHostName(host, port));
    const known = types.flatMap((type) => algorithms[type] ?? []);
    return [known.length > 0 ? known : Object.values(algorithms).flat()];
  }

  /** Null when `key` is the key of `host`; otherwise why it is refused. */
  problemOf({ name, host, port, fingerprint }: Host, key: Uint8Array): Fault | null {
    const shown = fingerprintOf(key);
    const type = keyTypeOf(key);
    if (fingerprint !== null) {
      if (shown === fingerprint) return null;
      return fault('HOST_KEY_CHANGED', { host: name, shown, type, place: 'the hosts file' });
    }
    const verdict = judgeHostKey(this.#entries, knownHostName(host, port), key);
    if (verdict.kind === 'known') return null;
    if (verdict.kind === 'revoked') {
      return fault('HOST_KEY_REVOKED', { host: name, shown, place: verdict.place });
    }
    if (verdict.kind === 'changed') {
      return fault('HOST_KEY_CHANGED', { host: name, shown, type, place: verdict.place });
    }
    const scan = port === SSH_PORT ? host : `-p ${port} ${host}`;
    const file = this.#files[0] ?? 'known_hosts';
    return fault('HOST_KEY_UNKNOWN', { host: name, shown, type, scan, file });
  }
}
