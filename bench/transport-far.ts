/**
 * The far end of the two-thread part of `transport.ts`: a node on a thread of its own, that decodes
 * each block, acknowledges it and answers with how many tuples there were in all.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/core/index.ts';
import { decodeBlock } from '../src/plan/index.ts';
import { ClusterKey, keyedSockets, plainSockets, TcpTransport } from '../src/transport/index.ts';

/** What the near end says when it starts this. */
export interface FarOptions {
  /** The cluster key, or null for plain sockets. */
  readonly secret: Uint8Array | null;
  readonly decode: boolean;
}

/** Streams with the key `secret`, or plain ones. */
export function socketsOf(secret: Uint8Array | null) {
  if (secret === null) return plainSockets;
  const keys = { current: new ClusterKey(secret), other: null };
  return keyedSockets(() => keys);
}

if (parentPort !== null) await serve(parentPort, workerData);

async function serve(
  port: NonNullable<typeof parentPort>,
  { secret, decode }: FarOptions,
): Promise<void> {
  const transport = new TcpTransport({
    identity: { node: 'far', role: 'node', term: () => 1 },
    clock: systemClock,
    secure: socketsOf(secret),
  });
  let tuples = 0;
  const listener = await transport.listen('127.0.0.1:0', (connection) => {
    connection.serve({
      message(message) {
        if (message.kind !== 'data') return;
        const { block, count, firstSeq: seq, channel, toEpoch } = message;
        tuples += decode ? decodeBlock(block).count : count;
        connection.send({ kind: 'ack', channel, toEpoch, seq, credit: 0 });
      },
      async closed() {
        port.postMessage(tuples);
        await listener.close();
        port.close();
      },
    });
  });
  port.postMessage(listener.address);
}
