/**
 * Asks a peer to run methods.
 *
 * Invariants
 *   Q1  Every request ends once: with its result, with a fault, with the signal's reason, or with
 *       the end of the connection. Nobody waits for ever.
 *   Q2  At most `REQUESTS_MAX` requests are open; items of a stream that wait here are never more
 *       than the credit given (`STREAM_CREDIT`), so a slow reader slows the peer.
 *   Q3  Ids are used once. An answer to a request that was given up is ignored; an answer to one
 *       that was never asked, or items beyond the credit, end the connection.
 *   Q4  Requests with data are sent in the order of the calls, each when the queue is short.
 */
import { type Fault, fault } from '../core/index.ts';
import { fromWireFault, type Message } from '../wire/index.ts';
import { Bulk } from './bulk.ts';
import { BulkSender } from './bulk-sender.ts';
import type { Connection } from './connection.ts';
import { dispatch, type Receiver } from './dispatch.ts';
import { ItemQueue } from './item-queue.ts';

/** Open requests of one client. */
export const REQUESTS_MAX = 1024;
/** Items of a stream that may be under way or wait unread. */
export const STREAM_CREDIT = 32;
/** Credit is given back when so many items have been taken. */
const CREDIT_STEP = STREAM_CREDIT / 2;

interface Open {
  item(value: unknown): void;
  done(result: unknown): void;
  failed(reason: unknown): void;
}

export class RpcClient implements Receiver {
  readonly #connection: Connection;
  readonly #bulk: BulkSender;
  readonly #open = new Map<number, Open>();
  #lastId = 0;
  #ended: Fault | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#bulk = new BulkSender(connection);
  }

  /**
   * Runs `method` at the peer, which gets `data` beside the params; the pieces are given away.
   * Bytes beside the answer come as a `Bulk`.
   * @throws the method's fault; PEER_CLOSED, PEER_LOST or PEER_SILENT; the signal's reason
   */
  async call(
    method: string,
    params: unknown,
    signal?: AbortSignal,
    data: readonly Uint8Array[] = [],
  ): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const unexpected = (): void => {
      throw fault('WIRE_INVALID', { problem: `${method} has one answer, and an item came` });
    };
    const open = { item: unexpected, done: resolve, failed: reject };
    const id = this.#ask({ method, params, credit: 0 }, data, signal, open);
    return this.#until(id, promise, signal);
  }

  /**
   * Runs `method`, which answers item by item. The request is sent when the first item is asked
   * for; leaving the loop cancels it. An item with bytes beside it is a `Bulk`.
   * @throws as `call`, from the iteration
   */
  async *stream(method: string, params: unknown, signal?: AbortSignal): AsyncGenerator<unknown> {
    const queue = new ItemQueue(STREAM_CREDIT);
    const id = this.#ask({ method, params, credit: STREAM_CREDIT }, [], signal, {
      item: (value) => queue.push(value),
      done: () => queue.end(),
      failed: (reason) => queue.fail(reason),
    });
    const abort = (): void => this.#giveUp(id, signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      let taken = 0;
      for await (const value of queue) {
        yield value;
        taken += 1;
        if (taken % CREDIT_STEP !== 0 || !this.#open.has(id)) continue;
        queue.allow(CREDIT_STEP);
        this.#connection.send({ kind: 'credit', id, n: CREDIT_STEP });
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#giveUp(id, null);
    }
  }

  receive(message: Message): boolean {
    switch (message.kind) {
      case 'response':
        this.#take(message.id)?.done(message.result);
        return true;
      case 'failure':
        this.#take(message.id)?.failed(fromWireFault(message.fault, this.#connection.peer));
        return true;
      case 'item':
        this.#find(message.id)?.item(message.value);
        return true;
      case 'response-data':
        this.#take(message.id)?.done(new Bulk(message.result, message.data));
        return true;
      case 'item-data':
        this.#find(message.id)?.item(new Bulk(message.value, message.data));
        return true;
      default:
        return false;
    }
  }

  closed(reason: Fault | null): void {
    const peer = this.#connection.peer;
    this.#ended = reason ?? fault('PEER_CLOSED', { peer, reason: 'it has no more to say' });
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const each of open) each.failed(this.#ended);
  }

  #ask(
    asked: { readonly method: string; readonly params: unknown; readonly credit: number },
    data: readonly Uint8Array[],
    signal: AbortSignal | undefined,
    open: Open,
  ): number {
    signal?.throwIfAborted();
    if (this.#ended !== null) throw this.#ended;
    const peer = this.#connection.peer;
    if (this.#open.size >= REQUESTS_MAX)
      throw fault('REQUESTS_TOO_MANY', { peer, count: REQUESTS_MAX });
    const id = ++this.#lastId;
    if (data.length === 0) this.#connection.send({ kind: 'request', id, ...asked });
    else
      this.#bulk.send(id, { kind: 'request-data', id, ...asked, data }, (reason) => {
        this.#take(id)?.failed(reason);
      });
    this.#open.set(id, open);
    return id;
  }

  async #until(
    id: number,
    answer: Promise<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const abort = (): void => this.#giveUp(id, signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #giveUp(id: number, reason: unknown): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    if (!this.#bulk.withdraw(id)) this.#connection.send({ kind: 'cancel', id });
    open.failed(reason);
  }

  #take(id: number): Open | undefined {
    const open = this.#find(id);
    this.#open.delete(id);
    return open;
  }

  #find(id: number): Open | undefined {
    if (id < 1 || id > this.#lastId)
      throw fault('WIRE_INVALID', { problem: `an answer to request ${id}, which was not made` });
    return this.#open.get(id);
  }
}

/** A client on a connection that has no other use. */
export function openRpc(connection: Connection): RpcClient {
  const client = new RpcClient(connection);
  dispatch(connection, [client]);
  return client;
}
