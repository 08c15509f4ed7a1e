import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { seededRandom, silentLog, systemClock } from '../../src/core/index.ts';
import {
  type BatchAnswer,
  bundledOperators,
  type InputBatch,
  type OperatorCommand,
  type OperatorEvent,
  OperatorPool,
  type OperatorPoolOptions,
  resolveOperator,
} from '../../src/operator/index.ts';

export const FIXTURES = fileURLToPath(new URL('../fixtures/operators', import.meta.url));
export const BUNDLED = bundledOperators('/nonexistent');

/** A directory that is removed after the test. */
export function scratch(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'rainstorm-operator-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The command for a fixture or a bundled operator. */
export function commandOf(
  run: string,
  args: readonly string[] = [],
  more: { shim?: boolean; env?: Record<string, string>; cwd?: string } = {},
): Promise<OperatorCommand> {
  const hostEnv = process.env;
  return resolveOperator({ run, args, baseDirs: [FIXTURES], bundled: BUNDLED, hostEnv, ...more });
}

type PoolSettings = Partial<Omit<OperatorPoolOptions, 'command'>>;

/** A pool that is killed after the test, and the list of its events. */
export function poolOf(
  t: ExecutionContext,
  command: OperatorCommand,
  settings: PoolSettings = {},
): { pool: OperatorPool; events: OperatorEvent[] } {
  const events: OperatorEvent[] = [];
  const pool = new OperatorPool({
    command,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLog,
    onEvent: (event) => events.push(event),
    ...settings,
  });
  t.teardown(() => pool.kill());
  return { pool, events };
}

/** A started pool for a fixture or a bundled operator. */
export async function startPool(
  t: ExecutionContext,
  run: string,
  settings: PoolSettings & { args?: readonly string[]; shim?: boolean } = {},
): Promise<{ pool: OperatorPool; events: OperatorEvent[] }> {
  const { args, shim, ...rest } = settings;
  const command = await commandOf(run, args ?? [], { shim: shim ?? true });
  const made = poolOf(t, command, rest);
  await made.pool.start();
  return made;
}

/** A batch with these values; keys are `k<first>`, `k<first + 1>`, ... */
export function batchOf(values: readonly (string | Uint8Array)[], first = 0): InputBatch {
  const parts = values.map((value, i) =>
    Buffer.concat([Buffer.from(`key: k${first + i}\nvalue: `), Buffer.from(value), LF]),
  );
  return { text: Buffer.concat(parts), count: values.length };
}

const LF = Buffer.from('\n');

/** What identity answers to `batchOf(values, first)`, `null` standing for `filter`. */
export function forwarded(values: readonly (string | null)[], first = 0): string {
  return values
    .map((value, i) =>
      value === null ? 'filter\n' : `forward\nkey: k${first + i}\nvalue: ${value}\n`,
    )
    .join('');
}

/** Submits batches of `size` values and returns the answers, in order. */
export async function through(
  pool: OperatorPool,
  values: readonly string[],
  size: number,
): Promise<BatchAnswer[]> {
  const open: Promise<BatchAnswer>[] = [];
  for (let at = 0; at < values.length; at += size) {
    await pool.room();
    open.push(pool.submit(batchOf(values.slice(at, at + size), at)));
  }
  return Promise.all(open);
}

export function textOf(answers: readonly BatchAnswer[]): string {
  return Buffer.concat(answers.map((each) => each.answers)).toString('utf8');
}

export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `v${i}`);
}
