/** `rainstorm verify`. */
import type { Check, Verdict } from '../../verify/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanCount, renderTable, type Terminal, visible } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printJson } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

async function verify(line: CommandLine, io: Io): Promise<ExitCode> {
  const verdict = await ask(line, io, (service) => service.verify(line.words[1]));
  if (line.flags.json) await printJson(io, verdict);
  else await write(io.stdout, `${renderVerdict(verdict, io.terminal('stdout'))}\n`);
  return verdict.checks.some(({ outcome }) => outcome === 'refuted') ? 1 : 0;
}

/** A verdict as a short table, what is worth knowing about it, and one sentence. */
export function renderVerdict(verdict: Verdict, terminal: Terminal): string {
  const columns = [
    { title: 'CHECK' },
    { title: 'OUTCOME' },
    { title: 'CLAIM' },
    { title: 'EXAMINED' },
  ];
  const rows = verdict.checks.map((check) => {
    return [check.id, check.outcome, check.claim, examinedText(check)];
  });
  const remarks = verdict.checks.flatMap(remarksOf);
  const paint = verdict.proved ? terminal.style.green : terminal.style.red;
  const table = renderTable(columns, rows, terminal);
  return [table, ...remarks, paint(visible(verdict.summary))].join('\n');
}

function examinedText({ examined }: Check): string {
  return Object.entries(examined)
    .map(([what, count]) => `${humanCount(count)} ${what}`)
    .join(', ');
}

function remarksOf({ id, violations, counterExample, notes }: Check): string[] {
  const refuted =
    counterExample === null
      ? []
      : [`${id}: ${humanCount(violations)} times, first: ${counterExample}`];
  return [...refuted, ...notes.map((note) => `${id}: ${note}`)].map(visible);
}

export const verifyCommand: Command = {
  usage: 'verify JOB',
  summary: "read a job's logs again and prove or refute that each input took effect exactly once",
  help: `Every log of the job is read once more, with its sources, its destination and its dead letters, and
checked against rules that do not depend on the code that wrote them. Each check says what it looked
at and, when it is refuted, the first counter-example. A job at work is looked at as it is at one
moment. Exit code 1 when a check is refuted.`,
  flags: [...REACH_FLAGS, 'json'],
  words: [1, 1],
  run: verify,
};
