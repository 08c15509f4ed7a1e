/**
 * A source task: lines of one file, numbered, routed and sent.
 *
 * Its log holds positions only: (offset, line, last number per channel). Outputs are not logged,
 * because the file and the slot table give the same outputs again.
 *
 * Invariants
 *   F1  A position is logged only when everything before it is acked by the consumers; the next
 *       attempt reads on from there and produces the same tuples with the same numbers. Consumers
 *       drop what they have.
 *   F2  What is read again is what was read before: a changed source is an error, never a guess.
 *   F3  A stop that ends the stream is logged, with the place, before the end is sent: every later
 *       attempt ends at the same line.
 *       That place is not before what any consumer has taken in from an earlier attempt, nor before
 *       a position that is being logged.
 *   F4  Reading stops while the channels keep more than `SOURCE_QUEUE_BYTES`.
 */
import { crc32, type Fault, failpoint, fault, type Timer } from '../core/index.ts';
import type { FileWriter } from '../hydfs/index.ts';
import { decodeRecord, encodeRecord } from '../kernels/index.ts';
import { consumersOf, stageOf, taskName, walFileName } from '../plan/index.ts';
import { countsFrom, noCounts, type TaskCounts } from './counts.ts';
import { locate } from './locations.ts';
import { ChannelPort } from './output-port.ts';
import { Pacer, sourceRates } from './pacer.ts';
import { SourceBuffer } from './source-buffer.ts';
import {
  checkUnchanged,
  openSource,
  type SourceIdentity,
  type SourceInput,
} from './source-input.ts';
import type { Task, TaskContext, TaskState } from './task-context.ts';
import { TaskLife } from './task-life.ts';

/** Bytes that the channels of one source keep before it stops reading. */
const SOURCE_QUEUE_BYTES = 4 * 1024 * 1024;
/** Least number of source bytes between two logged positions. */
const POSITION_BYTES = 4 * 1024 * 1024;
/** Most milliseconds between two logged positions while acks come in. */
const POSITION_MS = 1000;
/** Lines that leave in one step at most: about four full blocks. */
const SPLIT_TUPLES = 8192;
/** Length of a line before any has been seen. */
const LINE_BYTES_GUESS = 256;
/** How often a followed file is looked at for growth. */
const FOLLOW_MS = 50;

/** A place in the source, and what the channels had been given when it was reached. */
export interface SourcePosition {
  readonly offset: number;
  readonly line: number;
  /** per channel the last number placed */
  readonly placed: readonly number[];
  /** CRC-32 of everything before `offset` when the source is followed, else 0 */
  readonly crc: number;
}

/** `WalRecord.state` of a source task's records. */
export interface SourceState {
  readonly identity: SourceIdentity;
  readonly position: SourcePosition;
  /** where the stream ends, when it was ended by hand (F3) */
  readonly stopAt: SourcePosition | null;
}

interface Live {
  readonly input: SourceInput;
  readonly identity: SourceIdentity;
  readonly writer: FileWriter;
  readonly ports: readonly ChannelPort[];
  readonly buffer: SourceBuffer;
  readonly pacer: Pacer;
  /** the source ends here; null while it is followed without an end */
  limit: number | null;
}

export class SourceTask implements Task {
  readonly #context: TaskContext;
  readonly #life: TaskLife<Live>;
  readonly #keyPrefix: Uint8Array;
  readonly #follow: boolean;
  #position: SourcePosition = { offset: 0, line: 0, placed: [], crc: 0 };
  /** Positions not yet acked by everybody, oldest first. */
  #marks: SourcePosition[] = [];
  #lineBytes = LINE_BYTES_GUESS;
  #logged: SourcePosition = this.#position;
  #loggedAt = 0;
  #logging = false;
  #logSeq = 0;
  #logLength = 0;
  #reading = false;
  #endOfFile = false;
  /** The ports have been told that nothing follows; before that, settled means nothing. */
  #endsGiven = false;
  #winding: 'none' | 'pause' | 'end' = 'none';
  #stopAt: SourcePosition | null = null;
  #stopping = false;
  #timer: Timer | null = null;
  readonly operator = 'source';

