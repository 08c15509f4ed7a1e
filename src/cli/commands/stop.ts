/** `rainstorm stop`. */
import type { JobView } from '../../leader/index.ts';
import { isResting } from '../../leader/index.ts';
import { LocalService, type Service } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanCount } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printResult } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

async function stop(line: CommandLine, io: Io): Promise<ExitCode> {
  const mode = line.flags.now ? 'now' : 'end';
  const view = await ask(line, io, (service) => stopped(service, line.words[1], mode, io), {
    runs: true,
  });
  const { name, state, reason, stages } = view;
  const counted = `${humanCount(stages.at(0)?.counts.in ?? 0)} tuples in, ${humanCount(stages.at(-1)?.counts.out ?? 0)} out`;
  const why = reason === null ? '' : ` (${reason})`;
  const text = `job ${name} (${view.job.slice(0, 8)}) is ${state}${why}: ${counted}`;
  await printResult(line, io, { text, json: view });
  return state === 'failed' ? 1 : 0;
}

async function stopped(
  service: Service,
  job: string,
  mode: 'end' | 'now',
  io: Io,
): Promise<JobView> {
  let view = await service.stop(job, mode);
  if (!isResting(view.state) && mode === 'end') {
    await write(io.stderr, `stopping ${view.name}: what has been read is being finished\n`);
  }
  for await (const seen of service.watch(view.job)) view = seen;
  if (service instanceof LocalService) await service.completeExport(view.job);
  return view;
}

export const stopCommand: Command = {
  usage: 'stop JOB',
  summary:
    'end a job: its sources end where they are, what was read takes effect; waits until it has ended',
  help: `Without --now the output is complete for every line that was read. With --now nothing is waited
for: the job is cancelled, and cannot be resumed either way. (Ctrl-C in \`rainstorm run\` only
suspends it.)`,
  flags: [...REACH_FLAGS, 'now', 'json'],
  words: [1, 1],
  run: stop,
};
