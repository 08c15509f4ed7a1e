/**
 * The ways of the leader to the nodes that were admitted.
 *
 * Invariants
 *   N1  There is one connection to each admitted node, this one included, and none to others.
 *   N2  A node is asked what it runs before anything is ordered; the answer is of the very boot that
 *       was admitted, or the connection is given up.
 *   N3  A lost connection is no death: the node keeps its attempts and is dialled again. Only the
 *       control log makes nodes dead.
 */
import type { ControlLog, NodeRecord } from '../control/index.ts';
import { type Clock, fault, type Logger, type Random, reasonOf } from '../core/index.ts';
import type { Leader } from '../leader/index.ts';
import type { Attempt } from '../plan/index.ts';
import {
  type Connection,
  type ConnectionHandler,
  Redial,
  RpcClient,
  type Transport,
} from '../transport/index.ts';

export interface JobNodesOptions {
  readonly leader: Leader;
  readonly control: ControlLog;
  readonly term: number;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class JobNodes {
  readonly #options: JobNodesOptions;
  readonly #ways = new Map<string, Redial>();
  readonly #unsubscribe: () => void;

  constructor(options: JobNodesOptions) {
    this.#options = options;
    this.#unsubscribe = options.control.subscribe(() => this.#follow());
    this.#follow();
  }

  /** Lets go of all connections. */
  close(): void {
    this.#unsubscribe();
    for (const way of this.#ways.values()) way.close();
    this.#ways.clear();
  }

  /** N1. */
  #follow(): void {
    const { nodes } = this.#options.control.state;
    for (const [node, way] of this.#ways) {
      if (nodes.has(node)) continue;
      this.#ways.delete(node);
      way.close();
    }
    for (const record of nodes.values()) {
      if (!this.#ways.has(record.node)) this.#ways.set(record.node, this.#dial(record));
    }
  }

  #dial(record: NodeRecord): Redial {
    const { transport, clock, random, log } = this.#options;
    return new Redial({
      transport,
      address: record.address,
      clock,
      random,
      serve: (connection) => this.#serve(record, connection),
      failed: ({ message: reason }) => log.debug('no way to a node', { node: record.node, reason }),
    });
  }

  #serve(record: NodeRecord, connection: Connection): ConnectionHandler {
    const { leader } = this.#options;
    const rpc = new RpcClient(connection);
    let met = false;
    this.#meet(record, connection, rpc).then(
      () => {
        met = true;
      },
      (error: unknown) => connection.close(reasonOf(error)),
    );
    return {
      message(message) {
        if (message.kind === 'task-report') leader.report(record.node, message);
        else if (!rpc.receive(message)) {
          throw fault('WIRE_INVALID', { problem: `${message.kind} is not expected here` });
        }
      },
      closed(reason) {
        rpc.closed(reason);
        if (met) leader.nodeDisconnected(record.node);
      },
    };
  }

  /** N2. */
  async #meet(record: NodeRecord, connection: Connection, rpc: RpcClient): Promise<void> {
    const { leader, term } = this.#options;
    const { node, address, cores } = record;
    if (connection.peer !== node) throw new Error(`${address} is now ${connection.peer}`);
    const running = (await rpc.call('worker.attempts', { term })) as Attempt[];
    if (this.#ways.get(node)?.connection !== connection) return;
    leader.nodeConnected({ node, address, cores }, connection, running);
  }
}
