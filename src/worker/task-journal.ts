/**
 * What a task says in its log, in lines of its own between what its operators write to stderr.
 *
 *   2026-03-01T12:00:00.000Z rainstorm: restart of copy/say[0], attempt 2, node 127.0.0.1:7070, pid 41
 *   2026-03-01T12:00:00.100Z rainstorm: duplicate rejected in.txt:5
 *   2026-03-01T12:00:00.200Z rainstorm: output "Street": "41"
 *
 * Invariants
 *   Y1  Each tuple that is rejected because it was taken before has a line with its id, up to
 *       `DUPLICATE_LINES` a second; one line counts those beyond, so lines and counts sum up.
 *   Y2  Outputs are written down when they are durable: one of each batch, `SAMPLE_LINES` a second, or
 *       all (`logOutputs`), and never a part of the outputs of a batch that did not take effect.
 *   Y3  Nothing here makes a task fail or wait (see `TaskLog`).
 */
import type { Clock, Logger, Timer } from '../core/index.ts';
import { type OperatorEvent, TaskLog, type TaskLogSink } from '../operator/index.ts';
import { type Block, decodeBlock, formatTupleId, type OutputLogging } from '../plan/index.ts';
import type { StagedOutput } from './staged-batch.ts';

/** Lines a second for rejected tuples. */
export const DUPLICATE_LINES = 1000;
/** Lines a second for sampled outputs. */
export const SAMPLE_LINES = 5;
const SECOND_MS = 1000;
/** Characters of a key or value that are shown. */
const SHOWN_CHARS = 200;
/** A log of all outputs is larger than one of samples, and still has an end. */
const FULL_LOG_BYTES = 256 * 1024 * 1024;

export interface TaskJournalOptions {
  readonly path: string;
  /** `name/stage[index]` */
  readonly task: string;
  readonly epoch: number;
  /** where it runs */
  readonly node: string;
  readonly outputs: OutputLogging;
  /** names of the sources, for tuple ids */
  readonly sources: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export class TaskJournal implements TaskLogSink {
  readonly #options: TaskJournalOptions;
  readonly #log: TaskLog;
  readonly #duplicates: Budget;
  readonly #samples: Budget;

  constructor(options: TaskJournalOptions) {
    this.#options = options;
    const { path, clock, logger, outputs } = options;
    const full = { bytesMax: FULL_LOG_BYTES, rateMax: Number.POSITIVE_INFINITY };
    this.#log = new TaskLog({ path, clock, logger, ...(outputs === 'all' ? full : {}) });
    this.#duplicates = new Budget(clock, DUPLICATE_LINES, (more) =>
      this.line(
        `duplicates rejected: ${more} more, at most ${DUPLICATE_LINES} a second have lines`,
      ),
    );
    this.#samples = new Budget(clock, SAMPLE_LINES, () => undefined);
  }

  /** What an operator wrote to stderr. */
  write(bytes: Uint8Array): void {
    this.#log.write(bytes);
  }

  /** The attempt is at work. */
  started(pids: readonly number[], operator: string): void {
    const { task, epoch, node } = this.#options;
    const kind = epoch === 1 ? 'start' : 'restart';
    const processes = pids.length === 0 ? '' : `, pid ${pids.join(' ')}`;
    this.line(`${kind} of ${task}, attempt ${epoch}, node ${node}${processes}, ${operator}`);
  }

  /** The attempt is over. */
  ended(how: string): void {
    const { task, epoch } = this.#options;
    this.line(`end of ${task}, attempt ${epoch}: ${how}`);
  }

  /** Something happened to a process of the operator. */
  operator(event: OperatorEvent): void {
    if (event.kind === 'exited') this.line(`operator pid ${event.pid} ended: ${event.how}`);
    else if (event.kind === 'restarting') this.line(`operator is started again: ${event.why}`);
    else if (event.kind === 'started') this.line(`operator runs, pid ${event.pid}`);
    else if (event.kind === 'dead-input') this.line(`dead letter: ${event.reason}`);
  }

  /** The first `count` tuples of `bytes` had been taken before (Y1). */
  rejected(bytes: Uint8Array, count: number): void {
    const block = decodeBlock(bytes);
    const lines = this.#duplicates.take(count);
    for (let i = 0; i < lines; i++) {
      this.line(`duplicate rejected ${formatTupleId(this.#options.sources, block, i)}`);
    }
  }

  /** Outputs are durable (Y2); as blocks, or as lines of the destination. */
  emitted(outputs: readonly StagedOutput[], shape: 'partition' | 'lines'): void {
    const { outputs: wanted } = this.#options;
    if (wanted === 'none' || outputs.length === 0) return;
    if (wanted === 'all') {
      for (const { bytes, count } of outputs) this.#show(bytes, count, shape);
    } else if (this.#samples.take(1) === 1) this.#show(outputs[0].bytes, 1, shape);
  }

  /** Writes one line. */
  line(text: string): void {
    const at = new Date(this.#options.clock.wall()).toISOString();
    this.#log.write(Buffer.from(`${at} rainstorm: ${text}\n`));
  }

  close(): void {
    this.#duplicates.close();
    this.#samples.close();
    this.#log.close();
  }

  #show(bytes: Uint8Array, count: number, shape: 'partition' | 'lines'): void {
    if (shape === 'lines') {
      for (const text of firstLines(bytes, count)) this.line(`output ${shown(text)}`);
      return;
    }
    const block = decodeBlock(bytes);
    for (let i = 0; i < count; i++) this.line(`output ${tupleText(block, i)}`);
  }
}

function firstLines(bytes: Uint8Array, count: number): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lines: string[] = [];
  for (let at = 0; lines.length < count && at < text.length; ) {
    const newline = text.indexOf(10, at);
    const end = newline < 0 ? text.length : newline;
    lines.push(text.toString('utf8', at, end));
    at = end + 1;
  }
  return lines;
}

function tupleText({ keys, keyEnds, values, valueEnds }: Block, i: number): string {
  const key = Buffer.from(keys.subarray(i === 0 ? 0 : keyEnds[i - 1], keyEnds[i]));
  const value = Buffer.from(values.subarray(i === 0 ? 0 : valueEnds[i - 1], valueEnds[i]));
  return `${shown(key.toString('utf8'))}: ${shown(value.toString('utf8'))}`;
}

/** One line whatever is in it, and not too long. */
function shown(text: string): string {
  const cut = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}...` : text;
  return JSON.stringify(cut);
}

/** So many a second; those beyond are told together at the end of the second. */
class Budget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #beyond: (count: number) => void;
  #left: number;
  #missed = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, perSecond: number, beyond: (count: number) => void) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#beyond = beyond;
    this.#left = perSecond;
  }

  /** How many of `count` are within it. */
  take(count: number): number {
    this.#timer ??= this.#clock.timer(SECOND_MS, () => this.#renew());
    const given = Math.min(count, this.#left);
    this.#left -= given;
    this.#missed += count - given;
    return given;
  }

  close(): void {
    this.#timer?.cancel();
    this.#renew();
  }

  #renew(): void {
    this.#timer = null;
    this.#left = this.#perSecond;
    if (this.#missed > 0) this.#beyond(this.#missed);
    this.#missed = 0;
  }
}
