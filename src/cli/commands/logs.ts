/** `rainstorm logs`: what happened to a job, and what its tasks and their operators wrote. */
import { fault, isFault, reasonOf } from '../../core/index.ts';
import type { TaskView } from '../../leader/index.ts';
import { jobLogName, type LogFile, type Service } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanBytes } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printListing, type Shown } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

/** One log file of a task; an older part ends with `.1`. */
interface TaskLogFile {
  readonly task: string;
  readonly vm: string;
  readonly path: string;
  readonly bytes: number;
}

const columns: readonly Shown<TaskLogFile>[] = [
  { title: 'TASK', cell: ({ task }) => task },
  { title: 'VM', cell: ({ vm }) => vm },
  { title: 'SIZE', align: 'right', cell: ({ bytes }) => humanBytes(bytes) },
  { title: 'LOG FILE', keep: 'end', cell: ({ path }) => path },
];

function logs(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, job] = line.words;
  const print = job === undefined ? search : printLogs;
  return ask(line, io, (service) => print(service, line, io), { again: 'never' });
}

/** The logs of all nodes, each line behind the node and the file that it is from. */
async function search(service: Service, line: CommandLine, io: Io): Promise<ExitCode> {
  const { grep, json } = line.flags;
  if (grep === undefined) {
    throw fault('USAGE', { problem: 'name a job, or search the logs of all nodes with --grep' });
  }
  patternOf(grep);
  let complete = true;
  for await (const { node, file, lines, problem } of service.searchLogs(grep, io.closed)) {
    if (io.closed.aborted) break;
    const texts = lines.map((text) =>
      json ? JSON.stringify({ node, file, line: text }) : `${node} ${file}: ${text}`,
    );
    if (texts.length > 0) await write(io.stdout, `${texts.join('\n')}\n`);
    if (problem === null) continue;
    complete = false;
    await write(io.stderr, `${node}: ${problem}\n`);
  }
  return complete ? 0 : 1;
}

async function printLogs(service: Service, line: CommandLine, io: Io): Promise<ExitCode> {
  const [, job, wanted] = line.words;
  const pattern = line.flags.grep === undefined ? null : patternOf(line.flags.grep);
  const tasks = await service.tasks(job);
  const chosen = wanted === undefined ? tasks : tasks.filter((task) => isCalled(task, wanted));
  if (wanted !== undefined && chosen.length === 0) {
    const names = tasks.map(shortName).join(', ');
    throw fault('USAGE', { problem: `job ${job} has no task ${wanted}; its tasks are ${names}` });
  }
  const { job: id } = await service.job(job);
  const files = (await service.logs(id)).flatMap((file) => {
    const task = chosen.find(({ stage, index }) => stage === file.stage && index === file.index);
    return task === undefined ? [] : [{ file, task: shortName(task) }];
  });
  if (line.flags.json || (wanted === undefined && pattern === null)) {
    if (!line.flags.json) await printJobLog(service, id, io, null);
    const none = 'the tasks of this job have written nothing';
    const rows = files.map(({ file, task }) => ({ ...file, task }));
    await printListing(line, io, { rows, columns, none });
    return 0;
  }
  if (wanted === undefined) await printJobLog(service, id, io, pattern);
  for (const { file, task } of files) {
    const name = wanted === undefined ? `${task}: ` : '';
    await printFile(service, file, io, { pattern, name });
  }
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

/** What the leaders noted; jobs of a node that is alone have none in HyDFS. */
async function printJobLog(
  service: Service,
  job: string,
  io: Io,
  pattern: RegExp | null,
): Promise<void> {
  try {
    for await (const line of linesOf(service.read(jobLogName(job)))) {
      const { at, text } = JSON.parse(line) as { at: number; text: string };
      const said = `${new Date(at).toISOString()} ${text}`;
      if (pattern === null || pattern.test(said)) await write(io.stdout, `${said}\n`);
    }
  } catch (error) {
    if (!isFault(error, 'FILE_MISSING')) throw error;
  }
}

async function printFile(
  service: Service,
  file: LogFile,
  io: Io,
  { pattern, name }: { readonly pattern: RegExp | null; readonly name: string },
): Promise<void> {
  for await (const text of linesOf(service.readLog(file.vm, file))) {
    if (io.closed.aborted) break;
    if (pattern === null || pattern.test(text)) await write(io.stdout, `${name}${text}\n`);
  }
}

/** The lines of a stream of bytes, the last one also when no newline ends it. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

export const logsCommand: Command = {
  usage: 'logs [JOB [TASK]]',
  summary:
    'what happened to a job and what its tasks wrote; without JOB: search the logs of all nodes',
  help: `TASK is a name as \`rainstorm tasks\` shows it: signs/pick[0], or pick[0], or pick for all tasks of
the stage. Without TASK the log of the job is printed (starts, failures, restarts, the end) and the log
files of its tasks are listed, wherever they are; with --grep all of them are searched. A task's log has
its starts, a few of its outputs (\`logOutputs: all\` in the job file: all of them), each duplicate that it
rejected, and its operators' stderr. Without JOB, --grep searches the logs of all nodes and of the tasks
there, at once; with --json each line found is one JSON object on a line.`,
  flags: [...REACH_FLAGS, 'grep', 'json'],
  words: [0, 2],
  run: logs,
};
