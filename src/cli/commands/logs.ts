/** `rainstorm logs`: what the operators of a job wrote to stderr. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fault, reasonOf } from '../../core/index.ts';
import type { TaskView } from '../../leader/index.ts';
import { dataDir } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanBytes } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printListing, type Shown } from './print.ts';
import { ask, dataOf, REACH_FLAGS } from './reach.ts';

/** One log file of a task; an older part ends with `.1`. */
interface LogFile {
  readonly task: string;
  readonly path: string;
  readonly bytes: number;
}

const columns: readonly Shown<LogFile>[] = [
  { title: 'TASK', cell: ({ task }) => task },
  { title: 'SIZE', align: 'right', cell: ({ bytes }) => humanBytes(bytes) },
  { title: 'LOG FILE', keep: 'end', cell: ({ path }) => path },
];

async function logs(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, job, wanted] = line.words;
  const pattern = line.flags.grep === undefined ? null : patternOf(line.flags.grep);
  const tasks = await ask(line, io, (service) => service.tasks(job));
  const chosen = wanted === undefined ? tasks : tasks.filter((task) => isCalled(task, wanted));
  if (wanted !== undefined && chosen.length === 0) {
    const names = tasks.map(shortName).join(', ');
    throw fault('USAGE', { problem: `job ${job} has no task ${wanted}; its tasks are ${names}` });
  }
  const files = await logFiles(chosen, dataOf(line, io));
  if (line.flags.json || (wanted === undefined && pattern === null)) {
    const none = 'the operators of this job have written nothing to stderr';
    await printListing(line, io, { rows: files, columns, none });
    return 0;
  }
  for (const file of files) await printFile(io, file, pattern, wanted === undefined);
  return 0;
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw fault('USAGE', {
      problem: `--grep ${text} is no regular expression (${reasonOf(error)})`,
    });
  }
}

/** `pick[0]` */
function shortName({ stageName, index }: TaskView): string {
  return `${stageName}[${index}]`;
}

/** A task is called by `signs/pick[0]`, `pick[0]`, or by `pick` with all others of its stage. */
function isCalled(task: TaskView, name: string): boolean {
  return [task.name, shortName(task), task.stageName].includes(name);
}

/** The log files that exist, oldest part first. */
async function logFiles(tasks: readonly TaskView[], data: string): Promise<LogFile[]> {
  const dir = dataDir(data);
  const files: LogFile[] = [];
  for (const task of tasks) {
    const path = dir.taskLog(task);
    for (const part of [`${path}.1`, path]) {
      const found = await stat(part).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (found !== null) files.push({ task: shortName(task), path: part, bytes: found.size });
    }
  }
  return files;
}

async function printFile(
  io: Io,
  file: LogFile,
  pattern: RegExp | null,
  named: boolean,
): Promise<void> {
  const lines = createInterface({
    input: createReadStream(file.path),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const text of lines) {
    if (io.closed.aborted) break;
    if (pattern !== null && !pattern.test(text)) continue;
    await write(io.stdout, `${named ? `${file.task}: ` : ''}${text}\n`);
  }
  lines.close();
}

export const logsCommand: Command = {
  usage: 'logs JOB [TASK]',
  summary: 'what the operators of a job wrote to stderr: list the files, or print those of a task',
  help: `TASK is a name as \`rainstorm tasks\` shows it: signs/pick[0], or pick[0], or pick for all tasks of
the stage. Without TASK the files are listed; with --grep all of them are searched.`,
  flags: [...REACH_FLAGS, 'grep', 'json'],
  words: [1, 2],
  run: logs,
};
