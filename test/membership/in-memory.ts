/** Datagrams between drivers of one test, delivered when the test says so. */
import type { Logger } from '../../src/core/index.ts';
import type { DatagramReceiver, Datagrams } from '../../src/membership/index.ts';

export class Hub {
  readonly #ends = new Map<string, DatagramReceiver>();
  readonly #waiting: { readonly from: string; readonly to: string; readonly bytes: Uint8Array }[] =
    [];
  sent = 0;

  /** An end bound to `address`. */
  open(address: string): Datagrams {
    return {
      address,
      send: (to, bytes) => {
        this.sent += 1;
        this.#waiting.push({ from: address, to, bytes });
      },
      receive: (receiver) => void this.#ends.set(address, receiver),
      close: async () => void this.#ends.delete(address),
    };
  }

  /** Delivers what was sent, and what is sent in answer. */
  deliver(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#ends.get(next.to)?.(next.from, next.bytes);
  }
}

/** A logger that keeps its lines. */
export function keptLog(lines: string[]): Logger {
  const keep = (message: string): void => void lines.push(message);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}
