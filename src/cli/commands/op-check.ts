/** `rainstorm op check`: tries an operator on a few tuples. */
import { fstatSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { silentLog, systemRandom } from '../../core/index.ts';
import {
  bundledOperators,
  type CheckReport,
  checkOperator,
  resolveOperator,
  type SampleTuple,
} from '../../operator/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { visible } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printResult } from './print.ts';

const SAMPLE_MAX = 100;
const DEADLINE_MS = 10_000;

const builtIn: readonly SampleTuple[] = [
  { key: 'sample.txt:0', value: 'X,Y,Sign_Type,Category' },
  { key: 'sample.txt:1', value: '-88.2,40.1,Streetname,Guide' },
  { key: 'sample.txt:2', value: '"quoted, with a comma",,Überholverbot,' },
  { key: 'sample.txt:3', value: '' },
];

async function check(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , run, ...args] = line.words;
  const written = await mkdtemp(join(tmpdir(), 'rainstorm-op-'));
  try {
    const report = await checked(run, args, { io, bundled: written });
    const text = report.lines.map((each) => each.split('\n').map(visible).join('\n')).join('\n');
    await printResult(line, io, { text, json: report });
    return report.ok ? 0 : 1;
  } finally {
    await rm(written, { recursive: true, force: true });
  }
}

async function checked(
  run: string,
  args: readonly string[],
  { io, bundled }: { io: Io; bundled: string },
): Promise<CheckReport> {
  const command = await resolveOperator({
    run,
    args,
    baseDirs: [io.cwd],
    bundled: bundledOperators(bundled),
    hostEnv: process.env,
    env: {},
    shim: true,
  });
  const given = await sampleFrom(io);
  return checkOperator({
    command,
    sample: given.length > 0 ? given : builtIn,
    deadlineMs: DEADLINE_MS,
    clock: io.clock,
    random: systemRandom,
    logger: silentLog,
  });
}

/** The lines of stdin as tuples, when something is piped into it. */
async function sampleFrom(io: Io): Promise<SampleTuple[]> {
  const sample: SampleTuple[] = [];
  if (!isPiped()) return sample;
  await write(io.stderr, 'reading sample values from stdin, one a line\n');
  const lines = createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const value of lines) {
    sample.push({ key: `stdin:${sample.length}`, value });
    if (sample.length === SAMPLE_MAX) break;
  }
  lines.close();
  io.stdin.destroy();
  return sample;
}

/** A pipe, a socket or a file; not a terminal and not /dev/null. */
function isPiped(): boolean {
  try {
    return !fstatSync(0).isCharacterDevice();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBADF') return false;
    throw error;
  }
}

export const opCheckCommand: Command = {
  usage: 'op check SCRIPT [ARGS...]',
  summary: 'try an operator on a few tuples and say what it answers, or what is wrong with it',
  help: `SCRIPT is found as in a job: a path, a bundled operator, or a program. Everything after it is the
script's own, also what looks like an option; options of this command stand before \`op\`. The values
are the lines of stdin (at most 100) when something is piped into it, otherwise a few built-in ones:

  head -5 signs.csv | rainstorm op check filter.py Telspar`,
  flags: ['json'],
  words: [1, Number.POSITIVE_INFINITY],
  run: check,
};
