import { fault } from '../../../src/core/index.ts';
import type { Connection, Transport } from '../../../src/transport/index.ts';

/** What a voter dials with. */
export type Dialler = Pick<Transport, 'connect'>;

/** Cuts what voters say to each other, in each direction by itself. Names are addresses. */
export class Switchboard {
  readonly #cut = new Set<string>();

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Cuts `name` off from `others`, both ways. */
  isolate(name: string, others: readonly string[]): void {
    for (const other of others) {
      this.cut(name, other);
      this.cut(other, name);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  /** `dialler` as the process at `from` sees it, until `ended` says that it has been killed. */
  through(dialler: Dialler, from: string, ended: () => boolean): Dialler {
    const open = (to: string): boolean => !ended() && !this.#cut.has(`${from}>${to}`);
    return {
      connect: async (to, signal) => {
        if (!open(to)) throw fault('PEER_UNREACHABLE', { address: to, reason: 'it is cut off' });
        return switched(await dialler.connect(to, signal), () => open(to));
      },
    };
  }
}

function switched(connection: Connection, open: () => boolean): Connection {
  return {
    peer: connection.peer,
    remote: connection.remote,
    get queuedBytes() {
      return connection.queuedBytes;
    },
    send: (message) => {
      if (open()) connection.send(message);
    },
    drained: () => connection.drained(),
    serve: (handler) => connection.serve(handler),
    close: (reason) => connection.close(reason),
  };
}
