/**
 * What files at three nodes cost, and how long a cluster takes to have three copies of everything again.
 * Each figure is the mean and the deviation of five runs, with real `rainstorm node` processes.
 *
 *   node bench/hydfs.ts [--small] [small] [large] [merge] [join] [failure] [repair]
 *
 * Not measured: a network (all nodes are on loopback), disks of their own (all share one, and the
 * client too), machines of their own (all share its processors with the client and whatever else runs).
 * `cp` is told with and without the sync that HyDFS does before it says that something is there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import {
  BatchedWriter,
  sleep,
  systemClock,
  systemRandom,
  tuneGarbageCollector,
} from '../src/core/index.ts';
import type { FileWriter } from '../src/hydfs/index.ts';
import { Cluster, type ClusterProcess } from '../test/cluster/cluster.ts';
import { until } from '../test/helpers/poll.ts';
import { Appending } from './appending.ts';
import {
  benchOptions,
  machineLine,
  peakMebibytes,
  perSecond,
  print,
  printTable,
  short,
} from './harness.ts';
import { ClusterClient } from './hydfs-client.ts';
import { COPIES, LONG_MS, rested } from './hydfs-rest.ts';

tuneGarbageCollector();
/** What is measured, each in a cluster of its own, and the flags of its nodes. */
const parts: Readonly<Record<string, { run: Part; flags?: readonly string[] }>> = {
  small: { run: benchSmall },
  large: { run: benchLarge },
  merge: { run: benchMerge },
  join: { run: benchJoin },
  failure: { run: benchFailure },
  repair: { run: benchRepair, flags: ['--repair-rate', '8'] },
};
const { small, parts: named } = benchOptions(Object.keys(parts));
const KIB = 1024;
const MIB = 1024 * KIB;
const RUNS = small ? 1 : 5;
const NODES = 5;
const FILES = small ? 10 : 100;
const SIZES = small ? [64 * KIB] : [4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB];
const JOIN_FILES = small ? [10] : [10, 50, 100, 200];
const JOIN_BYTES = 128 * KIB;
const APPENDERS = small ? [1, 2] : [1, 2, 5, 10];
const MERGED_BYTES = [4 * KIB, 32 * KIB];
const MERGED_APPENDS = small ? 20 : 200;
const LARGE_BYTES = small ? 32 * MIB : KIB * MIB;
const PIECE_BYTES = MIB;
const SMALL_BYTES = 100;
const SMALL_APPENDS = small ? 2_000 : 100_000;
/** Appends of one writer that are under way at once. */
const WINDOW = 512;
const LARGE_WINDOW = 16;
const REPAIRED_FILES = small ? 10 : 300;
const FOREGROUND_MS = small ? 200 : 3_000;
const FOREGROUND_WINDOW = 64;

let serial = 0;
const rows: string[][] = [];
let cluster: Cluster;
print(machineLine());
for (const [part, { run, flags = [] }] of Object.entries(parts)) {
  if (!named.has(part)) continue;
  cluster = await Cluster.make(flags);
  try {
    await cluster.grow(NODES);
    await rested(cluster, NODES);
    const client = await ClusterClient.of(cluster);
    await run(client);
    await client.close();
  } finally {
    await cluster.close();
  }
}
printTable(['what', 'mean', 'deviation', 'and'], rows);
print('promised: 20 k small appends/s by 16; get 0.5 x and create 0.25 x of cp;');
print('promised: all copies there again within 3 s of the death being known');
print('promised: 70 % of the appends go on while copies are made anew, at the rate that is set');

type Part = (client: ClusterClient) => Promise<void>;

function nameFor(what: string): string {
  serial += 1;
  return `bench/${what}-${serial}`;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = systemClock.now();
  await run();
  return systemClock.now() - start;
}

/** Mean and deviation, each shown by `show`, and a remark. */
function row(
  what: string,
  values: readonly number[],
  show: (value: number) => string,
  and = '',
): void {
  const mean = meanOf(values);
  const squares = values.map((value) => (value - mean) ** 2);
  rows.push([what, show(mean), show(Math.sqrt(meanOf(squares))), and]);
  print(rows[rows.length - 1].join('  '));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function rate(value: number): string {
  return `${short(value)}/s`;
}

/** Five runs of `run`, one after the other. */
async function runs<T>(run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < RUNS; i++) results.push(await run());
  return results;
}

