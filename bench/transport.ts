/**
 * How fast blocks travel between two nodes: 64 KiB data frames, each acknowledged, with at most
 * `WINDOW_BYTES` under way, over loopback TCP, over a Unix socket and within the process.
 *
 *   node bench/transport.ts [--small]
 *
 * Both ends run on one thread and share its core, so two processes do better. It does not measure
 * a real network, encryption, or what tasks do with the blocks: the receiver reads the first and
 * the last byte of each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../src/core/index.ts';
import {
  type Connection,
  type Identity,
  InProcessHub,
  InProcessTransport,
  openRpc,
  serveRpc,
  TcpTransport,
  type Transport,
  unary,
} from '../src/transport/index.ts';
import type { Ack, Data } from '../src/wire/index.ts';
import {
  benchOptions,
  machineLine,
  measureAsync,
  perSecond,
  print,
  printTable,
  ResultHash,
  short,
} from './harness.ts';

const BLOCK_BYTES = 64 * 1024;
const TUPLE_BYTES = 100;
const WINDOW_BYTES = 1024 * 1024;

interface Case {
  readonly name: string;
  readonly address: string;
  make(identity: Identity): Transport;
}

const { small } = benchOptions();
const rounds = small ? 2 : 9;
const blocks = small ? 200 : 4000;
const calls = small ? 200 : 5000;
const dir = mkdtempSync(join(tmpdir(), 'rainstorm-b-'));
const hub = new InProcessHub();
const sockets = (identity: Identity): Transport =>
  new TcpTransport({ identity, clock: systemClock });
const cases: readonly Case[] = [
  { name: 'tcp, loopback', address: '127.0.0.1:0', make: sockets },
  { name: 'unix socket', address: `unix:${join(dir, 's')}`, make: sockets },
  {
    name: 'in process',
    address: 'here:0',
    make: (identity) => new InProcessTransport({ hub, identity, clock: systemClock }),
  },
];

const identity = (node: string): Identity => ({ node, role: 'node', term: () => 1 });
const hash = new ResultHash();

async function run({ name, address, make }: Case): Promise<string[]> {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await make(identity('far')).listen(address, accepted.resolve);
  const near = await make(identity('near')).connect(listener.address);
  const far = await accepted.promise;
  const sum = receive(far);
  const sender = new Sender(near);
  const blocksSample = await measureAsync({ rounds, run: () => sender.run(blocks) });
  near.close();
  await listener.close();
  const request = await requestTime(make, address);
  hash.add(sum());
  const bytes = blocks * BLOCK_BYTES;
  return [
    name,
    short(perSecond(bytes, blocksSample.median) / 1e6),
    short(perSecond(bytes / TUPLE_BYTES, blocksSample.median)),
    ((blocksSample.cpu * 1000) / blocks).toFixed(1),
    request.toFixed(0),
  ];
}

/** Microseconds of one request after the other. */
async function requestTime(make: Case['make'], address: string): Promise<number> {
  const echo = unary(z.int(), async (n) => n);
  const listener = await make(identity('far')).listen(address, (connection) =>
    serveRpc(connection, { echo }),
  );
  const connection = await make(identity('near')).connect(listener.address);
  const client = openRpc(connection);
  const sample = await measureAsync({
    rounds,
    run: async () => {
      for (let i = 0; i < calls; i++) await client.call('echo', i);
    },
  });
  connection.close();
  await listener.close();
  return (sample.median * 1000) / calls;
}

/** Acknowledges everything; gives a sum of what has come. */
function receive(connection: Connection): () => number {
  let sum = 0;
  connection.serve({
    message(message) {
      if (message.kind !== 'data') return;
      const { block, firstSeq: seq, channel, toEpoch } = message;
      sum = (sum * 31 + block[0] + block[block.length - 1] + seq) % 1_000_003;
      connection.send({ kind: 'ack', channel, toEpoch, seq, credit: WINDOW_BYTES });
    },
    closed: () => undefined,
  });
  return () => sum;
}

/** Sends blocks within the window. */
class Sender {
  readonly #connection: Connection;
  readonly #block = new Uint8Array(BLOCK_BYTES).map((_, i) => i);
  #sent = 0;
  #acked = 0;
  #goal = 0;
  #done: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.serve({
      message: (message) => {
        if (message.kind === 'ack') this.#onAck(message);
      },
      closed: () => undefined,
    });
  }

  async run(count: number): Promise<void> {
    this.#goal = this.#acked + count;
    this.#done = Promise.withResolvers();
    this.#fill();
    await this.#done.promise;
  }

  #onAck({ seq }: Ack): void {
    this.#acked = seq;
    if (seq === this.#goal) this.#done.resolve();
    else this.#fill();
  }

  #fill(): void {
    while (this.#sent < this.#goal && (this.#sent - this.#acked) * BLOCK_BYTES < WINDOW_BYTES) {
      this.#sent += 1;
      this.#connection.send(this.#data(this.#sent));
    }
  }

  #data(firstSeq: number): Data {
    const block = this.#block;
    return { kind: 'data', channel: 1, fromEpoch: 1, toEpoch: 1, firstSeq, count: 650, block };
  }
}

print(machineLine());
try {
  const rows: string[][] = [];
  for (const each of cases) rows.push(await run(each));
  printTable(['transport', 'MB/s', 'tuples/s', 'cpu us/block', 'request us'], rows);
} finally {
  rmSync(dir, { recursive: true });
}
print(`results ${hash}: ${blocks} blocks of ${BLOCK_BYTES} bytes a round, each acknowledged`);
