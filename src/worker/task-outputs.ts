/**
 * The output side of a stage task, opened and recovered: its commit strategy, its ports, and what
 * earlier attempts left undelivered.
 */
import { failpoint } from '../core/index.ts';
import type { FileWriter } from '../hydfs/index.ts';
import { decodeRecord } from '../kernels/index.ts';
import {
  consumersOf,
  deadLettersFileName,
  isLastStage,
  isStateful,
  keptFileName,
  stageOf,
  taskWriterName,
  walFileName,
} from '../plan/index.ts';
import { LogCommit } from './commit-log.ts';
import { RelayCommit } from './commit-relay.ts';
import { SinkCommit, sinkMetaOf } from './commit-sink.ts';
import type { CommitStrategy } from './commit-strategy.ts';
import { DeadLetterPort } from './dead-letters.ts';
import { KeptFile, partOf } from './kept-file.ts';
import { destinationFileName } from './locations.ts';
import { decodeLogMeta } from './log-meta.ts';
import { ChannelPort, FilePort, type OutputPort, type PortEvents } from './output-port.ts';
import type { OutputShape } from './pipeline.ts';
import { producerCount } from './producers.ts';
import { RecoveredTask } from './recovered-task.ts';
import type { TaskContext } from './task-context.ts';

/** So much more of a log is read so that what it keeps can be repeated; else it stays unrepeated. */
const UNREPEATED_BYTES = 2 * 1024 * 1024;

/** The watermarks that a task goes on from. */
export interface RecoveredInputs {
  readonly watermarks: readonly number[];
  readonly ended: readonly boolean[];
  /** every producer has ended */
  readonly complete: boolean;
}

export interface TaskOutputs {
  readonly recovered: RecoveredInputs;
  readonly strategy: CommitStrategy;
  readonly ports: readonly OutputPort[];
  readonly shape: OutputShape;
  /** inputs are kept in the log to rebuild the operator's state */
  readonly keepsInputs: boolean;
  /** nothing is owed to any receiver */
  readonly settled: boolean;
  /** Resolves when every port has been connected once: from then on inputs flow straight through. */
  ready(): Promise<unknown>;
  /** Hands out what earlier attempts committed and receivers may lack. */
  redeliver(): void;
  close(): void;
}

/** Writer name of a task in files that it shares with others. */
export function writerName(context: Pick<TaskContext, 'attempt'>): string {
  return taskWriterName(context.attempt);
}

/**
 * Opens the outputs of a task with its epoch, which fences every older attempt, then reads what
 * they left.
 * @throws FENCED when a newer attempt has already opened them
 */
export function openOutputs(context: TaskContext, events: PortEvents): Promise<TaskOutputs> {
  const { plan, attempt } = context;
  if (!plan.spec.exactlyOnce) return openRelay(context, events);
  const last = isLastStage(plan, attempt.stage);
  return last && !isStateful(plan, attempt.stage)
    ? openSink(context, events)
    : openLog(context, events);
}

async function openLog(context: TaskContext, events: PortEvents): Promise<TaskOutputs> {
  const { plan, attempt, services } = context;
  const name = walFileName(attempt);
  const open = (file: string): Promise<FileWriter> =>
    services.fs.openWriter(file, 'task', attempt.epoch, { create: true });
  const stateful = isStateful(plan, attempt.stage);
  const repeats = stateful ? open(keptFileName(attempt)) : null;
  const [writer, repeater] = await Promise.all([open(name), repeats]);
  failpoint('task.recovering');
  const [info, ports] = await Promise.all([services.fs.stat(name), openPorts(context, events)]);
  const from = Math.max(info.trimmedTo, decodeLogMeta(writer.position.meta));
  const repeated = repeater === null ? from : partOf(repeater.position.meta).to;
  const begin = from - repeated <= UNREPEATED_BYTES ? Math.min(from, repeated) : from;
  const { broken } = events;
  const kept =
    repeater && new KeptFile({ writer: repeater, from: Math.max(begin, repeated), broken });
  const recovered = new RecoveredTask({
    producers: producerCount(context),
    ports: ports.count,
    from: begin,
  });
  for await (const { kind, offset, data } of services.fs.entries(name, { fromOffset: begin })) {
    if (kind !== 'append') continue;
    const record = decodeRecord(data);
    recovered.fold(record, offset);
    if (offset >= repeated) kept?.add(record.keep, offset + data.length);
  }
  const opened = ports.open((port) => lastBeforeUnacked(recovered, port), recovered.placed);
  const deadLetters = openDeadLetters(context, events, recovered.counts.dead);
  const strategy = new LogCommit({
    fs: services.fs,
    writer,
    length: info.length,
    recovered,
    from,
    ports: opened,
    deadLetters,
    kept,
    broken,
  });
  return makeOutputs(context, opened, strategy, deadLetters, {
    recovered,
    keepsInputs: stateful,
    redeliver: () => {
      recovered.unacked.forEach((outputs, port) => {
        for (const { firstSeq, count, bytes } of outputs) {
          opened[port].deliver(firstSeq, count, bytes);
        }
      });
      deadLetters.rewrite(recovered.letters);
    },
  });
}

