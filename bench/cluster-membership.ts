/**
 * How fast a killed node is noticed: ten processes at default settings on one machine, each kill one
 * round. Promised are 3 s until it is in some list and 6 s until it is in all.
 *
 * It does not measure a network: all nodes are on loopback, and share the processors with whatever
 * else runs here.
 *
 *   node bench/cluster-membership.ts [--small]
 */
import { systemClock } from '../src/core/index.ts';
import { Cluster, detectionTimes } from '../test/cluster/cluster.ts';
import { benchOptions, machineLine, median, printTable } from './harness.ts';

const { small } = benchOptions();
const NODES = small ? 4 : 10;
const ROUNDS = small ? 1 : 10;

const cluster = await Cluster.make();
try {
  await cluster.grow(NODES);
  const rows = [await rounds('one', 1), ...(small ? [] : [await rounds('three at once', 3)])];
  console.log(machineLine());
  printTable(
    ['killed', 'rounds', 'some list: median', 'worst', 'all lists: median', 'worst'],
    rows,
  );
  console.log('promised: some list 3.00 s, all lists 6.00 s');
} finally {
  await cluster.close();
}

async function rounds(name: string, count: number): Promise<string[]> {
  const first: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const chosen = cluster.living.slice(-count);
    const ids = await Promise.all(chosen.map((node) => node.id()));
    const watchers = cluster.living.filter((node) => !chosen.includes(node));
    const since = systemClock.now();
    for (const node of chosen) node.signal('SIGKILL');
    const times = await detectionTimes(watchers, ids, since);
    first.push(times.first);
    all.push(times.all);
    await Promise.all(chosen.map(({ ended }) => ended));
    await cluster.grow(count);
  }
  const figures = [median(first), Math.max(...first), median(all), Math.max(...all)];
  return [name, String(ROUNDS), ...figures.map((ms) => `${(ms / 1000).toFixed(2)} s`)];
}
