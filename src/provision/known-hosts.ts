/**
 * Which host keys are trusted: `known_hosts` files as OpenSSH writes them (sshd(8), "SSH_KNOWN_HOSTS
 * FILE FORMAT"), or one pinned fingerprint. Pure: texts and bytes only.
 *
 *   K1  A key is trusted only when an entry for that very host and port holds that very key.
 *   K2  A host with entries, none of which is its key, has changed: that is never the same as unknown.
 *   K3  A revoked key is refused whatever else says about it.
 *   K4  A line that cannot be read trusts nobody. Certificate authorities are not supported, so their
 *       lines trust nobody either.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const SSH_PORT = 22;

/** The entries of one line. */
export interface KnownHost {
  /** `file:line`, for people */
  readonly place: string;
  readonly revoked: boolean;
  readonly type: string;
  readonly key: Uint8Array;
  /** True when the line is about `name`, which is a host or `[host]:port`. */
  matches(name: string): boolean;
}

/** What is thought of a key that a host has shown. */
export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly place: string }
  | { readonly kind: 'revoked'; readonly place: string };

/** `SHA256:...` as `ssh-keygen -l` prints it for the public key `key` (its wire form). */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that stands at the beginning of a public key in its wire form; '' when there is none. */
export function keyTypeOf(key: Uint8Array): string {
  const bytes = Buffer.from(key);
  if (bytes.length < 4) return '';
  const length = bytes.readUInt32BE(0);
  return bytes.length < 4 + length ? '' : bytes.toString('latin1', 4, 4 + length);
}

/** How a host is written in a `known_hosts` file. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === SSH_PORT ? name : `[${name}]:${port}`;
}

/** The entries of the file `text`; lines that cannot be read are left out (K4). */
export function parseKnownHosts(text: string, path: string): KnownHost[] {
  return text.split('\n').flatMap((line, i) => {
    const entry = parseLine(line.trim(), `${path}:${i + 1}`);
    return entry === null ? [] : [entry];
  });
}

function parseLine(line: string, place: string): KnownHost | null {
  if (line === '' || line.startsWith('#')) return null;
  const words = line.split(/\s+/);
  const marker = words[0].startsWith('@') ? words.shift() : undefined;
  if (marker !== undefined && marker !== '@revoked') return null;
  const [names, type, text] = words;
  if (text === undefined) return null;
  const key = Buffer.from(text, 'base64');
  if (keyTypeOf(key) !== type) return null;
  return { place, revoked: marker !== undefined, type, key, matches: matcherOf(names) };
}

function matcherOf(names: string): (name: string) => boolean {
  if (names.startsWith('|')) return hashedMatcher(names);
  const patterns = names.split(',').map((text) => {
    const negated = text.startsWith('!');
    return { negated, pattern: patternOf(negated ? text.slice(1) : text) };
  });
  return (name) => {
    const hits = patterns.filter(({ pattern }) => pattern.test(name));
    return hits.length > 0 && hits.every(({ negated }) => !negated);
  };
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both in base64: what `HashKnownHosts` writes. */
function hashedMatcher(text: string): (name: string) => boolean {
  const [, version, salt, hash] = text.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return () => false;
  const wanted = Buffer.from(hash, 'base64');
  return (name) => {
    const got = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
    return got.length === wanted.length && timingSafeEqual(got, wanted);
  };
}

/** `*` and `?` are the only characters with a meaning. */
function patternOf(text: string): RegExp {
  const source = text
    .toLowerCase()
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}

/** What `entries` say about the host called `name` having shown `key`. */
export function judgeHostKey(
  entries: readonly KnownHost[],
  name: string,
  key: Uint8Array,
): HostKeyVerdict {
  const about = entries.filter((entry) => entry.matches(name));
  const same = about.filter((entry) => Buffer.from(entry.key).equals(key));
  const revoked = same.find((entry) => entry.revoked);
  if (revoked !== undefined) return { kind: 'revoked', place: revoked.place };
  if (same.length > 0) return { kind: 'known' };
  const other = about.find((entry) => !entry.revoked);
  return other === undefined ? { kind: 'unknown' } : { kind: 'changed', place: other.place };
}

/** The types of key that `entries` know of `name`, in their order; empty when it is unknown. */
export function knownKeyTypes(entries: readonly KnownHost[], name: string): string[] {
  const about = entries.filter((entry) => !entry.revoked && entry.matches(name));
  return [...new Set(about.map(({ type }) => type))];
}
