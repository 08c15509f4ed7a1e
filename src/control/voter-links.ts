/**
 * The ways to the other voters.
 *
 * 1. Each voter sends on connections that it has made itself, one to each other voter, and receives
 *    on those that were made to it; so a message is never answered by waiting for one way only.
 * 2. Nothing waits for a way that is closed: what cannot be sent is dropped, and the agreement sends
 *    again what matters. While a connection is being made, a few messages are kept.
 * 3. A way that fails is tried again, later each time.
 * 4. Who asks and is no member that is known here (a leader that adds this voter, a voter that was
 *    removed) is answered on the connection that it asked on.
 */
import {
  between,
  type Clock,
  type Fault,
  type Logger,
  type Random,
  type Timer,
} from '../core/index.ts';
import type { Member, RaftMessage } from '../raft/index.ts';
import type { Connection, ConnectionHandler, Transport } from '../transport/index.ts';

/** Messages kept while a connection is made: those of one election and the entries after it. */
const KEPT_MAX = 32;
/** A peer that has left so much unread gets nothing more for now. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024;
const RETRY_MS = 50;
const RETRY_MS_MAX = 1_000;

type Way =
  | { readonly kind: 'waiting'; readonly timer: Timer; readonly failures: number }
  | { readonly kind: 'dialling'; readonly abort: AbortController; readonly kept: RaftMessage[] }
  | { readonly kind: 'open'; readonly connection: Connection };

export interface LinksOptions {
  readonly transport: Pick<Transport, 'connect'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Serves a connection that was made. */
  readonly handler: (connection: Connection) => Pick<ConnectionHandler, 'message'>;
  /** What was sent to voter `id` lately may be lost. */
  readonly lost: (id: string) => void;
}

export class VoterLinks {
  readonly #options: LinksOptions;
  readonly #ways = new Map<string, { readonly address: string; way: Way }>();
  readonly #heard = new Map<string, Connection>();
  #closed = false;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Sends `message` to `member`, or drops it (2). */
  send(member: Member, message: RaftMessage): void {
    if (this.#closed) return;
    const known = this.#ways.get(member.id);
    if (known !== undefined && known.address !== member.address) this.#forget(member.id);
    const way = this.#ways.get(member.id)?.way ?? this.#dial(member, 0);
    if (way.kind === 'open') {
      if (way.connection.queuedBytes < QUEUE_BYTES_MAX) way.connection.send(message);
    } else if (way.kind === 'dialling' && way.kept.length < KEPT_MAX) way.kept.push(message);
  }

  /** Voter `id` has said something on `connection`. */
  heard(id: string, connection: Connection): void {
    if (this.#heard.get(id) !== connection) this.#heard.set(id, connection);
  }

  /** `connection` has ended. */
  left(connection: Connection): void {
    for (const [id, each] of this.#heard) if (each === connection) this.#heard.delete(id);
  }

  /** Sends `message` to one who is no known member (4), or drops it. */
  answer(id: string, message: RaftMessage): void {
    const connection = this.#heard.get(id);
    if (connection !== undefined && connection.queuedBytes < QUEUE_BYTES_MAX) {
      connection.send(message);
    }
  }

  /** Ends the ways to all but `ids`. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.#ways.keys()]) if (!ids.has(id)) this.#forget(id);
  }

  close(): void {
    this.#closed = true;
    this.keepOnly(new Set());
    this.#heard.clear();
  }

  #dial(member: Member, failures: number): Way {
    const way: Way = { kind: 'dialling', abort: new AbortController(), kept: [] };
    const { id, address } = member;
    this.#ways.set(id, { address, way });
    this.#options.transport.connect(address, way.abort.signal).then(
      (connection) => this.#opened(member, way, connection),
      (error: unknown) => {
        if (this.#ways.get(id)?.way === way) this.#retry(member, failures + 1, error);
      },
    );
    return way;
  }

  #opened(member: Member, way: Extract<Way, { kind: 'dialling' }>, connection: Connection): void {
    const entry = this.#ways.get(member.id);
    if (entry?.way !== way) return connection.close();
    const open: Way = { kind: 'open', connection };
    entry.way = open;
    const { message } = this.#options.handler(connection);
    const closed = (reason: Fault | null): void => {
      this.left(connection);
      if (this.#ways.get(member.id)?.way !== open) return;
      this.#retry(member, 1, reason);
      this.#options.lost(member.id);
    };
    connection.serve({ message, closed });
    for (const kept of way.kept) connection.send(kept);
  }

  /** 3. */
  #retry(member: Member, failures: number, reason: unknown): void {
    const { clock, random, log } = this.#options;
    const { id, address } = member;
    const longest = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (failures - 1));
    const timer = clock.timer(between(random, longest / 2, longest + 1), () => {
      if (this.#ways.get(id)?.way.kind === 'waiting') this.#dial(member, failures);
    });
    if (failures === 1) log.debug('a voter cannot be reached', { voter: id, reason: `${reason}` });
    this.#ways.set(id, { address, way: { kind: 'waiting', timer, failures } });
  }

  #forget(id: string): void {
    const way = this.#ways.get(id)?.way;
    this.#ways.delete(id);
    if (way?.kind === 'waiting') way.timer.cancel();
    if (way?.kind === 'dialling') way.abort.abort(new Error('the voter is not needed any more'));
    if (way?.kind === 'open') way.connection.close();
  }
}
