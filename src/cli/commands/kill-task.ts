/** `rainstorm kill-task`. */
import { fault } from '../../core/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import type { Io } from '../io.ts';
import { printResult } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

async function killTask(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, vm, text] = line.words;
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid < 1) {
    throw fault('USAGE', { problem: `a process id is a whole number, not ${text}` });
  }
  const { task } = await ask(line, io, (service) => service.killTask(vm, pid), { again: 'never' });
  const json = { vm, pid, task };
  await printResult(line, io, { text: `killed ${pid} at ${vm}, an operator of ${task}`, json });
  return 0;
}

export const killTaskCommand: Command = {
  usage: 'kill-task VM PID',
  summary: 'kill an operator of a task as a crash would (SIGKILL to its group), telling nobody',
  help: `VM and PID are those of \`rainstorm tasks\`. Nothing but an operator of a task is killed. What follows is
what follows a crash: the operator is started again, and no tuple is lost or doubled.`,
  flags: [...REACH_FLAGS, 'json'],
  words: [2, 2],
  run: killTask,
};
