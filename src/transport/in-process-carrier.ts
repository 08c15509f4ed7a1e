/**
 * Two ends in one process.
 *
 * Invariants
 *   P1  Messages arrive in order and never during `send`: what is queued is delivered together in
 *       the next turn of the event loop, so that neither side runs on the other's stack and
 *       sockets and timers have their turn between two deliveries.
 *   P2  Blocks and bulk data are handed on by reference; every other message is written down and read again, so
 *       that the two sides share no object and nothing works here that a socket would refuse.
 *   P3  `queuedBytes` counts what the peer has not been given, in bytes of frames.
 */
import { assert, inOnePiece, present } from '../core/index.ts';
import { decodeMessage, encodeMessage, type Message } from '../wire/index.ts';
import type { Carrier, CarrierEvents } from './link.ts';

const FRAME_LENGTH_BYTES = 4;

type BulkMessage = Extract<Message, { readonly data: readonly Uint8Array[] }>;

type Entry =
  | { readonly kind: 'message'; readonly message: Message; readonly bytes: number }
  | { readonly kind: 'end' };

/** What both ends share. */
export class Wire {
  readonly near = new InProcessCarrier(this);
  readonly far = new InProcessCarrier(this);
  #silent = false;

  constructor() {
    InProcessCarrier.join(this.near, this.far);
  }

  /** While true nothing passes in either direction, as if one process had been stopped. */
  get silent(): boolean {
    return this.#silent;
  }

  set silent(silent: boolean) {
    this.#silent = silent;
    this.near.wake();
    this.far.wake();
  }
}

export class InProcessCarrier implements Carrier {
  readonly #wire: Wire;
  #peer: InProcessCarrier | null = null;
  #events: CarrierEvents | null = null;
  #queue: Entry[] = [];
  #queuedBytes = 0;
  #reading = false;
  #scheduled = false;
  #state: 'open' | 'ending' | 'dead' = 'open';

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Joins two ends. */
  static join(a: InProcessCarrier, b: InProcessCarrier): void {
    a.#peer = b;
    b.#peer = a;
  }

  set events(events: CarrierEvents) {
    this.#events = events;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(message: Message): void {
    if (this.#state !== 'open') return;
    const parts = encodeMessage(message);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#queue.push({ kind: 'message', message: handedOver(message, parts), bytes });
    this.#queuedBytes += bytes;
    this.#schedule();
  }

  resume(): void {
    this.#reading = true;
    this.#other.wake();
  }

  /** Goes on delivering, after the peer has begun to read or the silence has ended. */
  wake(): void {
    if (this.#queue.length > 0) this.#schedule();
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#queue.push({ kind: 'end' });
    this.#reading = true;
    this.#schedule();
    this.#other.wake();
  }

  destroy(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#queue = [{ kind: 'end' }];
    this.#queuedBytes = 0;
    this.#schedule();
  }

  get #other(): InProcessCarrier {
    return present(this.#peer, 'ends are joined when they are made');
  }

  #schedule(): void {
    if (this.#scheduled || this.#wire.silent || !this.#other.#reading) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#wire.silent) return;
    const batch = this.#queue;
    this.#queue = [];
    const events = present(this.#other.#events, 'both ends are in use before one delivers');
    for (const entry of batch) {
      if (entry.kind === 'end') {
        events.lost('it ended without a goodbye', null);
      } else {
        this.#queuedBytes -= entry.bytes;
        events.received(entry.message);
      }
    }
    this.#events?.progress();
  }
}

/** What the peer gets for `message`, by P2. */
function handedOver(message: Message, parts: readonly Uint8Array[]): Message {
  if (message.kind === 'ack' || message.kind === 'data') return message;
  if (!isBulk(message)) return readBack(parts);
  const beside = readBack(encodeMessage({ ...message, data: [] }));
  assert(isBulk(beside), 'what is read is of the kind that was written');
  return { ...beside, data: [inOnePiece(message.data)] };
}

function isBulk(message: Message): message is BulkMessage {
  return 'data' in message && Array.isArray(message.data);
}

function readBack(parts: readonly Uint8Array[]): Message {
  return decodeMessage(Buffer.concat(parts).subarray(FRAME_LENGTH_BYTES));
}
