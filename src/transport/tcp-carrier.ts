/**
 * Messages over a stream socket.
 *
 * Invariants
 *   T1  Frames written in one turn of the event loop leave together, in one writev, without being
 *       copied; a burst above `FLUSH_BYTES` leaves at once.
 *   T2  While the events are not ready (`resume` not called, or `pause` called) the socket is not
 *       read: what the peer sends waits in the kernel and then with the peer.
 *   T3  After `end` the peer has `lingerMs` to read the rest; then the socket is torn down.
 *   T4  What was read before the end or an error is delivered before `lost`.
 */
import type { Socket } from 'node:net';
import { type Clock, Fault, type Timer } from '../core/index.ts';
import { decodeMessage, encodeMessage, FrameParser, type Message } from '../wire/index.ts';
import type { Carrier, CarrierEvents } from './link.ts';
import { socketReason } from './sockets.ts';

const FLUSH_BYTES = 256 * 1024;

type Phase =
  | { readonly kind: 'open' }
  | { readonly kind: 'ending'; readonly linger: Timer }
  | { readonly kind: 'dead' };

export interface TcpCarrierOptions {
  readonly socket: Socket;
  readonly events: CarrierEvents;
  readonly clock: Clock;
  readonly lingerMs: number;
  /** Payload bytes of a frame at most, until `accepted`. */
  readonly strangerBytesMax: number;
}

export class TcpCarrier implements Carrier {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #parser: FrameParser;
  #events: CarrierEvents;
  #phase: Phase = { kind: 'open' };
  #reading = true;
  #corkedAt = -1;
  #error: Error | null = null;
  readonly #written = (): void => this.#events.progress();

  constructor(options: TcpCarrierOptions) {
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#lingerMs = options.lingerMs;
    this.#events = options.events;
    this.#parser = new FrameParser(options.strangerBytesMax);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('end', () => {
      if (this.#phase.kind === 'open') this.#over();
    });
    this.#socket.on('close', () => this.#over());
  }

  /** The peer is no stranger any more; `events` takes over and says when it is ready. */
  accepted(events: CarrierEvents): void {
    this.#events = events;
    this.#parser.limit = Number.POSITIVE_INFINITY;
    this.#reading = false;
    this.#socket.pause();
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  send(message: Message): void {
    const parts = encodeMessage(message);
    if (this.#phase.kind !== 'open' || !this.#socket.writable) return;
    if (this.#corkedAt < 0) this.#cork();
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) this.#socket.write(parts[i]);
    this.#socket.write(parts[last], this.#written);
    if (this.#socket.writableLength - this.#corkedAt > FLUSH_BYTES) this.#uncork();
  }

  resume(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#parse();
    if (this.#reading) this.#socket.resume();
  }

  end(): void {
    if (this.#phase.kind !== 'open') return;
    const linger = this.#clock.timer(this.#lingerMs, () => this.destroy());
    this.#phase = { kind: 'ending', linger };
    this.#uncork();
    this.#socket.end();
    this.resume();
  }

  destroy(): void {
    if (this.#phase.kind === 'ending') this.#phase.linger.cancel();
    this.#phase = { kind: 'dead' };
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#phase.kind !== 'open') return;
    this.#events.heard();
    this.#parser.push(chunk);
    this.#parse();
  }

  #parse(): void {
    while (this.#reading && this.#phase.kind === 'open') {
      const message = this.#next();
      if (message === null) return;
      this.#events.received(message);
    }
  }

  /** The next message that has arrived whole; a frame that is none ends the connection. */
  #next(): Message | null {
    try {
      const payload = this.#parser.next();
      return payload === null ? null : decodeMessage(payload);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#events.invalid(error);
      return null;
    }
  }

  #over(): void {
    if (this.#phase.kind === 'ending') this.#phase.linger.cancel();
    if (this.#phase.kind === 'dead') return;
    this.#phase = { kind: 'dead' };
    const reason = this.#error === null ? 'it ended without a goodbye' : socketReason(this.#error);
    this.#events.lost(reason, this.#error);
    this.#socket.destroy();
  }

  #cork(): void {
    this.#corkedAt = this.#socket.writableLength;
    this.#socket.cork();
    setImmediate(() => this.#uncork());
  }

  #uncork(): void {
    if (this.#corkedAt < 0) return;
    this.#corkedAt = -1;
    this.#socket.uncork();
  }
}
