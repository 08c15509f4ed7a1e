/**
 * Latency at a steady rate: from the moment a tuple was due at its source to the moment its line
 * stands in the destination file, where only durable output is written.
 *
 *   node bench/latency.ts [--small] [--rate 10000] [--seconds 30] [--at-least-once] [--tasks N]
 *
 * The source is paced at `rate`, two stages of naive Python scripts, exactly-once on. A tuple's due
 * time is origin + i / rate, whether or not the source was on time, so a stall counts for every tuple
 * that waited in it (no coordinated omission). The origin is what the source task logs when it
 * begins. Arrival is when this process, looking every millisecond, finds the line in the local file:
 * it includes the append, its sync, the export and the look.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { sleep, systemClock } from '../src/core/index.ts';
import { machineLine, print } from './harness.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string' },
    tasks: { type: 'string', default: '1' },
    'at-least-once': { type: 'boolean', default: false },
  },
});
const rate = values.small ? 1000 : Number(values.rate);
const seconds = Number(values.seconds ?? (values.small ? 2 : 30));
const lines = rate * seconds;
const exactlyOnce = !values['at-least-once'];
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'rainstorm-latency-'));
/** The first second warms up Python, the disk and the compiler; it is told apart. */
const WARM_UP_LINES = rate;

async function main(): Promise<void> {
  print(machineLine());
  writeFileSync(join(dir, 'in.txt'), inputLines());
  writeFileSync(join(dir, 'job.yaml'), JSON.stringify(job()));
  const bin = process.env.RAINSTORM_BIN;
  const [command, ...first] =
    bin === undefined ? [process.execPath, here('../src/main.ts')] : [bin];
  const data = join(dir, 'data');
  const child = spawn(
    command,
    [...first, '--data', data, 'run', join(dir, 'job.yaml'), '--quiet'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    const arrivals = await watch(join(dir, 'out.txt'), ended);
    if ((await ended) !== 0) throw new Error('the job failed');
    report(arrivals, dueAt(join(data, 'logs', 'node.log')));
  } finally {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}

function inputLines(): string {
  const text =
    'the quick brown fox jumps over the lazy dog while the rain keeps falling on the plain ';
  return Array.from({ length: lines }, (_, i) => `${text}${i}\n`).join('');
}

function job(): object {
  const tasks = Number(values.tasks);
  return {
    name: 'latency',
    sources: [{ file: 'in.txt' }],
    rate,
    stages: [
      {
        name: 'pick',
        type: 'filter',
        run: here('operators/flush_filter.py'),
        args: ['fox'],
        tasks,
      },
      { name: 'shape', type: 'transform', run: here('operators/flush_transform.py'), tasks },
    ],
    sink: { file: 'out.txt' },
    exactlyOnce,
  };
}

/** Arrival time (wall clock, ms) of each line number. */
async function watch(path: string, ended: Promise<unknown>): Promise<Float64Array> {
  const arrivals = new Float64Array(lines);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!existsSync(path) && !over) await sleep(systemClock, 5);
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(1024 * 1024);
  let at = 0;
  let rest = '';
  for (let seen = 0; seen < lines; ) {
    const size = fstatSync(file).size;
    if (size === at) {
      if (over) break;
      await sleep(systemClock, 1);
      continue;
    }
    const now = systemClock.wall();
    const got = readSync(file, chunk, 0, Math.min(chunk.length, size - at), at);
    at += got;
    const text = rest + chunk.toString('latin1', 0, got);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    for (const line of text.slice(0, end).split('\n')) {
      if (line === '') continue;
      arrivals[Number(line.slice('in.txt:'.length, line.indexOf(': ')))] = now;
      seen += 1;
    }
  }
  closeSync(file);
  return arrivals;
}

/** When tuple 0 was due (wall clock, ms). */
function dueAt(log: string): number {
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (line.includes('reading begins')) return (JSON.parse(line) as { dueAt: number }).dueAt;
  }
  throw new Error(`${log} does not say when reading began`);
}

function report(arrivals: Float64Array, origin: number): void {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 });
  const warmUp = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 });
  let missing = 0;
  arrivals.forEach((arrived, i) => {
    if (arrived === 0) missing += 1;
    else {
      const latency = Math.max(0, Math.round((arrived - origin - (i * 1000) / rate) * 1000));
      (i < WARM_UP_LINES ? warmUp : histogram).recordValue(latency);
    }
  });
  const at = (percent: number): string =>
    `${(histogram.getValueAtPercentile(percent) / 1000).toFixed(1)} ms`;
  print(
    `${rate} tuples/s for ${seconds} s, exactly-once ${exactlyOnce ? 'on' : 'off'}, two Python stages`,
  );
  print(
    `p50 ${at(50)}  p90 ${at(90)}  p99 ${at(99)} (to reach: 25 ms)  p99.9 ${at(99.9)}  max ${at(100)}`,
  );
  print(`first second apart: p99 ${(warmUp.getValueAtPercentile(99) / 1000).toFixed(1)} ms`);
  print(`arrived ${arrivals.length - missing} of ${arrivals.length}`);
  if (missing > 0) throw new Error('not every tuple arrived');
  print('Not measured: a network, replication, bursts, operators slower than the rate.');
}

await main();
