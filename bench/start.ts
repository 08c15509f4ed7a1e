/**
 * How long `rainstorm node` takes until it says that it listens, as the first node of a cluster: from
 * the spawn of the process until the line is read. The target is 300 ms.
 *
 *   RAINSTORM_BIN=bin/rainstorm node bench/start.ts [--small]
 *
 * Not measured: a cold disk cache, a log of decisions to be read again, a network.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from '../src/core/index.ts';
import { Cluster } from '../test/cluster/cluster.ts';
import { benchOptions, machineLine, median, printTable } from './harness.ts';

const { small } = benchOptions();
const ROUNDS = small ? 2 : 21;
/** Of the kernel's clock for processor time, which is the same on every Linux. */
const TICK_MS = 10;

/** User and system time of process `pid` so far. */
function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

const cluster = await Cluster.make();
try {
  const times: number[] = [];
  const used: number[] = [];
  // The first start reads the program from the disk.
  for (let round = -1; round < ROUNDS; round++) {
    const node = cluster.start({ place: 1, join: [] });
    await node.listening();
    const [ms, cpu] = [systemClock.now() - node.startedAt, processorMs(node.pid)];
    await node.kill();
    if (round < 0) continue;
    times.push(ms);
    used.push(cpu);
  }
  console.log(machineLine());
  const figures = [Math.min(...times), median(times), Math.max(...times), median(used)];
  printTable(
    ['starts', 'fastest', 'median', 'slowest', 'processor time'],
    [[String(ROUNDS), ...figures.map((ms) => `${Math.round(ms)} ms`)]],
  );
  console.log('to reach: 300 ms');
} finally {
  await cluster.close();
}
