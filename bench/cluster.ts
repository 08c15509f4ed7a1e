/**
 * The job of `bench/pipeline.ts` (two stages of naive Python scripts) on three nodes of this machine,
 * with three copies of every log and of the destination, beside the same job in one process without
 * copies. Both take turns in one run; what counts is the median of the ratios. The results must be the
 * same lines.
 *
 *   node bench/cluster.ts [--small] [--lines N] [--rounds N]
 *
 * `RAINSTORM_BIN` names a packaged executable to measure instead of a bundle of the sources.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeSigns } from '../scripts/make-signs.mjs';
import { systemClock } from '../src/core/index.ts';
import { Cluster, type ClusterProcess } from '../test/cluster/cluster.ts';
import { machineLine, median, perSecond, print, printTable, short } from './harness.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    lines: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const lines = Number(values.lines ?? (values.small ? 20_000 : 500_000));
const rounds = Number(values.rounds ?? (values.small ? 1 : 3));
const NODES = 3;
const PATTERN = 'e';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Measured {
  readonly ms: number;
  readonly hash: string;
  readonly peakMb: number;
}

const cluster = await Cluster.make();
try {
  await cluster.grow(NODES);
  await cluster.voters(NODES);
  await cluster.whole();
  await compare();
} finally {
  await cluster.close();
}

async function compare(): Promise<void> {
  print(machineLine());
  print(`${lines} lines, ${rounds} rounds; one process, then ${NODES} nodes with three copies\n`);
  const source = join(cluster.dir, 'in.txt');
  makeSigns({ lines, seed: 1, out: source, plain: true });
  const [entry] = cluster.nodes;
  await done(['fs', 'create', 'in.txt', '--data', entry.data]);
  await done(['fs', 'append', 'in.txt', source, '--data', entry.data]);
  const alone: Measured[] = [];
  const spread: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await oneProcess());
    spread.push(await manyNodes(entry, round));
    const both = [alone[round], spread[round]].map(({ ms }) => `${(ms / 1000).toFixed(2)} s`);
    print(`round ${round + 1}: ${both.join('  ')}`);
  }
  report(alone, spread);
}

function report(alone: readonly Measured[], spread: readonly Measured[]): void {
  const cores = availableParallelism();
  const row = (name: string, all: readonly Measured[]): string[] => {
    const ms = median(all.map((each) => each.ms));
    const rate = perSecond(lines, ms);
    const peak = Math.max(...all.map(({ peakMb }) => peakMb));
    const cells = [(ms / 1000).toFixed(2), short(rate), short(rate / cores)];
    return [name, ...cells, peak === 0 ? '-' : `${peak.toFixed(0)} MB`];
  };
  print('');
  printTable(
    ['', 'median s', 'lines/s', 'per core', 'peak RSS of a node'],
    [row('one process', alone), row(`${NODES} nodes`, spread)],
  );
  const ratio = median(spread.map(({ ms }, i) => alone[i].ms / ms));
  print(`\nspeed of ${NODES} nodes over one process: ${ratio.toFixed(2)} (to reach: 0.4)`);
  const hashes = new Set([...alone, ...spread].map(({ hash }) => hash));
  print(`result ${[...hashes].join(' ')}`);
  if (hashes.size !== 1) throw new Error('the two ways gave different results');
  print('Not measured: a real network, TLS, a disk for each node, more than two cores.');
}

/** Its source has the same name, which is in the keys, but is a file of this machine. */
async function oneProcess(): Promise<Measured> {
  const dir = join(cluster.dir, 'alone');
  const out = join(dir, 'out.txt');
  mkdirSync(dir);
  const job = writeJob(cluster.dir, 'in.txt', out, 'alone');
  const start = systemClock.now();
  await done(['run', job, '--quiet', '--data', join(dir, 'data')]);
  const ms = systemClock.now() - start;
  const hash = hashOf(out);
  rmSync(dir, { recursive: true });
  return { ms, hash, peakMb: 0 };
}

async function manyNodes(entry: ClusterProcess, round: number): Promise<Measured> {
  const name = `spread-${round}`;
  const job = writeJob(cluster.dir, 'in.txt', `${name}.txt`, name);
  const start = systemClock.now();
  await done(['run', job, '--quiet', '--cluster', entry.address]);
  const ms = systemClock.now() - start;
  const out = join(cluster.dir, `${name}.txt`);
  await done(['fs', 'get', `${name}.txt`, out, '--data', entry.data]);
  const hash = hashOf(out);
  rmSync(out);
  return { ms, hash, peakMb: Math.max(...cluster.nodes.map(peakOf)) };
}

function writeJob(dir: string, source: string, sink: string, name: string): string {
  const path = join(dir, `${name}.json`);
  const stages = [
    { name: 'pick', type: 'filter', run: here('operators/flush_filter.py'), args: [PATTERN] },
    { name: 'shape', type: 'transform', run: here('operators/flush_transform.py') },
  ];
  const sources = [{ file: source }];
  writeFileSync(path, JSON.stringify({ name, sources, stages, sink: { file: sink } }));
  return path;
}

async function done(args: readonly string[]): Promise<void> {
  const { code, stderr } = await cluster.run(args);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
}

/** SHA-256 of the sorted lines: tasks append in any order. */
function hashOf(path: string): string {
  const sorted = readFileSync(path, 'utf8').split('\n').sort().join('\n');
  return createHash('sha256').update(sorted).digest('hex').slice(0, 16);
}

function peakOf({ pid }: ClusterProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
