import type { Command } from './command.ts';
import { clusterCommands } from './commands/cluster.ts';
import { fsCommands } from './commands/fs.ts';
import { fsReadCommands } from './commands/fs-read.ts';
import { jobsCommand, tasksCommand } from './commands/jobs.ts';
import { logsCommand } from './commands/logs.ts';
import { nodeCommand } from './commands/node.ts';
import { opCheckCommand } from './commands/op-check.ts';
import { stopCommand } from './commands/stop.ts';
import { verifyCommand } from './commands/verify.ts';
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
  jobs: jobsCommand,
  tasks: tasksCommand,
  stop: stopCommand,
  logs: logsCommand,
  verify: verifyCommand,
  ...fsCommands,
  ...fsReadCommands,
  'op check': opCheckCommand,
  node: nodeCommand,
  ...clusterCommands,
};
