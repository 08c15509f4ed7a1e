import { assert } from '../core/index.ts';
import { DATA_FRAME_BYTES_MAX } from '../wire/index.ts';

/** Times in milliseconds of the injected clock, sizes in bytes. */
export interface TransportLimits {
  /** From the first packet to the peer's welcome. */
  readonly connectMs: number;
  /** Silence after which a peer is asked for a sign of life. */
  readonly pingMs: number;
  /** Silence after which a peer is taken for dead: several unanswered pings. */
  readonly silentMs: number;
  /** For a peer to read what was sent before a close. */
  readonly lingerMs: number;
  /** A queue this long asks its sender to wait ... */
  readonly highBytes: number;
  /** ... until it is this short. */
  readonly lowBytes: number;
  /** A queue this long means a sender that does not wait and a peer that does not read. */
  readonly queueBytesMax: number;
  /** Sockets that have not said hello: in all, and from one address of another machine. */
  readonly strangersMax: number;
  readonly strangersPerAddressMax: number;
  /** For a stranger to say hello. */
  readonly helloMs: number;
}

export const defaultLimits: TransportLimits = {
  connectMs: 5_000,
  pingMs: 2_000,
  silentMs: 10_000,
  lingerMs: 5_000,
  highBytes: 1024 * 1024,
  lowBytes: 256 * 1024,
  queueBytesMax: 64 * 1024 * 1024,
  strangersMax: 64,
  strangersPerAddressMax: 8,
  helloMs: 5_000,
};

/** The default limits with `some` of them changed. */
export function limitsWith(some: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...defaultLimits, ...some };
  assert(limits.lowBytes < limits.highBytes, 'a queue is short before it is long');
  assert(
    limits.queueBytesMax >= limits.highBytes + DATA_FRAME_BYTES_MAX,
    'a sender that waits is never over the bound',
  );
  assert(limits.silentMs >= 2 * limits.pingMs, 'a peer is asked before it is taken for dead');
  return limits;
}
