import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duplex, PassThrough } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { plainTerminal } from '../../src/cli/format/index.ts';
import { runCommandLine } from '../../src/cli/index.ts';
import { systemClock } from '../../src/core/index.ts';
import { type Ended, rainstormCommand, startProcess } from '../helpers/processes.ts';

/** Runs one command line in this process, as `main.ts` does, with streams that are kept. */
export async function command(
  cwd: string,
  words: readonly string[],
  options: {
    readonly stdin?: string | undefined;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const texts = [textOf(stdout), textOf(stderr)];
  stdin.end(options.stdin ?? '');
  const io = {
    stdin: stdin as Duplex as NodeJS.ReadStream,
    stdout: stdout as Duplex as NodeJS.WriteStream,
    stderr: stderr as Duplex as NodeJS.WriteStream,
    closed: new AbortController().signal,
    clock: systemClock,
    cwd,
    env: options.env ?? {},
    terminal: () => plainTerminal,
    exit: () => undefined,
    onInterrupt: () => () => undefined,
  };
  const code = await runCommandLine(words, io, '0.0.0');
  stdout.end();
  stderr.end();
  const [out, err] = await Promise.all(texts);
  return { code, stdout: out, stderr: err };
}

async function textOf(stream: PassThrough): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Runs a bash script in which `rainstorm` is the program, each time a process of its own. */
export function shell(t: ExecutionContext, cwd: string, script: string): Promise<Ended> {
  const program = rainstormCommand()
    .map((word) => `'${word}'`)
    .join(' ');
  const text = `rainstorm() { ${program} "$@"; }\n${script}`;
  return startProcess(t, ['bash', '-c', text], { cwd }).ended;
}

/** Writes `job.yaml` and `in.txt` for a job that copies a growing file, saying each key on stderr. */
export function writeFollowJob(cwd: string, lines: number): void {
  writeFileSync(join(cwd, 'in.txt'), linesOf(0, lines));
  writeFileSync(
    join(cwd, 'say.py'),
    [
      'import sys',
      'for line in sys.stdin:',
      "    if line.startswith('key: '):",
      '        key = line[5:].rstrip()',
      '    else:',
      "        print('seen ' + key, file=sys.stderr)",
      "        print('forward\\nkey: ' + key + '\\n' + line.rstrip())",
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(cwd, 'job.yaml'),
    `name: copy
sources: [{ file: in.txt, follow: true }]
stages: [{ name: say, type: transform, run: say.py, tasks: 2 }]
sink: { file: out.txt, format: value }
exactlyOnce: true
`,
  );
}

export function linesOf(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('');
}
