/** `rainstorm jobs` and `rainstorm tasks`. */
import { isLive } from '../../control/index.ts';
import type { JobView, TaskView } from '../../leader/index.ts';
import { dataDir, type Service } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanCount, humanRate } from '../format/index.ts';
import type { Io } from '../io.ts';
import { momentText, printListing, type Shown } from './print.ts';
import { ask, dataOf, REACH_FLAGS } from './reach.ts';

const jobColumns: readonly Shown<JobView>[] = [
  { title: 'JOB', cell: ({ job }) => job.slice(0, 8) },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'SUBMITTED', cell: ({ submittedAt }) => momentText(submittedAt) },
  { title: 'ENDED', cell: ({ endedAt }) => momentText(endedAt) },
  { title: 'IN', align: 'right', cell: (job) => countOf(job.stages.at(0), 'in') },
  { title: 'OUT', align: 'right', cell: (job) => countOf(job.stages.at(-1), 'out') },
  { title: 'RATE', align: 'right', cell: ({ stages }) => humanRate(stages.at(0)?.rate ?? 0) },
  { title: 'REASON', cell: ({ reason }) => reason },
];

const taskColumns: readonly Shown<TaskView>[] = [
  // A local node's id ends with what was drawn at its start, which tells people nothing.
  { title: 'VM', cell: ({ vm }) => vm?.replace(/#.*/, '') ?? null },
  { title: 'PID', cell: ({ pids }) => pids.join(',') },
  { title: 'TASK', cell: ({ name }) => name },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'EPOCH', align: 'right', cell: ({ epoch }) => epoch },
  { title: 'IN', align: 'right', cell: (task) => countOf(task, 'in') },
  { title: 'OUT', align: 'right', cell: (task) => countOf(task, 'out') },
  { title: 'RATE', align: 'right', cell: ({ rate }) => humanRate(rate) },
  { title: 'OPERATOR', keep: 'end', cell: ({ operator }) => operator },
  { title: 'LOG FILE', keep: 'end', cell: ({ logFile }) => logFile },
];

function countOf(
  counted: { readonly counts: Readonly<Record<string, number>> } | undefined,
  name: string,
): string {
  return humanCount(counted?.counts[name] ?? 0);
}

async function jobs(line: CommandLine, io: Io): Promise<ExitCode> {
  const rows = await ask(line, io, (service) => service.jobs());
  await printListing(line, io, { rows, columns: jobColumns, none: 'no jobs here yet' });
  return 0;
}

async function tasks(line: CommandLine, io: Io): Promise<ExitCode> {
  const job = line.words.at(1);
  const found = await ask(line, io, (service) => tasksOf(service, job));
  const dir = dataDir(dataOf(line, io));
  // Stages write their log when they have something to say; sources have no operator.
  const rows = found.map((task) => {
    const logFile = task.logFile === '' && task.stage > 0 ? dir.taskLog(task) : task.logFile;
    return { ...task, logFile };
  });
  const none =
    job === undefined
      ? 'no job is at work; `rainstorm tasks JOB` shows those of one'
      : 'no tasks yet';
  await printListing(line, io, { rows, columns: taskColumns, none });
  return 0;
}

/** The tasks of `job`, or of all jobs that have not ended. */
async function tasksOf(service: Service, job: string | undefined): Promise<readonly TaskView[]> {
  if (job !== undefined) return service.tasks(job);
  const live = (await service.jobs()).filter(({ state }) => isLive(state));
  return (await Promise.all(live.map((view) => service.tasks(view.job)))).flat();
}

export const jobsCommand: Command = {
  usage: 'jobs',
  summary: 'list the jobs: state, counts, rate',
  flags: [...REACH_FLAGS, 'json'],
  words: [0, 0],
  run: jobs,
};

export const tasksCommand: Command = {
  usage: 'tasks [JOB]',
  summary: 'list the tasks of a job, or of all jobs that have not ended',
  help: `Each task with its machine (VM), the process ids of its operators, its name as job/stage[index],
its state, its epoch (how often it was started), tuples in and out, tuples a second, the command of
its operator, and the file that its operators' stderr goes to. JOB is a name, an id, or the first
six or more characters of an id.`,
  flags: [...REACH_FLAGS, 'json'],
  words: [0, 1],
  run: tasks,
};
