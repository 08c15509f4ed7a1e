import { type Fault, fault } from '../core/index.ts';
import type { Message } from '../wire/index.ts';
import type { Connection } from './connection.ts';

/** One use of a connection. */
export interface Receiver {
  /** Takes `message`, or says false when it is for another receiver. Throws as `message` may. */
  receive(message: Message): boolean;
  /** The connection has ended; as `ConnectionHandler.closed`. */
  closed(reason: Fault | null): void;
}

/**
 * Serves `connection` with several receivers, asked in turn. A message that none takes closes the
 * connection.
 */
export function dispatch(connection: Connection, receivers: readonly Receiver[]): void {
  connection.serve({
    message(message) {
      for (const receiver of receivers) if (receiver.receive(message)) return;
      throw fault('WIRE_INVALID', { problem: `${message.kind} is not expected here` });
    },
    closed(reason) {
      for (const receiver of receivers) receiver.closed(reason);
    },
  });
}
