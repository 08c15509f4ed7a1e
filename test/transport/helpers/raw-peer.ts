import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import {
  decodeMessage,
  encodeMessage,
  FrameParser,
  type Message,
} from '../../../src/wire/index.ts';

/** A socket that says what a test wants it to say. */
export class RawPeer {
  readonly socket: Socket;
  readonly ended: Promise<void>;
  readonly messages: Message[] = [];
  bytes = 0;
  readonly #parser = new FrameParser();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => 'the close that follows is what tests wait for');
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** Connects to `address` (host:port). */
  static async to(t: ExecutionContext, address: string): Promise<RawPeer> {
    const at = address.lastIndexOf(':');
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    const peer = new RawPeer(socket);
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return peer;
  }

  /** Takes over a socket that a test's server accepted. */
  static on(t: ExecutionContext, socket: Socket): RawPeer {
    t.teardown(() => socket.destroy());
    return new RawPeer(socket);
  }

  say(message: Message): void {
    for (const part of encodeMessage(message)) this.socket.write(part);
  }

  /** Resolves when `count` messages have come in all. */
  async until(count: number): Promise<readonly Message[]> {
    while (this.messages.length < count) await once(this.socket, 'data');
    return this.messages;
  }

  #read(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#parser.push(chunk);
    for (let bytes = this.#parser.next(); bytes !== null; bytes = this.#parser.next())
      this.messages.push(decodeMessage(bytes));
  }
}
