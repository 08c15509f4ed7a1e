/**
 * What a node answers to others on its port: each part brings its receivers and its requests.
 *
 *   const door = new Door(log);
 *   const listener = await transport.listen(bind, (connection) => door.knock(connection));
 *   door.open([control.tenant, jobs.tenant]);
 *
 * Who knocks before the parts are there waits. Connections that others have made end with the node: a
 * listener that closes leaves those that it has accepted open, and an open connection keeps the
 * process alive for as long as its other end likes.
 */
import type { Logger } from '../core/index.ts';
import {
  type Connection,
  dispatch,
  type Receiver,
  type RpcMethods,
  RpcServer,
} from '../transport/index.ts';
import { Guests } from './guests.ts';

/** A part of a node that answers others. */
export interface Tenant {
  /** takes messages of `connection` */
  receiver?(connection: Connection): Receiver;
  /** what `connection` may ask; method names of all parts are different */
  methods?(connection: Connection): RpcMethods;
}

export class Door {
  readonly #log: Logger;
  readonly #guests = new Guests();
  readonly #early: Connection[] = [];
  #tenants: readonly Tenant[] | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Serves a connection that somebody has made, as soon as there is something to serve. */
  knock(connection: Connection): void {
    if (this.#tenants === null) this.#early.push(connection);
    else this.#serve(connection, this.#tenants);
  }

  /** From now on everybody is served by `tenants`. */
  open(tenants: readonly Tenant[]): void {
    this.#tenants = tenants;
    for (const connection of this.#early.splice(0)) this.#serve(connection, tenants);
  }

  /** Ends all connections. */
  close(): void {
    for (const connection of this.#early.splice(0)) connection.close();
    this.#guests.close();
  }

  #serve(connection: Connection, tenants: readonly Tenant[]): void {
    const methods = tenants.map((tenant) => tenant.methods?.(connection) ?? {});
    const receivers = tenants.map((tenant) => tenant.receiver?.(connection));
    dispatch(connection, [
      this.#guests.receiver(connection),
      ...receivers.filter((receiver) => receiver !== undefined),
      new RpcServer(connection, Object.assign({}, ...methods), this.#log),
    ]);
  }
}
