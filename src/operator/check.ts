import { type Clock, isFault, type Logger, type Random } from '../core/index.ts';
import { OperatorPool } from './pool.ts';
import { operatorName } from './resolve.ts';
import { quoteTrace } from './stderr-tail.ts';
import type { BatchAnswer, OperatorCommand } from './types.ts';

/** A tuple to try; neither part may contain a newline. */
export interface SampleTuple {
  readonly key: string;
  readonly value: string;
}

export interface CheckOptions {
  readonly command: OperatorCommand;
  readonly sample: readonly SampleTuple[];
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface CheckReport {
  /** True when every tuple was answered. */
  readonly ok: boolean;
  /** What was found, one sentence or answer a line. */
  readonly lines: readonly string[];
}

/** Runs a few tuples, one at a time, through an operator and says in words what it does with them. */
export async function checkOperator(options: CheckOptions): Promise<CheckReport> {
  const { command, deadlineMs, clock, random, logger } = options;
  const pool = new OperatorPool({ command, deadlineMs, clock, random, logger, crashLimit: 1 });
  const lines: string[] = [];
  let answered = 0;
  try {
    await pool.start();
    for (const { key, value } of options.sample) {
      const text = Buffer.from(`key: ${key}\nvalue: ${value}\n`);
      const answer = await pool.submit({ text, count: 1 });
      if (answer.dead.length === 0) answered += 1;
      lines.push(`${key} = ${value}`, ...describe(answer));
    }
    await pool.end();
  } catch (error) {
    await pool.kill();
    if (!isFault(error)) throw error;
    return { ok: false, lines: [...lines, error.message] };
  }
  const ok = answered === options.sample.length;
  const summary = `${operatorName(command)} answered ${answered} of ${options.sample.length} tuples`;
  return { ok, lines: [...lines, summary] };
}

function describe({ answers, dead }: BatchAnswer): string[] {
  const [failure] = dead;
  if (failure !== undefined) return [`  failed: it ${failure.reason}${quoteTrace(failure.trace)}`];
  const text = Buffer.from(answers).toString('utf8').trimEnd().split('\n');
  if (text[0] === 'filter') return ['  filtered'];
  const outputs: string[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === 'filter') continue;
    const key = text[at + 1].slice('key: '.length);
    outputs.push(`  -> ${key} = ${text[at + 2].slice('value: '.length)}`);
    at += 2;
  }
  return outputs;
}
