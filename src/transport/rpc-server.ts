/**
 * Runs methods for a peer.
 *
 * Invariants
 *   V1  Every request is answered once, by a response or a failure, unless it was cancelled.
 *   V2  Params are checked against the method's schema before the method sees them.
 *   V3  At most `RUNNING_MAX` methods run for one connection; a cancelled one counts until it has
 *       really ended.
 *   V4  An item is asked of a method only when the peer has given credit for it and the
 *       connection's queue is short.
 *   V5  When the connection ends, every running method's signal is aborted.
 *   V6  Bulk answers and items, however many methods have one, are sent one at a time while the
 *       queue is short.
 */

import { type Fault, fault, isFault, type Logger, reasonOf, silentLog } from '../core/index.ts';
import { type Message, type Request, toWireFault } from '../wire/index.ts';
import { Bulk } from './bulk.ts';
import { sendWhenShort } from './bulk-sender.ts';
import type { Connection } from './connection.ts';
import { dispatch, type Receiver } from './dispatch.ts';
import { named, type RpcMethod, type RpcMethods } from './rpc-method.ts';

/** Methods running for one connection. */
export const RUNNING_MAX = 1024;

const NO_DATA: readonly Uint8Array[] = [];

interface Running {
  readonly abort: AbortController;
  credit: number;
  moreCredit: PromiseWithResolvers<void> | null;
}

export class RpcServer implements Receiver {
  readonly #connection: Connection;
  readonly #methods: ReadonlyMap<string, RpcMethod>;
  readonly #log: Logger;
  readonly #running = new Map<number, Running>();

  constructor(connection: Connection, methods: RpcMethods, log: Logger = silentLog) {
    this.#connection = connection;
    this.#methods = new Map(Object.entries(methods));
    this.#log = log;
  }

  receive(message: Message): boolean {
    switch (message.kind) {
      case 'request':
        this.#start(message, NO_DATA);
        return true;
      case 'request-data':
        this.#start({ ...message, kind: 'request' }, message.data);
        return true;
      case 'cancel':
        this.#stop(message.id, new Error('the request was cancelled'));
        return true;
      case 'credit':
        this.#allow(message.id, message.n);
        return true;
      default:
        return false;
    }
  }

  closed(reason: Fault | null): void {
    for (const id of this.#running.keys())
      this.#stop(id, reason ?? new Error('the connection was closed'));
  }

  #start(request: Request, data: readonly Uint8Array[]): void {
    const { id, credit } = request;
    if (this.#running.has(id))
      throw fault('WIRE_INVALID', { problem: `request ${id} is still running` });
    const method = this.#admitted(request.method);
    if (isFault(method)) {
      this.#fail(id, method);
    } else {
      const running = { abort: new AbortController(), credit, moreCredit: null };
      this.#running.set(id, running);
      void this.#run(request, data, method, running);
    }
  }

  /** V3. */
  #admitted(method: string): RpcMethod | Fault {
    if (this.#running.size >= RUNNING_MAX) {
      const peer = this.#connection.peer;
      return fault('REQUESTS_TOO_MANY', { peer, count: RUNNING_MAX });
    }
    return this.#methods.get(method) ?? fault('REQUEST_UNKNOWN', { method });
  }

  /** V1. Never rejects. */
  async #run(
    request: Request,
    data: readonly Uint8Array[],
    method: RpcMethod,
    running: Running,
  ): Promise<void> {
    const { id } = request;
    try {
      const result = await this.#result(request, data, method, running);
      await this.#send(asAnswer(id, result), running.abort.signal);
    } catch (error) {
      if (!running.abort.signal.aborted) this.#fail(id, named(request.method, error));
    } finally {
      this.#running.delete(id);
    }
  }

  async #result(
    request: Request,
    data: readonly Uint8Array[],
    method: RpcMethod,
    running: Running,
  ): Promise<unknown> {
    const { signal } = running.abort;
    if ((method.kind === 'stream') !== request.credit > 0) {
      const problem = `it answers ${method.kind === 'stream' ? 'item by item' : 'once'}`;
      throw fault('REQUEST_INVALID', { method: request.method, problem });
    }
    if (method.kind === 'unary') return method.run(request.params, signal, data);
    await this.#items(request.id, method.run(request.params, signal, data), running);
    return null;
  }

  /** V4. */
  async #items(id: number, items: AsyncIterable<unknown>, running: Running): Promise<void> {
    const iterator = items[Symbol.asyncIterator]();
    const { signal } = running.abort;
    try {
      while (!signal.aborted) {
        await this.#room(running);
        if (signal.aborted) return;
        const { done, value } = await iterator.next();
        if (done === true) return;
        running.credit -= 1;
        await this.#send(asItem(id, value), signal);
      }
    } finally {
      await iterator.return?.();
    }
  }

  async #room(running: Running): Promise<void> {
    while (running.credit === 0 && !running.abort.signal.aborted) {
      running.moreCredit ??= Promise.withResolvers();
      await running.moreCredit.promise;
    }
    await this.#connection.drained();
  }

  /** V6 for those with data; others leave at once. */
  async #send(message: Message, signal: AbortSignal): Promise<void> {
    if ('data' in message) await sendWhenShort(this.#connection, message, signal);
    else if (!signal.aborted) this.#connection.send(message);
  }

  #allow(id: number, items: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.credit += items;
    this.#wake(running);
  }

  #stop(id: number, reason: Error): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    running.abort.abort(reason);
    this.#wake(running);
  }

  #wake(running: Running): void {
    running.moreCredit?.resolve();
    running.moreCredit = null;
  }

  #fail(id: number, error: unknown): void {
    if (!isFault(error)) this.#log.error('a request failed', { reason: reasonOf(error) });
    this.#connection.send({ kind: 'failure', id, fault: toWireFault(error) });
  }
}

function asAnswer(id: number, result: unknown): Message {
  if (!(result instanceof Bulk)) return { kind: 'response', id, result };
  return { kind: 'response-data', id, result: result.value, data: result.parts };
}

function asItem(id: number, value: unknown): Message {
  if (!(value instanceof Bulk)) return { kind: 'item', id, value };
  return { kind: 'item-data', id, value: value.value, data: value.parts };
}

/** Serves `methods` on a connection that has no other use. */
export function serveRpc(connection: Connection, methods: RpcMethods, log?: Logger): void {
  dispatch(connection, [new RpcServer(connection, methods, log)]);
}
