/**
 * The rate of each batch kernel on this machine, and from which size a call is worth a thread.
 *
 *   node bench/kernels.ts [--small]
 */
import { silentLog } from '../src/core/index.ts';
import {
  type CommitArgs,
  commit,
  decodeRecord,
  encodeRecord,
  formatSink,
  ingest,
  KernelPool,
  mergeBlocks,
  OFFLOAD_BYTES,
  type RoutedBlock,
  splitSource,
} from '../src/kernels/index.ts';
import { AnswerScanner, decodeBlock, encodeBlock, evenSlots } from '../src/plan/index.ts';
import {
  benchOptions,
  machineLine,
  measure,
  measureAsync,
  perSecond,
  print,
  printTable,
  ResultHash,
  short,
} from './harness.ts';

const { small } = benchOptions();
const TUPLES = small ? 5_000 : 50_000;
const ROUNDS = small ? 3 : 25;
const THREADS = 2;
const consumers = 3;
const slots = evenSlots(consumers, 1).tasks;
const hash = new ResultHash();

const file = Buffer.from(
  Array.from(
    { length: TUPLES },
    (_, i) => `${i},warning sign,"Street ${i % 977}, north side",post number ${i % 13}\n`,
  ).join(''),
);
const source = {
  chunk: file,
  final: true,
  sourceIndex: 0,
  keyPrefix: Buffer.from('signs.csv:'),
  firstLine: 0,
  maxTuples: TUPLES,
  consumers,
  slots,
};

/** One block of the file with the answers of an operator that forwards two of three. */
interface Exchange extends CommitArgs {
  readonly text: Uint8Array;
}

const exchanges = splitSource(source).blocks.map(exchangeOf);

function exchangeOf({ bytes: block, count }: RoutedBlock, n: number): Exchange {
  const { text } = ingest({ block, skip: 0 });
  const answers = Array.from({ length: count }, (_, i) =>
    i % 3 === 0
      ? 'filter\n'
      : `forward\nkey: Street ${(n + i) % 977}\nvalue: ${i},warning sign,"north side",post ${i % 13}\n`,
  );
  return { answers: Buffer.from(answers.join('')), count, block, skip: 0, consumers, slots, text };
}

interface Case {
  readonly name: string;
  /** bytes read by one run over all tuples */
  readonly bytes: number;
  readonly run: () => readonly Uint8Array[];
}

const sum = (pick: (x: Exchange) => number): number => exchanges.reduce((n, x) => n + pick(x), 0);
const answerBytes = sum((x) => x.answers.length);
const blockBytes = sum((x) => x.block.length);

function committed(x: Exchange): Uint8Array[] {
  const result = commit(x);
  if (result.kind !== 'ok') throw new Error(result.line);
  return result.blocks.map(({ bytes }) => bytes);
}

function formatted(x: Exchange, format: 'kv' | 'csv' | 'json'): Uint8Array {
  const result = formatSink({ answers: x.answers, count: x.count, skip: 0, format });
  if (result.kind !== 'ok') throw new Error(result.line);
  return result.bytes;
}

function scanned(): Uint8Array[] {
  const scanner = new AnswerScanner();
  const taken: Uint8Array[] = [];
  for (const { answers } of exchanges) {
    scanner.push(answers);
    taken.push(scanner.takeUpTo(scanner.answered) ?? new Uint8Array(0));
  }
  return taken;
}

function recorded({ block, count }: Exchange): Uint8Array[] {
  const parts = encodeRecord({
    kind: 'batch',
    inputs: [{ producer: 0, seq: count }],
    outputs: [{ consumer: 0, firstSeq: 1, count, block }],
    dead: [],
    keep: [],
  });
  decodeRecord(Buffer.concat(parts));
  return parts;
}

const cases: readonly Case[] = [
  {
    name: 'source: split, hash, partition',
    bytes: file.length,
    run: () => splitSource(source).blocks.map(({ bytes }) => bytes),
  },
  {
    name: 'ingest: block to text',
    bytes: blockBytes,
    run: () => exchanges.map((x) => ingest(x).text),
  },
  { name: 'scan answers', bytes: answerBytes, run: scanned },
  {
    name: 'commit: parse, hash, partition',
    bytes: answerBytes,
    run: () => exchanges.flatMap(committed),
  },
  { name: 'sink kv', bytes: answerBytes, run: () => exchanges.map((x) => formatted(x, 'kv')) },
  { name: 'sink csv', bytes: answerBytes, run: () => exchanges.map((x) => formatted(x, 'csv')) },
  { name: 'sink json', bytes: answerBytes, run: () => exchanges.map((x) => formatted(x, 'json')) },
  {
    name: 'merge pairs of blocks',
    bytes: blockBytes,
    run: () =>
      exchanges.map((x, i) =>
        mergeBlocks({
          blocks: [exchanges[Math.max(0, i - 1)], x].map(({ block, count }) => ({
            bytes: block,
            skip: count >> 1,
          })),
        }),
      ),
  },
  {
    name: 'block decode and encode',
    bytes: blockBytes,
    run: () => exchanges.map(({ block }) => encodeBlock(decodeBlock(block))),
  },
  { name: 'record encode and decode', bytes: blockBytes, run: () => exchanges.flatMap(recorded) },
];