/** Appends `count` times `data`, `window` of them under way at once. */
async function appendMany(
  writer: FileWriter,
  options: { readonly data: Uint8Array; readonly count: number; readonly window: number },
): Promise<void> {
  const { data, count, window } = options;
  const flight: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    flight.push(writer.append({ seq: writer.position.seq + 1 + i, parts: [data] }));
    if (flight.length >= window) await flight[i - window + 1];
  }
  await Promise.all(flight);
}

// small appends

async function benchSmall({ files }: ClusterClient): Promise<void> {
  const data = Buffer.alloc(SMALL_BYTES, 'x');
  const measure = async (writers: number, window: number, appends: number): Promise<number> => {
    const name = nameFor('small');
    await files.create(name);
    const opened = Array.from({ length: writers }, (_, i) => files.openWriter(name, `w${i}`, 1));
    const all = await Promise.all(opened);
    const count = Math.ceil(appends / writers);
    const ms = await timed(() =>
      Promise.all(all.map((writer) => appendMany(writer, { data, count, window }))),
    );
    const { length } = await files.stat(name);
    if (length !== count * writers * SMALL_BYTES) throw new Error(`${name} has ${length} bytes`);
    await files.remove(name);
    return perSecond(count * writers, ms);
  };
  const patient = SMALL_APPENDS / 100;
  row('100 B, 1 writer that waits for each', await runs(() => measure(1, 1, patient)), rate);
  row('100 B, 16 writers that wait for each', await runs(() => measure(16, 1, patient * 8)), rate);
  row('100 B, 1 writer', await runs(() => measure(1, WINDOW, SMALL_APPENDS)), rate);
  row('100 B, 16 writers', await runs(() => measure(16, WINDOW, SMALL_APPENDS)), rate);
}

// one large file

async function benchLarge({ files }: ClusterClient): Promise<void> {
  const source = join(cluster.dir, 'large');
  const target = join(cluster.dir, 'copy');
  const piece = Buffer.from(systemRandom.bytes(PIECE_BYTES));
  await writing(source, async (handle) => {
    for (let at = 0; at < LARGE_BYTES; at += PIECE_BYTES) await handle.writev([piece]);
  });
  const results = await runs(async () => {
    const copy = await timed(() => copied(source, target));
    const synced = copy + (await timed(() => writing(target, async () => {}, 'r+')));
    const three = await timed(() => copiedThrice(source));
    const name = nameFor('large');
    await files.create(name);
    const create = await timed(() => stored(files, name, source));
    const get = await timed(() =>
      writing(target, async (handle) => {
        const writer = new BatchedWriter(handle);
        for await (const bytes of files.read(name)) await writer.write(bytes);
        await writer.end();
        if (writer.bytes !== LARGE_BYTES) throw new Error(`${name} has ${writer.bytes} bytes`);
      }),
    );
    await files.remove(name);
    return { copy, synced, three, create, get };
  });
  const speeds = (of: (each: (typeof results)[number]) => number): number[] =>
    results.map((each) => perSecond(LARGE_BYTES, of(each)));
  const ratio = (of: (each: (typeof results)[number]) => number): string =>
    `${meanOf(results.map(of)).toFixed(2)} x`;
  const what = `${LARGE_BYTES / MIB} MiB`;
  const bytes = (value: number): string => `${short(value)}B/s`;
  row(
    `cp ${what}`,
    speeds(({ copy }) => copy),
    bytes,
  );
  row(
    `cp ${what} and sync`,
    speeds(({ synced }) => synced),
    bytes,
  );
  row(
    `three dd conv=fdatasync of ${what} at once, each`,
    speeds(({ three }) => three),
    bytes,
    `${ratio(({ synced, three }) => synced / three)} of cp and sync: what the disk allows`,
  );
  row(
    `create ${what}`,
    speeds(({ create }) => create),
    bytes,
    `${ratio(({ synced, create }) => synced / create)} of cp and sync, ${ratio(
      ({ three, create }) => three / create,
    )} of the three dd`,
  );
  row(
    `get ${what}`,
    speeds(({ get }) => get),
    bytes,
    `${ratio(({ synced, get }) => synced / get)} of cp and sync, both synced`,
  );
  const peaks = [process.pid, ...cluster.living.map(({ pid }) => pid)].map(peakMebibytes);
  row(
    `memory at its peak: this client; the largest node`,
    peaks.slice(0, 1),
    (value) => `${value.toFixed(0)} MiB`,
    `${Math.max(...peaks.slice(1)).toFixed(0)} MiB`,
  );
}