  constructor(context: TaskContext) {
    this.#context = context;
    this.#life = new TaskLife({
      taskName: taskName(context.plan, context.attempt),
      log: context.log,
      changed: context.changed,
    });
    const source = context.plan.spec.sources[context.attempt.index];
    this.#keyPrefix = Buffer.from(`${source.file}:`);
    this.#follow = source.follow;
  }

  get state(): TaskState {
    return this.#life.state;
  }

  get fault(): Fault | null {
    return this.#life.fault;
  }

  get counts(): TaskCounts {
    const { phase, live } = this.#life;
    if (phase.kind === 'finished') return phase.counts;
    const ports = live?.ports ?? [];
    return {
      ...countsFrom(noCounts),
      in: this.#position.line,
      out: this.#position.line,
      resent: ports.reduce((sum, port) => sum + port.resent, 0),
      bytes: this.#position.offset,
    };
  }

  pids(): readonly number[] {
    return [];
  }

  async start(): Promise<void> {
    this.#life.own(() => this.#timer?.cancel());
    try {
      this.#life.enter({ kind: 'recovering' });
      const live = await this.#recover();
      if (this.#life.over) return;
      for (const port of live.ports) this.#context.connect(port);
      await Promise.all(live.ports.map((port) => port.ready));
      if (this.#life.over) return;
      live.pacer.begin();
      this.#life.enter({ kind: 'running', live });
      this.#logStart(live);
      this.#resume();
    } catch (error) {
      this.#fail(error);
    }
  }

  wind(mode: 'pause' | 'end'): void {
    if (this.#winding !== 'end') this.#winding = mode;
    this.#resume();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  #fail(error: unknown): void {
    this.#life.fail(error);
  }

  async #recover(): Promise<Live> {
    const { plan, attempt, services } = this.#context;
    const name = walFileName(attempt);
    const writer = await services.fs.openWriter(name, 'task', attempt.epoch, { create: true });
    this.#logSeq = writer.position.seq;
    this.#logLength = (await services.fs.stat(name)).length;
    failpoint('source.recovering');
    const known = await this.#readLog(name);
    const source = plan.spec.sources[attempt.index];
    const input = await openSource(locate(plan.spec, source.file), services.fs);
    this.#life.own(() => input.close());
    const identity = known?.identity ?? (await input.identity());
    const [consumer] = consumersOf(plan, attempt.stage);
    const { tasks } = stageOf(plan, consumer);
    this.#position = known?.position ?? {
      offset: 0,
      line: 0,
      placed: new Array<number>(tasks).fill(0),
      crc: 0,
    };
    this.#stopAt = known?.stopAt ?? null;
    this.#logged = this.#position;
    if (known === null)
      await this.#log({ identity, position: this.#position, stopAt: null }, writer);
    else await checkUnchanged(input, identity, this.#position, this.#follow);
    return {
      input,
      identity,
      writer,
      ports: this.#openPorts(consumer, tasks),
      buffer: new SourceBuffer(input, this.#position.offset),
      pacer: new Pacer(services.clock, sourceRates(plan.spec)[attempt.index]),
      limit: this.#stopAt?.offset ?? (this.#follow ? null : identity.size),
    };
  }

  #logStart({ input, pacer }: Live): void {
    const { clock } = this.#context.services;
    this.#context.log.info('reading begins', {
      source: input.name,
      line: this.#position.line,
      dueAt: Math.round(clock.wall() - (clock.now() - pacer.origin)),
    });
  }

  async #readLog(name: string): Promise<SourceState | null> {
    let last: SourceState | null = null;
    const { fs } = this.#context.services;
    const { trimmedTo } = await fs.stat(name);
    for await (const entry of fs.entries(name, { fromOffset: trimmedTo })) {
      if (entry.kind === 'append') last = decodeRecord(entry.data).state as SourceState;
    }
    return last;
  }

  #openPorts(toStage: number, tasks: number): ChannelPort[] {
    const events = {
      progressed: () => this.#resume(),
      broken: (error: unknown) => this.#fail(error),
    };
    const ports = Array.from({ length: tasks }, (_, toIndex) => {
      const seq = this.#position.placed[toIndex];
      return new ChannelPort({
        toStage,
        toIndex,
        deliveredSeq: seq,
        placedSeq: seq,
        consumerRemembers: this.#context.plan.spec.exactlyOnce,
        makesAgain: true,
        events,
      });
    });
    this.#life.own(() => {
      for (const port of ports) port.close();
    });
    return ports;
  }

  /** The one place that decides what happens next; called after every event. */
  #resume(): void {
    const { phase } = this.#life;
    if (phase.kind === 'running') this.#resumeRunning(phase.live);
    else if (phase.kind === 'ending') {
      if (this.#endsGiven && phase.live.ports.every((port) => port.settled)) {
        this.#life.enter({ kind: 'finished', counts: this.counts });
      }
    }
  }

  #resumeRunning(live: Live): void {
    this.#passMarks(live);
    if (this.#stopping) return; // the place is being logged: nothing is read beyond it (F3)
    if (this.#winding === 'end' && this.#stopAt === null && this.#caughtUp(live)) {
      return this.#stopHere(live);
    }
    if (this.#winding === 'pause') {
      if (!this.#reading && live.ports.every((port) => port.settled)) this.#life.becameQuiet();
      return;
    }
    if (this.#endOfFile) return this.#endOfStream(live);
    if (this.#reading || this.#timer !== null || this.#choked(live)) return;
    this.#reading = true;
    this.#read(live).then(
      () => {
        this.#reading = false;
        this.#resume();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** True when this attempt has made again what earlier ones had sent (F3). */
  #caughtUp({ ports }: Live): boolean {
    return ports.every((port) => port.placedSeq >= port.takenSeq);
  }

  #choked(live: Live): boolean {
    let kept = 0;
    for (const port of live.ports) kept += port.keptBytes;
    return kept > SOURCE_QUEUE_BYTES;
  }

  /** One step: wait for the pace, or send some lines, or look for more bytes. */
  async #read(live: Live): Promise<void> {
    const due = live.pacer.due();
    if (due === 0) return this.#wakeIn(live.pacer.wait());
    const { buffer } = live;
    if (buffer.drained && !(await buffer.fill(live.limit))) return this.#atEnd(live);
    const taken = await this.#split(live, due);
    if (taken > 0) return live.pacer.emitted(taken);
    if (!(await buffer.fill(live.limit))) this.#atEnd(live);
  }

  /** No byte beyond what is buffered, now. */
  async #atEnd(live: Live): Promise<void> {
    if (live.limit !== null) {
      this.#endOfFile = true;
      return;
    }
    await this.#checkGrows(live);
    this.#wakeIn(FOLLOW_MS);
  }

  /** Nobody waits for ever at the end of a file that was cut, removed or replaced (F2). */
  async #checkGrows({ input, identity, buffer }: Live): Promise<void> {
    const { size, inode } = await input.identity();
    const how =
      size < buffer.end
        ? `it shrank from ${buffer.end} to ${size} bytes`
        : 'another file has taken its place';
    if (size < buffer.end || inode !== identity.inode) {
      throw fault('SOURCE_CHANGED', { source: input.name, how });
    }
  }

  #wakeIn(delayMs: number): void {
    this.#timer = this.#context.services.clock.timer(delayMs, () => {
      this.#timer = null;
      this.#resume();
    });
  }

  /** Sends up to `most` lines of what is buffered; returns how many. */
  async #split(live: Live, most: number): Promise<number> {
    const { plan, attempt, services, slots } = this.#context;
    const { buffer, ports, limit } = live;
    const chunk = this.#portion(buffer.bytes, most);
    const final = limit !== null && buffer.start + chunk.length === limit;
    const result = await services.kernels.run('source', {
      chunk,
      final,
      sourceIndex: attempt.index,
      keyPrefix: this.#keyPrefix,
      firstLine: this.#position.line,
      maxTuples: Math.min(most, SPLIT_TUPLES),
      consumers: ports.length,
      slots,
    });
    if (this.#life.phase.kind !== 'running') return 0;
    if (result.overlong !== null) {
      const tuple = `${plan.spec.sources[attempt.index].file}:${result.overlong}`;
      throw fault('SOURCE_LINE_TOO_LONG', { tuple });
    }
    for (const { consumer, count, bytes } of result.blocks) {
      const port = ports[consumer];
      failpoint('source.before-send');
      port.deliver(port.place(count), count, bytes);
    }
    this.#advance(live, chunk.subarray(0, result.consumedBytes), result.lines);
    if (result.lines === 0 && chunk.length < buffer.bytes.length) {
      this.#lineBytes = chunk.length; // a line longer than expected: look at more
      return this.#split(live, most);
    }
    return result.lines;
  }

  /** About as much of `bytes` as `most` lines take, by the length of the lines so far. */
  #portion(bytes: Uint8Array, most: number): Uint8Array {
    const enough = 2 * this.#lineBytes * Math.min(most, SPLIT_TUPLES);
    return enough < bytes.length ? bytes.subarray(0, enough) : bytes;
  }

  #advance(live: Live, consumed: Uint8Array, lines: number): void {
    if (lines === 0) return;
    this.#position = {
      offset: this.#position.offset + consumed.length,
      line: this.#position.line + lines,
      placed: live.ports.map((port) => port.placedSeq),
      crc: this.#follow ? crc32(consumed, this.#position.crc) : 0,
    };
    live.buffer.consume(consumed.length);
    this.#lineBytes = Math.ceil(consumed.length / lines);
    this.#marks.push(this.#position);
  }

  /** Logs the newest position that everybody has acked, not too often (F1). */
  #passMarks(live: Live): void {
    // numbers of later marks are higher: with the first that is owed the others are too
    const owed = this.#marks.findIndex(
      ({ placed }) => !placed.every((seq, i) => live.ports[i].ackedSeq >= seq),
    );
    const passed = (owed < 0 ? this.#marks.length : owed) - 1;
    if (passed > 0) this.#marks.splice(0, passed);
    if (passed < 0 || this.#logging) return;
    const [position] = this.#marks;
    const now = this.#context.services.clock.now();
    const early = now - this.#loggedAt < POSITION_MS;
    if (early && position.offset - this.#logged.offset < POSITION_BYTES) return;
    this.#marks.shift();
    this.#loggedAt = now;
    this.#logging = true;
    failpoint('source.before-position');
    this.#log({ identity: live.identity, position, stopAt: this.#stopAt }, live.writer).then(
      () => {
        this.#logging = false;
        this.#logged = position;
        this.#resume();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Each record says everything, so what is before the newest durable one may go. */
  async #log(state: SourceState, writer: FileWriter): Promise<void> {
    this.#logSeq += 1;
    const parts = encodeRecord({
      kind: 'source',
      inputs: [],
      outputs: [],
      dead: [],
      keep: [],
      state,
    });
    const offset = this.#logLength;
    for (const part of parts) this.#logLength += part.length;
    await writer.append({ seq: this.#logSeq, parts });
    await this.#context.services.fs.trim(writer.name, offset);
  }

  /** Ends the stream at the present line (F3). */
  #stopHere(live: Live): void {
    if (this.#reading || this.#logging) return; // what is under way resumes here
    this.#timer?.cancel();
    this.#timer = null;
    this.#stopAt = this.#position;
    this.#stopping = true;
    live.limit = this.#position.offset;
    this.#log(
      { identity: live.identity, position: this.#logged, stopAt: this.#stopAt },
      live.writer,
    ).then(
      () => {
        this.#stopping = false;
        this.#endOfFile = true;
        this.#resume();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Everything has been sent: prove that the source is what it was, then send the ends. */
  #endOfStream(live: Live): void {
    if (this.#reading) return;
    this.#life.enter({ kind: 'ending', live });
    failpoint('source.end');
    checkUnchanged(live.input, live.identity, this.#position, this.#follow)
      .then(() => {
        for (const port of live.ports) port.end();
        this.#endsGiven = true;
        this.#resume();
      })
      .catch((error: unknown) => this.#fail(error));
  }
}
