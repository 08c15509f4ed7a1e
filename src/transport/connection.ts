import type { Fault } from '../core/index.ts';
import type { Message } from '../wire/index.ts';

/** Who is at the other end, as it said when the connection was made. */
export interface Peer {
  /** Node id: `host:port#boot id`. */
  readonly node: string;
  readonly role: 'node' | 'client';
  /** The highest term it had heard of. */
  readonly term: number;
}

/** What a transport says about its own program. */
export interface Identity {
  readonly node: string;
  readonly role: 'node' | 'client';
  term(): number;
}

/** What the owner of a connection wants to hear. */
export interface ConnectionHandler {
  /**
   * The next message, in the order sent. Throwing a Fault closes this connection with it, for the
   * peer to read; anything else thrown is a bug and is not caught.
   */
  message(message: Message): void;
  /** Once, after the last message: null when one side just closed, else what went wrong. */
  closed(reason: Fault | null): void;
}

/** An ordered, reliable stream of messages to and from one peer. */
export interface Connection {
  /** Node id of the peer. */
  readonly peer: string;
  readonly remote: Peer;
  /**
   * Queues `message`; after the end of the connection it is dropped. Blocks are handed on, not
   * copied: they must not change any more.
   * @throws fault WIRE_INVALID when the message cannot be written down
   */
  send(message: Message): void;
  /** Bytes queued here and not yet taken by the other side or by the network. */
  readonly queuedBytes: number;
  /** null: go on sending. Otherwise resolves when the queue is short again, or the end has come. */
  drained(): Promise<void> | null;
  /** Takes the connection into use, once; nothing is read before. */
  serve(handler: ConnectionHandler): void;
  /** Ends the connection after what is queued; with a reason when something is wrong. */
  close(reason?: string): void;
}

export interface Listener {
  /** Where it listens, with the real port. */
  readonly address: string;
  /** Stops listening. Connections that were accepted stay. */
  close(): Promise<void>;
}

export interface Transport {
  /**
   * Calls `accept` with each peer that has introduced itself.
   * @throws faults PORT_IN_USE, ADDRESS_INVALID, KEY_REQUIRED, LISTEN_FAILED
   */
  listen(address: string, accept: (connection: Connection) => void): Promise<Listener>;
  /**
   * @throws faults PEER_UNREACHABLE, PROTOCOL_VERSION, ADDRESS_INVALID; the signal's reason
   */
  connect(address: string, signal?: AbortSignal): Promise<Connection>;
}
