/**
 * cli: what people type, and what they read.
 *
 *   process.exitCode = await runCommandLine(process.argv.slice(2), processIo(process.exit), version);
 *
 * Results go to stdout, progress and errors to stderr; an error is one sentence.
 */
import { Fault, fault, isFault } from '../core/index.ts';
import type { Command, ExitCode } from './command.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { commands } from './commands.ts';
import { helpText } from './help.ts';
import { type Io, write } from './io.ts';
import { run } from './run.ts';

export { type Io, processIo } from './io.ts';

/** Runs one command line; every failure is told on stderr and becomes an exit code. */
export async function runCommandLine(
  argv: readonly string[],
  io: Io,
  version: string,
): Promise<ExitCode> {
  try {
    const code = await dispatch(readCommandLine(argv), io, version);
    if (isFault(io.closed.reason)) throw io.closed.reason;
    return code;
  } catch (error) {
    if (error instanceof Fault) {
      await write(io.stderr, `rainstorm: ${error.message}\n`);
      return error.exit;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    await write(io.stderr, `rainstorm: internal error, please report it: ${text}\n`);
    return 1;
  }
}

async function dispatch(line: CommandLine, io: Io, version: string): Promise<ExitCode> {
  if (line.positional) return run(line, io);
  const [first, second] = line.words;
  if (line.flags.version || first === 'version') {
    await write(io.stdout, `${version}\n`);
    return 0;
  }
  if (first === undefined || first === 'help' || line.flags.help) {
    const about = first === 'help' ? line.words.slice(1) : line.words;
    await write(io.stdout, `${helpText(commands, about)}\n`);
    return 0;
  }
  const twoWords = commands[`${first} ${second ?? ''}`];
  const command = twoWords ?? commands[first];
  if (command === undefined) {
    const problem = commandsBeginning(first)
      ? `${first} needs one of: ${commandsBeginning(first)}`
      : `there is no command ${first}`;
    throw fault('USAGE', { problem });
  }
  checkUse(command, line, twoWords === undefined ? 1 : 2);
  return command.run(line, io);
}

function commandsBeginning(first: string): string {
  const names = Object.keys(commands).filter((name) => name.startsWith(`${first} `));
  return names.map((name) => name.slice(first.length + 1)).join(', ');
}

function checkUse(command: Command, line: CommandLine, own: number): void {
  const [least, most] = command.words;
  const words = line.words.length - own;
  if (words < least || words > most) {
    throw fault('USAGE', { problem: `usage: rainstorm ${command.usage}` });
  }
  for (const flag of line.given) {
    if (!command.flags.includes(flag)) {
      throw fault('USAGE', { problem: `--${flag} is not an option of rainstorm ${command.usage}` });
    }
  }
}