async function openSink(context: TaskContext, events: PortEvents): Promise<TaskOutputs> {
  const { plan, attempt, services } = context;
  const writer = await services.fs.openWriter(
    destinationFileName(plan),
    writerName(context),
    attempt.epoch,
    { create: true },
  );
  failpoint('sink.recovering');
  const meta = sinkMetaOf(writer, producerCount(context));
  const deadLetters = openDeadLetters(context, events, meta.counts.dead);
  const strategy = new SinkCommit({ writer, meta, deadLetters });
  const { watermarks, ended } = meta;
  const firstLetter = meta.counts.dead - meta.deaths.length + 1;
  return makeOutputs(context, [], strategy, deadLetters, {
    recovered: { watermarks, ended, complete: ended.every(Boolean) },
    keepsInputs: false,
    redeliver: () =>
      deadLetters.rewrite(meta.deaths.map((letter, i) => ({ seq: firstLetter + i, letter }))),
  });
}

async function openRelay(context: TaskContext, events: PortEvents): Promise<TaskOutputs> {
  const producers = producerCount(context);
  const ports = await openPorts(context, events);
  const fresh = ports.fresh();
  const opened = ports.open((port) => fresh[port], fresh);
  const deadLetters = openDeadLetters(context, events, null);
  const strategy = new RelayCommit({ ports: opened, deadLetters });
  return makeOutputs(context, opened, strategy, deadLetters, {
    recovered: {
      watermarks: new Array<number>(producers).fill(0),
      ended: new Array<boolean>(producers).fill(false),
      complete: false,
    },
    keepsInputs: false,
    redeliver: () => {},
  });
}

function makeOutputs(
  context: TaskContext,
  ports: readonly OutputPort[],
  strategy: CommitStrategy,
  deadLetters: DeadLetterPort,
  own: Pick<TaskOutputs, 'recovered' | 'keepsInputs' | 'redeliver'>,
): TaskOutputs {
  return {
    recovered: own.recovered,
    keepsInputs: own.keepsInputs,
    redeliver: () => {
      own.redeliver();
      for (const port of ports) if (port instanceof ChannelPort) context.connect(port);
    },
    ready: () => Promise.all(ports.map((port) => port.ready)),
    strategy,
    ports,
    shape: outputShape(context),
    get settled() {
      return deadLetters.settled && ports.every((port) => port.settled);
    },
    close: () => {
      for (const port of ports) port.close();
    },
  };
}

function outputShape({ plan, attempt, slots }: TaskContext): OutputShape {
  const consumers = consumersOf(plan, attempt.stage);
  if (consumers.length === 0) return { kind: 'lines', format: plan.spec.sink.format };
  return { kind: 'partition', consumers: stageOf(plan, consumers[0]).tasks, slots };
}

/** Number of the output before the first that must be delivered again. */
function lastBeforeUnacked(recovered: RecoveredTask, port: number): number {
  const first = recovered.unacked[port].at(0);
  return first === undefined ? recovered.placed[port] : first.firstSeq - 1;
}

interface PortOpener {
  readonly count: number;
  /** Numbers that a task without a log goes on from. */
  fresh(): number[];
  open(delivered: (port: number) => number, placed: readonly number[]): OutputPort[];
}

async function openPorts(context: TaskContext, events: PortEvents): Promise<PortOpener> {
  const { plan, attempt } = context;
  const [consumer] = consumersOf(plan, attempt.stage);
  return consumer === undefined
    ? openFilePort(context, events)
    : openChannelPorts(context, events, consumer);
}

function openChannelPorts(context: TaskContext, events: PortEvents, toStage: number): PortOpener {
  // Connected only after `redeliver`: a consumer may hold more than the log knows it holds.
  const count = stageOf(context.plan, toStage).tasks;
  return {
    count,
    fresh: () => new Array<number>(count).fill(0),
    open: (delivered, placed) =>
      Array.from(
        { length: count },
        (_, toIndex) =>
          new ChannelPort({
            toStage,
            toIndex,
            deliveredSeq: delivered(toIndex),
            placedSeq: placed[toIndex],
            consumerRemembers: context.plan.spec.exactlyOnce,
            events,
          }),
      ),
  };
}

async function openFilePort(context: TaskContext, events: PortEvents): Promise<PortOpener> {
  const { plan, attempt, services } = context;
  const writer = await services.fs.openWriter(
    destinationFileName(plan),
    writerName(context),
    attempt.epoch,
    { create: true },
  );
  return {
    count: 1,
    fresh: () => [writer.position.seq],
    open: (_delivered, placed) => [
      new FilePort({
        writer,
        placedSeq: placed[0],
        events,
        failpointName: 'sink.before-redelivery',
      }),
    ],
  };
}

function openDeadLetters(
  context: TaskContext,
  events: PortEvents,
  placedSeq: number | null,
): DeadLetterPort {
  const { plan, attempt, services } = context;
  return new DeadLetterPort({
    fs: services.fs,
    fileName: deadLettersFileName(attempt.job),
    writer: writerName(context),
    epoch: attempt.epoch,
    stage: stageOf(plan, attempt.stage).name,
    index: attempt.index,
    placedSeq,
    progressed: events.progressed,
    broken: events.broken,
  });
}
