import type { Command } from './command.ts';

/** The help page, made from the commands themselves. */
export function helpText(commands: Readonly<Record<string, Command>>): string {
  const rows = Object.values(commands).map(({ usage, summary }) => [usage, summary] as const);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  const lines = rows.map(([usage, summary]) => `  ${usage.padEnd(width)}  ${summary}`);
  return `RainStorm: exactly-once stream processing in one executable.

Usage: rainstorm [options] <command>

${lines.join('\n')}
  ${'version'.padEnd(width)}  print the version

The form of the original system runs a job as well:
  rainstorm [options] <WorkerBinPath> <NStages> <NTasks> (<Op_Exe> <Op_Args> <Op_Type>)xNStages
            <N_SRC> <src>... <AutoScalable> <InputRate> <LW> <HW> <Dest> <ExactlyOnce>

Options
  --data DIR         where jobs and files are kept (default .rainstorm)
  --overwrite        run: replace a destination that exists
  --restart          run: forget what an unfinished run of this job has done, begin anew
  --threads N        run: threads for batch work beside the main one (default 1, 0 = none)
  --transport T      run: how tasks reach each other: in-process (default) or tcp
  --sync MODE        run: group (default), always or os: when an append counts as durable
  --quiet            run: no progress
  --json             listings as JSON

Exit codes: 0 done, 1 the job failed, 2 wrong usage, 3 the data directory cannot be reached,
130 interrupted and resumable.`;
}
