import type { Fault } from '../../../src/core/index.ts';
import type { Connection, ConnectionHandler } from '../../../src/transport/index.ts';
import type { Message } from '../../../src/wire/index.ts';

/** A handler that keeps what it is told, for tests to wait for. */
export class Inbox implements ConnectionHandler {
  readonly messages: Message[] = [];
  readonly #closed = Promise.withResolvers<Fault | null>();
  #ends = 0;
  #arrived = Promise.withResolvers<void>();

  /** Serves `connection` with a new inbox. */
  static on(connection: Connection): Inbox {
    const inbox = new Inbox();
    connection.serve(inbox);
    return inbox;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<Fault | null> {
    return this.#closed.promise;
  }

  /** How many times the end was told. */
  get ends(): number {
    return this.#ends;
  }

  message(message: Message): void {
    this.messages.push(message);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  closed(reason: Fault | null): void {
    this.#ends += 1;
    this.#closed.resolve(reason);
  }

  /** Resolves when `count` messages have come in all. */
  async until(count: number): Promise<readonly Message[]> {
    while (this.messages.length < count) {
      const end = this.ended.then((reason) => {
        throw new Error(`ended after ${this.messages.length} of ${count}: ${reason}`);
      });
      await Promise.race([this.#arrived.promise, end]);
    }
    return this.messages;
  }
}
