/**
 * The secret that makes nodes one cluster.
 *
 * Invariants
 *   C1  The 32 bytes are seen by `derive` only: no property, text, JSON or inspection of a key
 *       shows them, so that a key may end up in a log line without harm.
 *   C2  Every use has a key of its own, derived with HKDF-SHA256 (RFC 5869) under a name of its
 *       own: what one use gives away says nothing about another.
 *   C3  The id is derived too, and public: it tells two keys apart and nothing else.
 */
import { hkdfSync } from 'node:crypto';
import { assert } from '../core/index.ts';

export const CLUSTER_KEY_BYTES = 32;
const ID_BYTES = 8;
/** Goes into every derivation; another major version of the protocol takes another one. */
const DOMAIN = 'rainstorm 1 ';

export class ClusterKey {
  /** Public fingerprint, 16 hexadecimal digits. */
  readonly id: string;
  readonly #secret: Uint8Array;

  /** @param secret 32 bytes, which the key copies */
  constructor(secret: Uint8Array) {
    assert(secret.length === CLUSTER_KEY_BYTES, `a cluster key has ${CLUSTER_KEY_BYTES} bytes`);
    this.#secret = Uint8Array.from(secret);
    this.id = this.derive('key id', ID_BYTES).toString('hex');
  }

  /** `bytes` bytes for the use named `purpose`; the same on every node with this key. */
  derive(purpose: string, bytes = 32): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, '', DOMAIN + purpose, bytes));
  }
}

/** What a key file holds: two keys while one is being replaced by the other. */
export interface ClusterKeys {
  /** Proves who this node is. */
  readonly current: ClusterKey;
  /** Accepted from others as well. */
  readonly other: ClusterKey | null;
}

/** The key of `keys` with that id, or null. */
export function keyOf(keys: ClusterKeys, id: string): ClusterKey | null {
  if (keys.current.id === id) return keys.current;
  return keys.other?.id === id ? keys.other : null;
}
