/**
 * What files at three nodes cost, and how long a cluster takes to have three copies of everything again.
 * Each figure is the mean and the deviation of five runs, with real `rainstorm node` processes.
 *
 *   node bench/hydfs.ts [--small] [small] [large] [merge] [join] [failure]
 *
 * Not measured: a network (all nodes are on loopback), disks of their own (all share one, and the
 * client too), machines of their own (all share its processors with the client and whatever else runs).
 * `cp` is told with and without the sync that HyDFS does before it says that something is there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../src/core/index.ts';
import type { FileWriter } from '../src/hydfs/index.ts';
import type { PointsRow } from '../src/node/index.ts';
import { RING_POINTS, ringOf, successors } from '../src/plan/index.ts';
import { Cluster, type ClusterProcess } from '../test/cluster/cluster.ts';
import { until } from '../test/helpers/poll.ts';
import { benchOptions, machineLine, perSecond, print, printTable, short } from './harness.ts';
import { ClusterClient, pointsOf } from './hydfs-client.ts';

const parts = {
  small: benchSmall,
  large: benchLarge,
  merge: benchMerge,
  join: benchJoin,
  failure: benchFailure,
};
const { small, parts: named } = benchOptions(Object.keys(parts));
const KIB = 1024;
const MIB = 1024 * KIB;
const RUNS = small ? 1 : 5;
const NODES = 5;
const COPIES = 3;
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
/** How long what takes a few seconds may take on a busy machine. */
const LONG_MS = 300_000;

let serial = 0;
const rows: string[][] = [];
const cluster = await Cluster.make();
try {
  await cluster.grow(NODES);
  await rested(NODES);
  const client = await ClusterClient.of(cluster);
  print(machineLine());
  for (const [part, run] of Object.entries(parts)) if (named.has(part)) await run(client);
  await client.close();
  printTable(['what', 'mean', 'deviation', 'and'], rows);
  print('promised: 20 k small appends/s by 16; get 0.5 x and create 0.25 x of cp;');
  print('promised: all copies there again within 3 s of the death being known');
} finally {
  await cluster.close();
}

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
    const name = nameFor('large');
    await files.create(name);
    const create = await timed(() => stored(files, name, source));
    const get = await timed(() =>
      writing(target, async (handle) => {
        for await (const bytes of files.read(name)) await handle.writev([bytes]);
      }),
    );
    await files.remove(name);
    return { copy, synced, create, get };
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
    `create ${what}`,
    speeds(({ create }) => create),
    bytes,
    `${ratio(({ synced, create }) => synced / create)} of cp and sync`,
  );
  row(
    `get ${what}`,
    speeds(({ get }) => get),
    bytes,
    `${ratio(({ synced, get }) => synced / get)} of cp and sync, both synced`,
  );
}

async function copied(from: string, to: string): Promise<void> {
  const [code] = await once(spawn('cp', [from, to], { stdio: 'inherit' }), 'close');
  if (code !== 0) throw new Error(`cp ended with ${code}`);
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

/**
 * True when each of the living stores holds exactly its share of the ring and nobody else holds
 * anything. Sums alone would also be right before the first step: a dead store is still named then,
 * and one that has joined lacks nothing that anybody has noticed.
 */
function isWhole({ moving, stores }: PointsRow, nodes: number): boolean {
  const living = stores.map(({ address }) => address).filter((each) => each !== null);
  if (moving !== 0 || living.length !== nodes) return false;
  const shares = sharesOf(living);
  return stores.every(({ address, points, primary, joining }) => {
    const share = (address === null ? null : shares.get(address)) ?? { points: 0, primary: 0 };
    return joining === 0 && points === share.points && primary === share.primary;
  });
}

/** How many points each address holds at rest, and of how many it is the primary. */
function sharesOf(addresses: readonly string[]): Map<string, { points: number; primary: number }> {
  const ring = ringOf(addresses);
  const shares = new Map(addresses.map((each) => [each, { points: 0, primary: 0 }]));
  for (let point = 0; point < RING_POINTS; point++) {
    [...successors(ring, point)].slice(0, COPIES).forEach((address, i) => {
      const share = shares.get(address);
      if (share === undefined) return;
      share.points += 1;
      if (i === 0) share.primary += 1;
    });
  }
  return shares;
}

/** Resolves when `nodes` stores hold everything that they should and nothing moves. */
async function rested(nodes: number): Promise<void> {
  await until(async () => isWhole(await pointsOf(cluster), nodes), {
    what: `all copies at ${nodes} nodes`,
    deadlineMs: LONG_MS,
  });
}

async function benchJoin(client: ClusterClient): Promise<void> {
  for (const count of JOIN_FILES) {
    const names = await fill(client, count, JOIN_BYTES);
    const results = await runs(async () => {
      const node = cluster.start({ place: NODES + 1 });
      await node.listening();
      const ms = await timed(() => rested(NODES + 1));
      await client.update();
      const moved = names.filter((name) => client.holders(name).includes(node.address)).length;
      await node.ask((service) => service.leave());
      await node.ended;
      await rested(NODES);
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
  const leader = await cluster.leader();
  const victim = cluster.living.findLast((node) => node !== leader) ?? leader;
  const held = names.filter((name) => client.holders(name).includes(victim.address)).length;
  const id = await victim.id();
  const noticed = await timed(async () => {
    victim.signal('SIGKILL');
    await until(async () => (await leader.listed('dead')).includes(id), {
      what: 'a death that is known',
      deadlineMs: LONG_MS,
    });
  });
  const ms = await timed(() => rested(NODES - 1));
  await victim.ended;
  await comeBack(victim);
  await client.update();
  return { ms, noticed, copied: held * bytes };
}

async function comeBack(victim: ClusterProcess): Promise<void> {
  const place = Number(victim.address.split(':')[0].split('.')[3]);
  const again = cluster.start({ place, data: victim.data });
  await again.listening();
  await rested(NODES);
}
