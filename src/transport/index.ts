/**
 * transport: connections that carry the messages of `wire`, and requests over them.
 *
 *   const transport: Transport = new TcpTransport({ identity, clock: systemClock });
 *   const listener = await transport.listen('127.0.0.1:0', (connection) => {
 *     serveRpc(connection, { echo: unary(z.string(), async (text) => text) });
 *   });
 *   const client = openRpc(await transport.connect(listener.address));
 *   await client.call('echo', 'hello');
 *
 * Bytes travel beside params, results and items without being copied: `call` takes them last, the
 * method gets them last, and a `Bulk` that it returns or yields is what the asker gets.
 *
 * Nodes on several machines give `secure: keyedSockets(() => keys)` with the keys of `readKeyFile`;
 * README.md says what that proves. `Redial` keeps a connection to an address.
 *
 * A connection with more than one use routes its messages with `dispatch`. A sender asks
 * `connection.drained()` and waits when it is given a promise.
 */
export { formatAddress, isLoopback, parseAddress, type Target } from './address.ts';
export { Bulk } from './bulk.ts';
export { ClusterKey, type ClusterKeys } from './cluster-key.ts';
export type {
  Connection,
  ConnectionHandler,
  Identity,
  Listener,
  Peer,
  Transport,
} from './connection.ts';
export { dispatch, type Receiver } from './dispatch.ts';
export { InProcessHub, type InProcessOptions, InProcessTransport } from './in-process-transport.ts';
export { makeKeyFile, parseKeyFile, readKeyFile } from './key-file.ts';
export { keyedSockets } from './keyed-sockets.ts';
export { defaultLimits, type TransportLimits } from './limits.ts';
export { Redial, type RedialOptions } from './redial.ts';
export { openRpc, RpcClient } from './rpc-client.ts';
export { type RpcMethod, type RpcMethods, streaming, unary } from './rpc-method.ts';
export { RpcServer, serveRpc } from './rpc-server.ts';
export { plainSockets, type ServerEvents, type SocketFactory } from './sockets.ts';
export { type TcpOptions, TcpTransport } from './tcp-transport.ts';
