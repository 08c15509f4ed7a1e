/**
 * What the runner costs: the same scripts in a plain shell pipe, through the shim alone, and through
 * an OperatorPool, side by side in one run.
 *
 *   node bench/operator.ts [--lines 500000] [--rounds 3]
 *
 * Prints the best of the rounds, ratios, and a hash that must be the same in every row of a script.
 * Does not measure: reading sources, partitioning, logs, several tasks, time to start Python.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { silentLog, systemClock, systemRandom } from '../src/core/index.ts';
import {
  bundledOperators,
  type InputBatch,
  type OperatorCommand,
  OperatorPool,
  resolveOperator,
} from '../src/operator/index.ts';

const BATCH = 2048;
const FIXTURES = fileURLToPath(new URL('../test/fixtures/operators', import.meta.url));

interface Row {
  readonly what: string;
  readonly ms: number;
  readonly hash: string;
}

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '2' },
  },
});
const lines = Number(values.lines);
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'rainstorm-bench-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  const batches = makeBatches();
  const file = join(folder, 'input');
  writeFileSync(file, Buffer.concat(batches.map(({ text }) => text)));
  const identity = await commandFor('identity');
  const bare = [identity.argv[0], '-B', ...identity.argv.slice(4)];
  show('naive Python script that flushes each answer', [
    await best('bare in a shell pipe', () => pipe(bare, file)),
    await best('shim in a shell pipe', () =>
      pipe([...identity.argv.slice(0, 3), ...identity.argv.slice(4)], file),
    ),
    await best('shim in a pool', () => pool(identity, batches)),
  ]);
  if (spawnSync('gcc', ['--version']).status !== 0)
    return console.log('no gcc: no compiled operator');
  const program = join(folder, 'passthrough');
  execFileSync('gcc', ['-O2', '-o', program, join(FIXTURES, 'passthrough.c')]);
  const compiled = await commandFor(program);
  show('compiled program', [
    await best('in a shell pipe', () => pipe([program], file)),
    await best('in a pool', () => pool(compiled, batches)),
  ]);
}

function makeBatches(): InputBatch[] {
  const batches: InputBatch[] = [];
  for (let at = 0; at < lines; at += BATCH) {
    const count = Math.min(BATCH, lines - at);
    const each = (_: unknown, i: number): string =>
      `key: signs.csv:${at + i}\nvalue: ${at + i},STREET NAME,"Main St, North",${(at + i) % 97}\n`;
    batches.push({ text: Buffer.from(Array.from({ length: count }, each).join('')), count });
  }
  return batches;
}

function commandFor(run: string): Promise<OperatorCommand> {
  const bundled = bundledOperators(folder);
  return resolveOperator({ run, args: [], baseDirs: [folder], bundled, hostEnv: process.env });
}

async function best(what: string, run: () => Promise<string> | string): Promise<Row> {
  let fastest = Number.POSITIVE_INFINITY;
  let hash = '';
  for (let round = 0; round < rounds; round++) {
    const start = systemClock.now();
    hash = await run();
    fastest = Math.min(fastest, systemClock.now() - start);
  }
  return { what, ms: fastest, hash };
}

/** `cat file | command | cat`, so that both ends are pipes as they would be by hand. */
function pipe(argv: readonly string[], file: string): string {
  const text = 'file=$1; shift; cat "$file" | "$@" | md5sum';
  const { stdout } = spawnSync('/bin/sh', ['-c', text, 'bench', file, ...argv]);
  return stdout.toString().slice(0, 12);
}

async function pool(command: OperatorCommand, batches: readonly InputBatch[]): Promise<string> {
  const operator = new OperatorPool({
    command,
    clock: systemClock,
    random: systemRandom,
    logger: silentLog,
  });
  await operator.start();
  const hash = createHash('md5');
  const open: Promise<void>[] = [];
  for (const batch of batches) {
    await operator.room();
    open.push(operator.submit(batch).then(({ answers }) => void hash.update(answers)));
  }
  await Promise.all(open);
  await operator.end();
  return hash.digest('hex').slice(0, 12);
}

function show(title: string, rows: readonly Row[]): void {
  console.log(`${title}, ${lines} tuples, best of ${rounds}`);
  for (const { what, ms, hash } of rows) {
    const rate = Math.round(lines / ms);
    const ratio = (rows[0].ms / ms).toFixed(2);
    console.log(`  ${what.padEnd(22)} ${String(rate).padStart(6)} k/s  x${ratio}  ${hash}`);
  }
  if (new Set(rows.map(({ hash }) => hash)).size !== 1) throw new Error('the answers differ');
}
