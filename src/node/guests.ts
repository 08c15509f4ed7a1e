/**
 * The connections that others have made to this node. They end with it: a listener that closes
 * leaves those that it has accepted open, and an open connection keeps the process alive for as long
 * as its other end likes.
 */
import type { Connection, Receiver } from '../transport/index.ts';

export class Guests {
  readonly #open = new Set<Connection>();

  /** Keeps `connection` until it ends. It is one receiver of it, which takes no message. */
  receiver(connection: Connection): Receiver {
    this.#open.add(connection);
    return { receive: () => false, closed: () => this.#open.delete(connection) };
  }

  /** Ends all of them, after what is queued for them. */
  close(): void {
    for (const connection of [...this.#open]) connection.close();
  }
}
