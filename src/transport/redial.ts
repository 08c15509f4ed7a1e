/**
 * Keeps one connection to an address, dialling again whenever there is none.
 *
 *   const redial = new Redial({ transport, address, clock, random, serve: (connection) => handler });
 *   redial.connection?.send(message);
 *   redial.close();
 *
 * Invariants
 *   D1  There is at most one attempt or one connection at a time, and none after `close`.
 *   D2  Each failure doubles the wait, from `FIRST_MS` to `LONGEST_MS`; the second half of each wait
 *       is random, so that nodes that lost the same peer do not come back in step.
 *   D3  The wait begins small again only after a connection that lasted `STEADY_MS`: a peer that
 *       accepts and closes at once is not hammered.
 *   D4  No fault is final: a wrong key or version may be put right at the other side. What failed is
 *       told each time, and the owner may close.
 */
import { assert, type Clock, Fault, fault, type Random, type Timer, unit } from '../core/index.ts';
import type { Connection, ConnectionHandler, Transport } from './connection.ts';

const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const STEADY_MS = 10_000;

type Phase =
  | { readonly kind: 'dialling'; readonly attempt: AbortController }
  | { readonly kind: 'connected'; readonly connection: Connection; readonly since: number }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

const edges = {
  dialling: ['connected', 'waiting', 'closed'],
  connected: ['waiting', 'closed'],
  waiting: ['dialling', 'closed'],
  closed: [],
} as const satisfies Record<Phase['kind'], readonly Phase['kind'][]>;

export interface RedialOptions {
  readonly transport: Transport;
  readonly address: string;
  readonly clock: Clock;
  readonly random: Random;
  /** What a new connection is for; it is served with the result. */
  readonly serve: (connection: Connection) => ConnectionHandler;
  /** Told why there is no connection, and in how many milliseconds the next attempt follows. */
  readonly failed?: (reason: Fault, nextMs: number) => void;
}

export class Redial {
  readonly #options: RedialOptions;
  #phase: Phase;
  #failures = 0;

  constructor(options: RedialOptions) {
    this.#options = options;
    this.#phase = { kind: 'dialling', attempt: new AbortController() };
    this.#dial();
  }

  /** The connection, when there is one. */
  get connection(): Connection | null {
    return this.#phase.kind === 'connected' ? this.#phase.connection : null;
  }

  get state(): Phase['kind'] {
    return this.#phase.kind;
  }

  /** Ends a wait: there is a reason to believe that the peer is back. */
  wake(): void {
    if (this.#phase.kind !== 'waiting') return;
    this.#phase.timer.cancel();
    this.#again();
  }

  /** Gives up the attempt, or closes the connection, and dials no more. */
  close(): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    this.#enter({ kind: 'closed' });
    if (phase.kind === 'waiting') phase.timer.cancel();
    else if (phase.kind === 'dialling') phase.attempt.abort();
    else phase.connection.close();
  }

  #dial(): void {
    assert(this.#phase.kind === 'dialling', 'an attempt belongs to the phase of dialling');
    const { attempt } = this.#phase;
    const { transport, address } = this.#options;
    transport.connect(address, attempt.signal).then(
      (connection) => this.#connected(connection),
      (error: unknown) => this.#refused(error),
    );
  }

  #connected(connection: Connection): void {
    if (this.#phase.kind === 'closed') {
      connection.close();
      return;
    }
    this.#enter({ kind: 'connected', connection, since: this.#options.clock.now() });
    const handler = this.#options.serve(connection);
    connection.serve({
      message: (message) => handler.message(message),
      closed: (reason) => {
        handler.closed(reason);
        const peer = connection.peer;
        this.#wait(reason ?? fault('PEER_CLOSED', { peer, reason: 'it has no more to say' }));
      },
    });
  }

  #refused(error: unknown): void {
    if (this.#phase.kind === 'closed') return;
    if (!(error instanceof Fault)) throw error;
    this.#wait(error);
  }

  #wait(reason: Fault): void {
    if (this.#phase.kind === 'closed') return;
    const { clock, random, failed } = this.#options;
    const lasted = this.#phase.kind === 'connected' ? clock.now() - this.#phase.since : 0;
    this.#failures = lasted >= STEADY_MS ? 1 : this.#failures + 1;
    const whole = Math.min(FIRST_MS * 2 ** (this.#failures - 1), LONGEST_MS);
    const delay = whole / 2 + (unit(random) * whole) / 2;
    this.#enter({ kind: 'waiting', timer: clock.timer(delay, () => this.#again()) });
    failed?.(reason, delay);
  }

  #again(): void {
    this.#enter({ kind: 'dialling', attempt: new AbortController() });
    this.#dial();
  }

  #enter(next: Phase): void {
    const legal: readonly Phase['kind'][] = edges[this.#phase.kind];
    assert(legal.includes(next.kind), `a redial goes from ${this.#phase.kind} to ${next.kind}`);
    this.#phase = next;
  }
}
