import type { Message } from '../wire/index.ts';
import type { Connection } from './connection.ts';

interface Waiting {
  readonly message: Message;
  readonly failed: (reason: unknown) => void;
}

/**
 * Sends large messages one at a time, in the order given, while the connection's queue is short:
 * together they would be taken for a sender that does not wait (PEER_SLOW). Other messages of the
 * connection may overtake them.
 */
export class BulkSender {
  readonly #connection: Connection;
  readonly #waiting = new Map<number, Waiting>();
  #sending: Promise<void> | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Sends `message` now or in its turn; `failed` is told why it could not be sent then.
   * @throws fault WIRE_INVALID, where it is sent now
   */
  send(id: number, message: Message, failed: (reason: unknown) => void): void {
    const drained = this.#connection.drained();
    if (this.#sending === null && drained === null) {
      this.#connection.send(message);
      return;
    }
    this.#waiting.set(id, { message, failed });
    this.#sending ??= this.#sendWaiting(drained);
  }

  /** True when message `id` still waited; it is not sent any more. */
  withdraw(id: number): boolean {
    return this.#waiting.delete(id);
  }

  async #sendWaiting(drained: Promise<void> | null): Promise<void> {
    await drained;
    for (const [id, { message, failed }] of this.#waiting) {
      this.#waiting.delete(id);
      try {
        this.#connection.send(message);
      } catch (error) {
        failed(error);
      }
      await this.#connection.drained();
    }
    this.#sending = null;
  }
}

/**
 * Sends `message` once the queue is short, unless `signal` aborts before. Looks and sends in one
 * turn: of several who wait, each sees what the one before has sent.
 */
export async function sendWhenShort(
  connection: Connection,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  let drained = connection.drained();
  while (drained !== null) {
    await drained;
    drained = connection.drained();
  }
  if (!signal.aborted) connection.send(message);
}
