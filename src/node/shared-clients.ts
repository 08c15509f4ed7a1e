/**
 * Connections to other nodes for requests, one per address, made on demand and shared by all parts
 * of this node.
 *
 * K1  A connection that ended, or could not be made, is made anew by the next request.
 * K2  Who has no more patience stops waiting; the connection is still made for the others.
 */
import { dispatch, RpcClient, type Transport } from '../transport/index.ts';

export class SharedClients {
  readonly #transport: Transport;
  readonly #clients = new Map<string, Promise<RpcClient>>();
  readonly #closing = new AbortController();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The requests to `address`. @throws PEER_UNREACHABLE, ..., the reason of `signal` */
  async get(address: string, signal?: AbortSignal): Promise<RpcClient> {
    signal?.throwIfAborted();
    const known = this.#clients.get(address) ?? this.#make(address);
    return signal === undefined ? known : unlessAborted(known, signal);
  }

  /** Ends all connections, also those that are being made. */
  close(): void {
    this.#closing.abort();
    this.#clients.clear();
  }

  #make(address: string): Promise<RpcClient> {
    const made = this.#connect(address, () => {
      if (this.#clients.get(address) === made) this.#clients.delete(address);
    });
    this.#clients.set(address, made);
    return made;
  }

  async #connect(address: string, ended: () => void): Promise<RpcClient> {
    const { signal } = this.#closing;
    try {
      const connection = await this.#transport.connect(address, signal);
      const client = new RpcClient(connection);
      const close = (): void => connection.close();
      signal.addEventListener('abort', close, { once: true });
      const end = (): void => {
        signal.removeEventListener('abort', close);
        ended();
      };
      dispatch(connection, [client, { receive: () => false, closed: end }]);
      if (signal.aborted) close();
      return client;
    } catch (error) {
      ended();
      throw error;
    }
  }
}

/** K2. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
