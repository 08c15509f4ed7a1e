/**
 * The main comparison: two stages (filter, transform) of naive Python scripts that flush every
 * answer, over lines of about 100 bytes.
 *
 *   a  the same scripts in a shell pipe, with awk to speak their protocol, no engine at all
 *   b  rainstorm with exactly-once off
 *   c  rainstorm with exactly-once on
 *
 * The three take turns in one run (a b c, a b c, ...), since the machine is shared and its speed
 * drifts; what counts are the medians of the ratios within a turn. Every result is sorted and
 * hashed: all must be the same.
 *
 *   node bench/pipeline.ts [--small] [--lines N] [--rounds N] [--rss N]
 *
 * `--rss N` runs only c over N lines and prints the engine's peak memory.
 * `RAINSTORM_BIN` names a packaged executable to measure instead of the sources.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/core/index.ts';
import { machineLine, median, perSecond, print, printTable, short } from './harness.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    lines: { type: 'string' },
    rounds: { type: 'string' },
    rss: { type: 'string' },
    tasks: { type: 'string', default: '1' },
  },
});
const lines = Number(values.rss ?? values.lines ?? (values.small ? 20_000 : 1_000_000));
const rounds = Number(values.rounds ?? (values.small ? 1 : 3));
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const python = 'python3';
const pattern = 'e';
const dir = mkdtempSync(join(tmpdir(), 'rainstorm-bench-'));

interface Measured {
  readonly ms: number;
  readonly hash: string;
  readonly peakMb: number | null;
}

async function main(): Promise<void> {
  try {
    await makeInput();
    if (values.rss === undefined) await compare();
    else await memory();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function makeInput(): Promise<void> {
  await finished(
    spawn(
      process.execPath,
      [
        here('../scripts/make-signs.mjs'),
        '--plain',
        '--lines',
        String(lines),
        '--out',
        join(dir, 'in.txt'),
      ],
      { stdio: 'ignore' },
    ),
  );
}

async function compare(): Promise<void> {
  print(machineLine());
  print(`${lines} lines, ${rounds} rounds; a = shell pipe, b = at-least-once, c = exactly-once\n`);
  const rows: Measured[][] = [];
  for (let round = 0; round < rounds; round++) {
    rows.push([await shellPipe(), await engine(false), await engine(true)]);
    print(
      `round ${round + 1}: ${rows[round].map(({ ms }) => `${(ms / 1000).toFixed(2)} s`).join('  ')}`,
    );
  }
  report(rows);
}

function report(rows: readonly (readonly Measured[])[]): void {
  const column = (i: number): number[] => rows.map((row) => row[i].ms);
  const names = ['a shell pipe', 'b at-least-once', 'c exactly-once'];
  print('');
  printTable(
    ['', 'median s', 'lines/s', 'peak RSS'],
    names.map((name, i) => {
      const ms = median(column(i));
      const peak = rows.map((row) => row[i].peakMb ?? 0);
      const rss = i === 0 ? '-' : `${Math.max(...peak).toFixed(0)} MB`;
      return [name, (ms / 1000).toFixed(2), short(perSecond(lines, ms)), rss];
    }),
  );
  const ratio = (over: number, under: number): number =>
    median(rows.map((row) => row[over].ms / row[under].ms));
  print(`\nspeed of c over a: ${ratio(0, 2).toFixed(2)} (to reach: 2)`);
  print(`speed of c over b: ${ratio(1, 2).toFixed(2)} (to reach: 0.75)`);
  const hashes = new Set(rows.flatMap((row) => row.map(({ hash }) => hash)));
  print(`result ${[...hashes].join(' ')}`);
  if (hashes.size !== 1) throw new Error('the three ways gave different results');
  print('Not measured: several machines, TLS, replication, more than two cores, other languages.');
}

async function memory(): Promise<void> {
  print(machineLine());
  const { ms, peakMb } = await engine(true);
  print(
    `${lines} lines exactly-once: ${(ms / 1000).toFixed(1)} s, engine peak RSS ${peakMb?.toFixed(0)} MB`,
  );
}

async function shellPipe(): Promise<Measured> {
  const out = join(dir, 'a.txt');
  const script = [
    `awk '{ print "key: in.txt:" (NR - 1); print "value: " $0 }' "$1"`,
    `"$2" "$3" "$6"`,
    `awk '$0 != "forward" && $0 != "filter"'`,
    `"$2" "$4"`,
    `awk '$0 == "forward" { next } /^key: / { k = substr($0, 6); next } { print k ": " substr($0, 8) }'`,
  ].join(' | ');
  const start = systemClock.now();
  await finished(
    spawn(
      'sh',
      [
        '-c',
        `${script} > "$5"`,
        'sh',
        join(dir, 'in.txt'),
        python,
        here('operators/flush_filter.py'),
        here('operators/flush_transform.py'),
        out,
        pattern,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    ),
  );
  return { ms: systemClock.now() - start, hash: await hashOf(out), peakMb: null };
}

async function engine(exactlyOnce: boolean): Promise<Measured> {
  const data = join(dir, 'data');
  const out = join(dir, 'out.txt');
  const job = join(dir, 'job.yaml');
  const tasks = Number(values.tasks);
  writeFileSync(
    job,
    JSON.stringify({
      name: 'bench',
      sources: [{ file: 'in.txt' }],
      stages: [
        {
          name: 'pick',
          type: 'filter',
          run: here('operators/flush_filter.py'),
          args: [pattern],
          tasks,
        },
        { name: 'shape', type: 'transform', run: here('operators/flush_transform.py'), tasks },
      ],
      sink: { file: 'out.txt' },
      exactlyOnce,
    }),
  );
  const bin = process.env.RAINSTORM_BIN;
  const [command, ...first] =
    bin === undefined ? [process.execPath, here('../src/main.ts')] : [bin];
  const start = systemClock.now();
  const child = spawn(command, [...first, '--data', data, 'run', job, '--quiet'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const peak = watchPeak(child);
  await finished(child);
  const ms = systemClock.now() - start;
  const hash = values.rss === undefined ? await hashOf(out) : '';
  rmSync(data, { recursive: true, force: true });
  rmSync(out, { force: true });
  return { ms, hash, peakMb: peak() };
}

/** Reads the peak memory of `child` (VmHWM) until it ends. */
function watchPeak(child: ChildProcess): () => number {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }, 50);
  child.once('exit', () => clearInterval(timer));
  return () => peak;
}

function finished(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said += text.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${child.spawnfile} exited with ${code}: ${said}`)),
    );
  });
}

/** SHA-256 of the sorted lines of a file, the same for every order in which tasks append. */
async function hashOf(path: string): Promise<string> {
  const all: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) all.push(line);
  all.sort();
  return createHash('sha256').update(all.join('\n')).digest('hex').slice(0, 16);
}

await main();
