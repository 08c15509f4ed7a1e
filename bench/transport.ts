/**
 * How fast blocks travel between two nodes: 64 KiB data frames, each acknowledged, with at most
 * `WINDOW_BYTES` under way, over loopback TCP with and without encryption, over a Unix socket and
 * within the process.
 *
 *   node bench/transport.ts [--small]
 *
 * In the first table both ends run on one thread and share its core. In the second each end has a
 * thread, as nodes have, and plain and encrypted rounds take turns, so that their ratio is of one
 * run; "tuples" are blocks of 100-byte tuples that are encoded before and decoded after. It does
 * not measure a real network, or what tasks do with the blocks: the receiver of the first table
 * reads the first and the last byte of each.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { seededRandom, systemClock } from '../src/core/index.ts';
import { type Block, encodeBlock } from '../src/plan/index.ts';
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
  median,
  perSecond,
  print,
  printTable,
  ResultHash,
  short,
} from './harness.ts';
import { type FarOptions, socketsOf } from './transport-far.ts';

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
const blocks = small ? 200 : 1500;
const calls = small ? 200 : 5000;
const dir = mkdtempSync(join(tmpdir(), 'rainstorm-b-'));
const hub = new InProcessHub();
const secret = seededRandom(1).bytes(32);
const sockets =
  (key: Uint8Array | null) =>
  (identity: Identity): Transport =>
    new TcpTransport({ identity, clock: systemClock, secure: socketsOf(key) });
const cases: readonly Case[] = [
  { name: 'tcp, loopback', address: '127.0.0.1:0', make: sockets(null) },
  { name: 'tcp, loopback, TLS', address: '127.0.0.1:0', make: sockets(secret) },
  { name: 'unix socket', address: `unix:${join(dir, 's')}`, make: sockets(null) },
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
  const sender = new Sender(near, () => filled);
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
  readonly #block: () => Uint8Array;
  #sent = 0;
  #acked = 0;
  #goal = 0;
  #done: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(connection: Connection, block: () => Uint8Array) {
    this.#connection = connection;
    this.#block = block;
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
    const block = this.#block();
    return { kind: 'data', channel: 1, fromEpoch: 1, toEpoch: 1, firstSeq, count: 650, block };
  }
}

const filled = new Uint8Array(BLOCK_BYTES).map((_, i) => i);

/** Tuples of 100 bytes, as many as a block of `BLOCK_BYTES` holds. */
function tuples(): Block {
  const count = Math.floor(BLOCK_BYTES / TUPLE_BYTES);
  const keyBytes = 20;
  const ends = (each: number): Uint32Array =>
    Uint32Array.from({ length: count }, (_, i) => (i + 1) * each);
  return {
    count,
    idHi: new Uint32Array(count),
    idLo: Uint32Array.from({ length: count }, (_, i) => i),
    fan: null,
    keyEnds: ends(keyBytes),
    valueEnds: ends(TUPLE_BYTES - keyBytes),
    keys: filled.subarray(0, count * keyBytes),
    values: filled.subarray(0, count * (TUPLE_BYTES - keyBytes)),
  };
}

interface Line {
  readonly sender: Sender;
  readonly end: () => Promise<number>;
}

/** A connection to a node on another thread. */
async function lineTo(options: FarOptions, block: () => Uint8Array): Promise<Line> {
  const worker = new Worker(new URL('./transport-far.ts', import.meta.url), {
    workerData: options,
  });
  const said = (): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));
  const address = String(await said());
  const connection = await sockets(options.secret)(identity('near')).connect(address);
  const sender = new Sender(connection, block);
  return {
    sender,
    async end() {
      const total = said();
      connection.close();
      return Number(await total);
    },
  };
}

/** Rounds of plain and encrypted blocks in turn; a row for each, the ratio in the second. */
async function sideBySide(
  name: string,
  decode: boolean,
  block: () => Uint8Array,
): Promise<string[][]> {
  const lines = [
    { text: `${name}, plain`, line: await lineTo({ secret: null, decode }, block) },
    { text: `${name}, TLS`, line: await lineTo({ secret, decode }, block) },
  ];
  const times: number[][] = [[], []];
  for (let round = -1; round < rounds; round++) {
    for (const [i, { line }] of lines.entries()) {
      const start = systemClock.now();
      await line.sender.run(blocks);
      if (round >= 0) times[i].push(systemClock.now() - start);
    }
  }
  for (const { line } of lines) hash.add(await line.end());
  const medians = times.map(median);
  return lines.map(({ text }, i) => [
    text,
    short(perSecond(blocks * BLOCK_BYTES, medians[i]) / 1e6),
    short(perSecond((blocks * BLOCK_BYTES) / TUPLE_BYTES, medians[i])),
    (medians[0] / medians[i]).toFixed(2),
  ]);
}

print(machineLine());
try {
  const rows: string[][] = [];
  for (const each of cases) rows.push(await run(each));
  printTable(['one thread', 'MB/s', 'tuples/s', 'cpu us/block', 'request us'], rows);
  const block = tuples();
  const pairs = [
    ...(await sideBySide('blocks', false, () => filled)),
    ...(await sideBySide('tuples', true, () => encodeBlock(block))),
  ];
  printTable(['two threads', 'MB/s', 'tuples/s', 'ratio'], pairs);
} finally {
  rmSync(dir, { recursive: true });
}
print(`results ${hash}: ${blocks} blocks of ${BLOCK_BYTES} bytes a round, each acknowledged`);
