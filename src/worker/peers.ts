/** One outgoing connection per address, made on demand and shared by all channels to it. */
import { type Connection, dispatch, type Receiver, type Transport } from '../transport/index.ts';

export interface PeersOptions {
  readonly transport: Transport;
  /** What to do with what comes back over a connection made here. */
  receiver(connection: Connection): Receiver;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #closing = new AbortController();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** The connection to `address`; a lost or failed one is made anew by the next call. */
  get(address: string): Promise<Connection> {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = this.#connect(address);
    this.#connections.set(address, made);
    made.catch(() => this.#forget(address, made));
    return made;
  }

  /** Closes every connection, also those that are being made. */
  async close(): Promise<void> {
    this.#closing.abort();
    const all = [...this.#connections.values()];
    this.#connections.clear();
    for (const result of await Promise.allSettled(all)) {
      if (result.status === 'fulfilled') result.value.close();
    }
  }

  async #connect(address: string): Promise<Connection> {
    const connection = await this.#options.transport.connect(address, this.#closing.signal);
    const made = this.#connections.get(address);
    const forget: Receiver = {
      receive: () => false,
      closed: () => {
        if (made !== undefined) this.#forget(address, made);
      },
    };
    dispatch(connection, [this.#options.receiver(connection), forget]);
    return connection;
  }

  #forget(address: string, made: Promise<Connection>): void {
    if (this.#connections.get(address) === made) this.#connections.delete(address);
  }
}