function rateRow({ name, bytes, run }: Case): string[] {
  for (const part of run()) hash.add(part);
  const { median, cpu } = measure({ rounds: ROUNDS, run });
  return [
    name,
    short(perSecond(TUPLES, median)),
    short(perSecond(bytes, median) / 1e6),
    short(perSecond(TUPLES, cpu)),
  ];
}

/** Calls under way together, as the tasks of a busy node make them: as many as the pool takes. */
const LANES = 2 * THREADS;
const CALLS_PER_LANE = 8;

interface Offload {
  /** milliseconds of one call alone */
  readonly roundTrip: number;
  /** milliseconds a call, LANES under way */
  readonly perCall: number;
  /** milliseconds of this thread's processor time a call; hardly moved by other load */
  readonly mainCpu: number;
}

async function offload(pool: KernelPool, args: CommitArgs): Promise<Offload> {
  const rounds = small ? 2 : 11;
  const run = async (): Promise<void> => {
    hash.add((await pool.run('commit', args)).kind);
  };
  const lane = async (): Promise<void> => {
    for (let i = 0; i < CALLS_PER_LANE; i++) await run();
  };
  const one = await measureAsync({ rounds: rounds * 3, run });
  const all = await measureAsync({
    rounds,
    run: async () => {
      await Promise.all(Array.from({ length: LANES }, lane));
    },
  });
  const calls = LANES * CALLS_PER_LANE;
  return { roundTrip: one.median, perCall: all.median / calls, mainCpu: all.cpu / calls };
}

function sized(bytes: number): CommitArgs {
  const count = Math.max(1, Math.round(bytes / 45));
  const block = encodeBlock({
    count,
    idHi: new Uint32Array(count),
    idLo: new Uint32Array(count),
    fan: null,
    keyEnds: new Uint32Array(count),
    valueEnds: new Uint32Array(count),
    keys: new Uint8Array(0),
    values: new Uint8Array(0),
  });
  const texts = Array.from(
    { length: count },
    (_, i) => `forward\nkey: Street ${i % 977}\nvalue: ${i},sign\n`,
  );
  return { answers: Buffer.from(texts.join('')), count, block, skip: 0, consumers, slots };
}

async function crossover(): Promise<string[][]> {
  const inline = new KernelPool({ threads: 0, log: silentLog });
  const pooled = new KernelPool({ threads: THREADS, log: silentLog, offloadBytes: 0 });
  await pooled.warm();
  const rows: string[][] = [];
  for (const kib of small ? [4, 64] : [1, 4, 8, 16, 32, 64, 128, 256]) {
    const args = sized(kib * 1024);
    const here = await offload(inline, args);
    const there = await offload(pooled, args);
    const cells = [
      here.roundTrip,
      there.roundTrip,
      here.perCall,
      there.perCall,
      here.mainCpu,
      there.mainCpu,
    ];
    const ratio = (here.mainCpu / there.mainCpu).toFixed(2);
    rows.push([`${kib} KiB`, ...cells.map((ms) => (ms * 1000).toFixed(0)), ratio]);
  }
  await Promise.all([inline.close(), pooled.close()]);
  return rows;
}

print(machineLine());
print(
  `${TUPLES} tuples of ${(file.length / TUPLES).toFixed(0)} bytes, median of ${ROUNDS} rounds\n`,
);
printTable(
  ['kernel, inline', 'tuples/s', 'MB/s in', 'tuples/s of processor time'],
  cases.map(rateRow),
);
print(`\ncommit inline or in a pool of ${THREADS}, microseconds a call`);
printTable(
  [
    'answers',
    'alone: inline',
    'pool',
    `${LANES} at once: inline`,
    'pool',
    'main thread: inline',
    'pool',
    'saves',
  ],
  await crossover(),
);
print(`\noffloaded from ${OFFLOAD_BYTES} bytes of input; result ${hash}`);
print(
  'not measured: operators, pipes, disk and network; what the pool takes from them on a full machine',
);
