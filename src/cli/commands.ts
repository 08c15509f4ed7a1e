import type { Command } from './command.ts';
import { run } from './run.ts';

/** Every command by its name of one or two words. */
export const commands: Readonly<Record<string, Command>> = {
  run: {
    usage: 'run JOB.yaml',
    summary: 'run a job here and follow it; the same command again resumes it',
    flags: ['data', 'overwrite', 'restart', 'threads', 'transport', 'sync', 'quiet'],
    words: [1, 1],
    run,
  },
};