function copied(from: string, to: string): Promise<void> {
  return ran('cp', [from, to]);
}

/** Three synced copies on the one disk of all nodes: a create cannot be faster. */
async function copiedThrice(source: string): Promise<void> {
  const targets = Array.from({ length: COPIES }, (_, i) => `${source}-${i}`);
  await Promise.all(
    targets.map((to) =>
      ran('dd', [`if=${source}`, `of=${to}`, 'bs=1M', 'conv=fdatasync', 'status=none']),
    ),
  );
  await Promise.all(targets.map((target) => rm(target)));
}

async function ran(command: string, args: readonly string[]): Promise<void> {
  const [code] = await once(spawn(command, args, { stdio: 'inherit' }), 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}

/** Opens a file, has it written and syncs it. */
async function writing(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
  flags = 'w',
): Promise<void> {
  const handle = await open(path, flags);
  try {
    await write(handle);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function stored(files: ClusterClient['files'], name: string, source: string): Promise<void> {
  const writer = await files.openWriter(name, 'create', 1);
  const handle = await open(source, 'r');
  const flight: Promise<void>[] = [];
  try {
    for (let at = 0; at < LARGE_BYTES; at += PIECE_BYTES) {
      const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
      await handle.read(piece, 0, PIECE_BYTES, at);
      flight.push(writer.append({ seq: flight.length + 1, parts: [piece] }));
      if (flight.length >= LARGE_WINDOW) await flight[flight.length - LARGE_WINDOW];
    }
    await Promise.all(flight);
  } finally {
    await handle.close();
  }
}

// merge

async function benchMerge({ files }: ClusterClient): Promise<void> {
  for (const bytes of MERGED_BYTES) {
    for (const appenders of APPENDERS) {
      const results = await runs(async () => {
        const name = nameFor('merge');
        await files.create(name);
        const data = Buffer.alloc(bytes, 'x');
        const count = Math.ceil(MERGED_APPENDS / appenders);
        await Promise.all(
          Array.from({ length: appenders }, async (_, i) => {
            const writer = await files.openWriter(name, `a${i}`, 1);
            await appendMany(writer, { data, count, window: 4 });
          }),
        );
        const first = await timed(() => files.merge(name));
        const second = await timed(() => files.merge(name));
        await files.remove(name);
        return { first, second };
      });
      const what = `after ${appenders} x ${bytes / KIB} KiB appends at once`;
      const ms = (value: number): string => `${value.toFixed(1)} ms`;
      row(
        `merge ${what}`,
        results.map(({ first }) => first),
        ms,
      );
      row(
        `second merge ${what}`,
        results.map(({ second }) => second),
        ms,
      );
    }
  }
}

// nodes that come and go

/** Makes `count` files of `bytes` each; their names. */
async function fill({ files }: ClusterClient, count: number, bytes: number): Promise<string[]> {
  const names = Array.from({ length: count }, () => nameFor('file'));
  const data = Buffer.from(systemRandom.bytes(bytes));
  await Promise.all(
    names.map(async (name) => {
      const writer = await files.openWriter(name, 'fill', 1, { create: true });
      await writer.append({ seq: 1, parts: [data] });
    }),
  );
  return names;
}

async function clear({ files }: ClusterClient, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => files.remove(name)));
}

async function benchJoin(client: ClusterClient): Promise<void> {
  for (const count of JOIN_FILES) {
    const names = await fill(client, count, JOIN_BYTES);
    const results = await runs(async () => {
      const node = cluster.start({ place: NODES + 1 });
      await node.listening();
      const ms = await timed(() => rested(cluster, NODES + 1));
      await client.update();
      const moved = names.filter((name) => client.holders(name).includes(node.address)).length;
      await node.ask((service) => service.leave());
      await node.ended;
      await rested(cluster, NODES);
      await client.update();
      return { ms, moved };
    });
    const moved = meanOf(results.map((each) => each.moved));
    row(
      `a node joins, ${count} files of ${JOIN_BYTES / KIB} KiB`,
      results.map(({ ms }) => ms),
      seconds,
      `${moved.toFixed(0)} files moved`,
    );
    await clear(client, names);
  }
}

async function benchFailure(client: ClusterClient): Promise<void> {
  for (const bytes of SIZES) {
    const names = await fill(client, FILES, bytes);
    const results = await runs(() => failure(client, names, bytes));
    const what = `a node dies, ${FILES} files of ${bytes / KIB} KiB`;
    row(
      `${what}: all copies again`,
      results.map(({ ms }) => ms),
      seconds,
      `${seconds(meanOf(results.map(({ noticed }) => noticed)))} until it is known`,
    );
    row(
      `${what}: copied`,
      results.map(({ ms, copied: sum }) => perSecond(sum, ms)),
      (value) => `${short(value)}B/s`,
    );
    await clear(client, names);
  }
}

/** Kills a node and waits for the copies that it had to be made elsewhere; then it comes back. */
async function failure(
  client: ClusterClient,
  names: readonly string[],
  bytes: number,
): Promise<{ ms: number; noticed: number; copied: number }> {
  const { leader, victim } = await choose();
  const held = names.filter((name) => client.holders(name).includes(victim.address)).length;
  const noticed = await timed(() => killed(leader, victim));
  const ms = await timed(() => rested(cluster, NODES - 1));
  await comeBack(victim);
  await client.update();
  return { ms, noticed, copied: held * bytes };
}

// appends while copies are made anew

async function benchRepair(client: ClusterClient): Promise<void> {
  const names = await fill(client, REPAIRED_FILES, MIB);
  const results = await runs(() => repair(client));
  row(
    '100 B, 16 writers, before a node dies',
    results.map(({ before }) => before),
    rate,
  );
  const share = meanOf(results.map(({ before, meanwhile }) => meanwhile / before));
  const lasted = seconds(meanOf(results.map(({ ms }) => ms)));
  row(
    `100 B, 16 writers, while copies of ${REPAIRED_FILES} files of 1 MiB are made anew`,
    results.map(({ meanwhile }) => meanwhile),
    rate,
    `${(share * 100).toFixed(0)} % of before, for ${lasted}`,
  );
  await clear(client, names);
}

/** Appends to a file that the victim does not hold: what is told is the load of the repair alone. */
async function repair(
  client: ClusterClient,
): Promise<{ before: number; meanwhile: number; ms: number }> {
  const { leader, victim } = await choose();
  let name = nameFor('foreground');
  while (client.holders(name).includes(victim.address)) name = nameFor('foreground');
  const options = { writers: 16, window: FOREGROUND_WINDOW, bytes: SMALL_BYTES };
  const load = await Appending.begin(client.files, name, options);
  await load.rateDuring(sleep(systemClock, FOREGROUND_MS));
  const before = await load.rateDuring(sleep(systemClock, FOREGROUND_MS));
  await killed(leader, victim);
  const start = systemClock.now();
  const meanwhile = await load.rateDuring(rested(cluster, NODES - 1));
  const ms = systemClock.now() - start;
  await load.end();
  await comeBack(victim);
  await client.update();
  await client.files.remove(name);
  return { before, meanwhile, ms };
}

/** Who leads, and somebody else to be killed. */
async function choose(): Promise<{ leader: ClusterProcess; victim: ClusterProcess }> {
  const leader = await cluster.leader();
  return { leader, victim: cluster.living.findLast((node) => node !== leader) ?? leader };
}

/** Resolves when the death of `victim` is known. */
async function killed(leader: ClusterProcess, victim: ClusterProcess): Promise<void> {
  const id = await victim.id();
  victim.signal('SIGKILL');
  await until(async () => (await leader.listed('dead')).includes(id), {
    what: 'a death that is known',
    deadlineMs: LONG_MS,
  });
  await victim.ended;
}

async function comeBack(victim: ClusterProcess): Promise<void> {
  const place = Number(victim.address.split(':')[0].split('.')[3]);
  const again = cluster.start({ place, data: victim.data });
  await again.listening();
  await rested(cluster, NODES);
}
