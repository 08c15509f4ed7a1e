import type { Command } from './command.ts';
import { attachCommand } from './commands/attach.ts';
import { clusterCommands } from './commands/cluster.ts';
import { fsCommands } from './commands/fs.ts';
import { fsCopyCommands } from './commands/fs-copies.ts';
import { fsReadCommands } from './commands/fs-read.ts';
import { jobsCommand, tasksCommand } from './commands/jobs.ts';
import { killTaskCommand } from './commands/kill-task.ts';
import { logsCommand } from './commands/logs.ts';
import { nodeCommand } from './commands/node.ts';
import { opCheckCommand } from './commands/op-check.ts';
import { downCommand, upCommand } from './commands/provision.ts';
import { REACH_FLAGS } from './commands/reach.ts';
import { stopCommand } from './commands/stop.ts';
import { verifyCommand } from './commands/verify.ts';
import { HOSTS_FLAGS } from './provisioning.ts';
import { run } from './run.ts';

/** Every command by its name of one or two words. */
export const commands: Readonly<Record<string, Command>> = {
  run: {
    usage: 'run JOB.yaml',
    summary: 'run a job, here or in a cluster, and follow it; the same command again resumes it',
    help: `Alone, the job runs in this process, on local files, and Ctrl-C suspends it. With --cluster, or
with the --data of a node of a cluster, it runs there: its sources and its destination are in HyDFS;
scripts, and what is listed under \`files\`, are brought along; the job goes on when nobody follows it
(\`rainstorm attach\` does so again). With --hosts it runs in the cluster on these hosts, which is
started first when there is none (\`rainstorm up\`).`,
    flags: [
      ...REACH_FLAGS,
      ...HOSTS_FLAGS,
      'bin',
      'overwrite',
      'restart',
      'threads',
      'transport',
      'sync',
      'quiet',
      'detach',
      'print',
    ],
    words: [1, 1],
    run,
  },
  attach: attachCommand,
  jobs: jobsCommand,
  tasks: tasksCommand,
  'kill-task': killTaskCommand,
  stop: stopCommand,
  logs: logsCommand,
  verify: verifyCommand,
  ...fsCommands,
  ...fsReadCommands,
  ...fsCopyCommands,
  'op check': opCheckCommand,
  node: nodeCommand,
  up: upCommand,
  down: downCommand,
  ...clusterCommands,
};
