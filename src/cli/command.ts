/** What a command is: its usage, the flags it takes, and what it does. */
import type { CommandLine, FlagName } from './command-line.ts';
import type { Io } from './io.ts';

/** 0 done, 1 the job failed, 2 usage, 3 the data directory or cluster cannot be reached. */
export type ExitCode = number;

export interface Command {
  /** as in `rainstorm <usage>` */
  readonly usage: string;
  readonly summary: string;
  /** more than the summary, for `--help` of this command */
  readonly help?: string;
  readonly flags: readonly FlagName[];
  /** fewest and most words after the command's own */
  readonly words: readonly [least: number, most: number];
  run(line: CommandLine, io: Io): Promise<ExitCode>;
}
