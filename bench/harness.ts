/**
 * What every bench shares: medians instead of means, ratios inside one run instead of numbers from
 * another day, a line about the machine, and a hash of the results, so that a fast wrong answer does
 * not pass.
 *
 *   const { small } = benchOptions();
 *   const rate = measure({ rounds: small ? 3 : 15, run: () => kernel(input) });
 *   printTable(['kernel', 'tuples/s'], [['ingest', perSecond(tuples, rate.median)]]);
 */
import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { systemClock } from '../src/core/index.ts';

export interface BenchOptions {
  /** `--small`: the same code on little data, to see in CI that it still runs */
  readonly small: boolean;
  /** The parts of the bench that were named; all of them when none was. */
  readonly parts: ReadonlySet<string>;
}

/** What was asked for on the command line of a bench that consists of `parts`. */
export function benchOptions(
  parts: readonly string[] = [],
  argv: readonly string[] = process.argv.slice(2),
): BenchOptions {
  const words = ['--small', ...parts];
  const unknown = argv.find((argument) => !words.includes(argument));
  if (unknown !== undefined)
    throw new Error(`unknown argument ${unknown}; known: ${words.join(', ')}`);
  const named = argv.filter((argument) => argument !== '--small');
  return { small: argv.includes('--small'), parts: new Set(named.length > 0 ? named : parts) };
}

/** One line: what this ran on. */
export function machineLine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  return `node ${process.versions.node}, linux ${release()}, ${availableParallelism()} x ${model}`;
}

export interface Sample {
  /** milliseconds of the middle round */
  readonly median: number;
  readonly best: number;
  /** milliseconds of this thread's processor time a round: what other load hardly moves */
  readonly cpu: number;
  readonly rounds: number;
}

/** Times `run` over several rounds, after a quarter as many that do not count. */
export function measure(options: { readonly rounds: number; readonly run: () => void }): Sample {
  const { rounds, run } = options;
  for (let i = 0; i < Math.ceil(rounds / 4); i++) run();
  const before = process.threadCpuUsage();
  const times = Array.from({ length: rounds }, () => {
    const start = systemClock.now();
    run();
    return systemClock.now() - start;
  });
  return sampleOf(times, before);
}

/** As `measure`, for work that is awaited. */
export async function measureAsync(options: {
  readonly rounds: number;
  readonly run: () => Promise<void>;
}): Promise<Sample> {
  const { rounds, run } = options;
  const times: number[] = [];
  for (let i = 0; i < Math.ceil(rounds / 4); i++) await run();
  const before = process.threadCpuUsage();
  for (let i = 0; i < rounds; i++) {
    const start = systemClock.now();
    await run();
    times.push(systemClock.now() - start);
  }
  return sampleOf(times, before);
}

/** The middle of `values`. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `items` per second when they take `ms`. */
export function perSecond(items: number, ms: number): number {
  return (items / ms) * 1000;
}

/** `3.42 M`, `910 k`: three digits are all that a run on a shared machine is worth. */
export function short(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e3) return `${(value / 1e3).toPrecision(3)} k`;
  return value.toPrecision(3);
}

/** The most memory that process `pid` has had, in MiB. */
export function peakMebibytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Collects results; the same input gives the same line on every machine. */
export class ResultHash {
  readonly #hash: Hash = createHash('sha256');

  add(part: Uint8Array | string | number): void {
    this.#hash.update(typeof part === 'number' ? String(part) : part);
  }

  toString(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}

/** Prints rows under heads: the first column left, the others right. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join('  ');
  print(line(heads));
  for (const row of rows) print(line(row));
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function sampleOf(times: readonly number[], before: NodeJS.CpuUsage): Sample {
  const { user, system } = process.threadCpuUsage(before);
  const rounds = times.length;
  const cpu = (user + system) / 1000 / rounds;
  return { median: median(times), best: Math.min(...times), cpu, rounds };
}
