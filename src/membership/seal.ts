/**
 * Datagrams that only holders of the cluster key can make or read.
 *
 * ```
 * plain   = 00 packet                                          loopback clusters without a key
 * sealed  = 01 key-id:4 boot:16 counter:6 sent-at:4 ciphertext tag:16
 * ```
 *
 * Invariants
 *   S1  Each start of a node seals under a key of its own, HKDF-SHA256(cluster key, salt = boot id),
 *       with AES-256-GCM and its packet counter as nonce: no nonce is used twice, however many nodes
 *       share the cluster key, and none has to be random.
 *   S2  The header is authenticated. Nothing of a packet is looked at before its tag is right.
 *   S3  Two cluster keys may be held: packets are sealed with the first and opened with either. A key
 *       is replaced by giving every node (old, new), then (new, old), then (new).
 *   S4  Nothing is remembered for a packet that does not open.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { assert } from '../core/index.ts';
import type { ClusterKey, ClusterKeys } from '../transport/index.ts';
import { PACKET_BYTES_MAX, SEAL_BYTES } from './limits.ts';
import { BOOT_BYTES } from './messages/fields.ts';

const PLAIN = 0;
const SEALED = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const COUNTER_BYTES = 6;
const STAMP_BYTES = 4;
const TAG_BYTES = 16;
const BOOT_AT = 1 + KEY_ID_BYTES;
const COUNTER_AT = BOOT_AT + BOOT_BYTES;
const STAMP_AT = COUNTER_AT + COUNTER_BYTES;
const HEADER_BYTES = STAMP_AT + STAMP_BYTES;
const NONCE_BYTES = 12;
const COUNTER_MAX = 2 ** 48 - 1;
/** Keys of other nodes that are kept: more than there are members. */
const DERIVED_MAX = 8192;
const PURPOSE = 'datagram seal';

assert(HEADER_BYTES + TAG_BYTES <= SEAL_BYTES, 'a sealed packet fits in a datagram');

/** What a sealed datagram says about itself, authenticated. */
export interface Stamp {
  /** boot id of the sender, 32 hexadecimal digits */
  readonly boot: string;
  /** grows with each packet of that boot id */
  readonly counter: number;
  /** wall clock of the sender, in seconds */
  readonly sentAt: number;
}

export type Refusal = 'format' | 'plain' | 'unknown-key' | 'forged';

export type Opened =
  | { readonly kind: 'opened'; readonly bytes: Uint8Array; readonly stamp: Stamp | null }
  | { readonly kind: 'refused'; readonly why: Refusal; readonly bytes?: undefined };

interface SealKey {
  /** the first bytes of the cluster key's public id, in hexadecimal */
  readonly id: string;
  readonly secret: Uint8Array;
  /** keys of boot ids, as far as they were used */
  readonly derived: Map<string, Uint8Array>;
}

/** What is made of the cluster keys for sealing and opening. */
export class Keyring {
  readonly current: SealKey;
  readonly #other: SealKey | null;

  constructor({ current, other }: ClusterKeys) {
    this.current = sealKey(current);
    this.#other = other === null ? null : sealKey(other);
  }

  find(id: string): SealKey | undefined {
    if (this.current.id === id) return this.current;
    return this.#other !== null && this.#other.id === id ? this.#other : undefined;
  }
}

/** The datagram of `packet`; `keys` null leaves it plain. `stamp.counter` is never used twice. */
export function sealPacket(keys: Keyring | null, stamp: Stamp, packet: Uint8Array): Uint8Array {
  if (keys === null) return Buffer.concat([Uint8Array.of(PLAIN), packet]);
  assert(stamp.counter >= 0 && stamp.counter <= COUNTER_MAX, 'a counter fits in 48 bits');
  const { current } = keys;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = SEALED;
  header.write(current.id, 1, 'hex');
  header.write(stamp.boot, BOOT_AT, 'hex');
  header.writeUIntBE(stamp.counter, COUNTER_AT, COUNTER_BYTES);
  header.writeUInt32BE(stamp.sentAt >>> 0, STAMP_AT);
  const key = derive(current, stamp.boot);
  remember(current, stamp.boot, key);
  const cipher = createCipheriv('aes-256-gcm', key, nonce(header));
  cipher.setAAD(header);
  return Buffer.concat([header, cipher.update(packet), cipher.final(), cipher.getAuthTag()]);
}

/** What is in `datagram`, or why nothing of it is believed. */
export function openPacket(keys: Keyring | null, datagram: Uint8Array): Opened {
  if (datagram.length < 2 || datagram.length > PACKET_BYTES_MAX + SEAL_BYTES)
    return refused('format');
  if (datagram[0] === PLAIN)
    return keys === null
      ? { kind: 'opened', bytes: datagram.subarray(1), stamp: null }
      : refused('plain');
  if (datagram[0] !== SEALED || datagram.length < HEADER_BYTES + TAG_BYTES)
    return refused('format');
  const header = Buffer.from(datagram.buffer, datagram.byteOffset, HEADER_BYTES);
  const clusterKey = keys?.find(header.toString('hex', 1, BOOT_AT));
  if (clusterKey === undefined) return refused('unknown-key');
  const stamp = readStamp(header);
  const key = derive(clusterKey, stamp.boot);
  const bytes = decipher(key, header, datagram);
  if (bytes === null) return refused('forged');
  remember(clusterKey, stamp.boot, key);
  return { kind: 'opened', bytes, stamp };
}

function decipher(key: Uint8Array, header: Buffer, datagram: Uint8Array): Uint8Array | null {
  const end = datagram.length - TAG_BYTES;
  const cipher = createDecipheriv('aes-256-gcm', key, nonce(header), { authTagLength: TAG_BYTES });
  cipher.setAAD(header);
  cipher.setAuthTag(datagram.subarray(end));
  const bytes = cipher.update(datagram.subarray(HEADER_BYTES, end));
  try {
    cipher.final();
    return bytes;
  } catch {
    // The tag is wrong: that is the only thing `final` can find.
    return null;
  }
}

function readStamp(header: Buffer): Stamp {
  return {
    boot: header.toString('hex', BOOT_AT, COUNTER_AT),
    counter: header.readUIntBE(COUNTER_AT, COUNTER_BYTES),
    sentAt: header.readUInt32BE(STAMP_AT),
  };
}

function nonce(header: Buffer): Uint8Array {
  const bytes = new Uint8Array(NONCE_BYTES);
  bytes.set(header.subarray(COUNTER_AT, STAMP_AT), NONCE_BYTES - COUNTER_BYTES);
  return bytes;
}

function derive(key: SealKey, boot: string): Uint8Array {
  const known = key.derived.get(boot);
  if (known !== undefined) return known;
  const salt = Buffer.from(boot, 'hex');
  return new Uint8Array(hkdfSync('sha256', key.secret, salt, PURPOSE, KEY_BYTES));
}

function remember(key: SealKey, boot: string, derived: Uint8Array): void {
  if (key.derived.has(boot)) return;
  if (key.derived.size >= DERIVED_MAX) key.derived.clear();
  key.derived.set(boot, derived);
}

function sealKey(key: ClusterKey): SealKey {
  const id = key.id.slice(0, KEY_ID_BYTES * 2);
  return { id, secret: key.derive(PURPOSE, KEY_BYTES), derived: new Map() };
}

function refused(why: Refusal): Opened {
  return { kind: 'refused', why };
}
