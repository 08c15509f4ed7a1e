/**
 * The middle of a stage task: blocks in, through the operator, staged batches out to the commit.
 *
 * Invariants
 *   P1  Batches are submitted to the operator in the order they were taken, and committed in that
 *       order, however long their kernels take and whichever process answers first.
 *   P2  What is between `run` and durability is bounded by `PIPELINE_BYTES`; the owner asks `full`.
 *   P3  The first error stops the pipeline for good; nothing is committed after it.
 *   P4  A batch is one log entry. An operator that makes much of little gets fewer tuples a batch, and
 *       outputs that are staged but not durable count as what is between `run` and durability.
 *   P5  Texts, answers and merged blocks belong to one batch and are given back when it has no more
 *       use for them: a text when all of it is answered, the others when the outputs are made. Blocks
 *       that arrived or that are kept have other users.
 */
import { fault, present, spareBytes } from '../core/index.ts';
import type { KernelPool } from '../kernels/index.ts';
import type { BatchAnswer, OperatorPool } from '../operator/index.ts';
import { decodeBlock, formatTupleId, type SinkFormat } from '../plan/index.ts';
import type { CommitStrategy } from './commit-strategy.ts';
import type { InputBatch } from './inbox.ts';
import type { StagedBatch, StagedDeath, StagedOutput } from './staged-batch.ts';

/** Input bytes of batches that are in the operator or on their way to the log. */
export const PIPELINE_BYTES = 3 * 1024 * 1024;
/** What the answers of one batch should come to: far below what one log entry can hold. */
const ANSWER_BYTES = 8 * 1024 * 1024;
/** Outputs that wait for their log entry before no more inputs are taken. */
const STAGED_BYTES_MAX = 64 * 1024 * 1024;
/** Tuples of the batches before any answer has been seen. */
const FIRST_TUPLES = 256;

/** Where outputs go: partitioned over the tasks of a stage, or as lines into the destination. */
export type OutputShape =
  | { readonly kind: 'partition'; readonly consumers: number; readonly slots: Uint16Array }
  | { readonly kind: 'lines'; readonly format: SinkFormat };

export interface PipelineOptions {
  readonly kernels: KernelPool;
  readonly pool: OperatorPool;
  readonly strategy: CommitStrategy;
  readonly shape: OutputShape;
  /** keep the inputs in the log, to rebuild the operator's state */
  readonly keepsInputs: boolean;
  /** names of the sources, for tuple ids in dead letters */
  readonly sources: readonly string[];
  /** for messages */
  readonly taskName: string;
  /** the batch is durable, and so are its outputs */
  readonly committed: (batch: InputBatch, outputs: readonly StagedOutput[]) => void;
  readonly broken: (error: unknown) => void;
}

interface Prepared {
  readonly block: Uint8Array;
  /** the block was made for this batch alone */
  readonly merged: boolean;
  readonly text: Uint8Array;
}

interface Answered {
  readonly prepared: Prepared | null;
  readonly answer: BatchAnswer | null;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  #lastSubmit: Promise<unknown> = Promise.resolve();
  #lastPlaced: Promise<unknown> = Promise.resolve();
  #running = 0;
  #bytes = 0;
  /** bytes of answers per input, by the batches so far */
  #answerBytes = 0;
  #broken = false;
  /** Batches whose answers were handed over by the operator pool but are not durable yet. */
  #deliveredNotDurable = 0;
  #idleWaiters: (() => void)[] = [];
  #durableWaiters: (() => void)[] = [];

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** No room for another batch now (P2). */
  get full(): boolean {
    return this.#bytes >= PIPELINE_BYTES || this.#options.strategy.pendingBytes >= STAGED_BYTES_MAX;
  }

  /**
   * How many tuples the next batch may have, so that its answers stay near `ANSWER_BYTES` (P4): by
   * the longest answers lately, and few as long as nothing is known.
   */
  get tuplesMax(): number {
    if (this.#answerBytes === 0) return FIRST_TUPLES;
    return Math.max(1, Math.floor(ANSWER_BYTES / this.#answerBytes));
  }

  /** Nothing between `run` and durability. */
  get idle(): boolean {
    return this.#running === 0;
  }

  /** Resolves when `idle`. */
  whenIdle(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Resolves when every batch answered so far is durable; needs nothing from the operator. */
  whenDeliveredIsDurable(): Promise<void> {
    if (this.#deliveredNotDurable === 0) return Promise.resolve();
    return new Promise((resolve) => this.#durableWaiters.push(resolve));
  }

  /** Takes `batch` in; `committed` or `broken` follows. */
  run(batch: InputBatch): void {
    this.#running += 1;
    this.#bytes += batch.bytes;
    const answered = batch.tuples === 0 ? this.#skipOperator() : this.#operate(batch);
    const staged = answered.then((result) => this.#stage(batch, result));
    const placed = Promise.all([staged, this.#lastPlaced]).then(([result]) => {
      if (this.#broken) throw new StoppedPipeline();
      return { durable: this.#options.strategy.commit(result), outputs: result.outputs };
    });
    this.#lastPlaced = placed;
    placed
      .then(({ durable, outputs }) => durable.then(() => this.#done(batch, outputs)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** An end of a producer has no tuples, but keeps its place behind the batches before it. */
  #skipOperator(): Promise<Answered> {
    return this.#lastSubmit.then(() => ({ prepared: null, answer: null }));
  }

  async #operate(batch: InputBatch): Promise<Answered> {
    const { pool } = this.#options;
    const prepared = this.#prepare(batch);
    const submitted = Promise.all([prepared, this.#lastSubmit]).then(([{ text }]) => ({
      answer: pool.submit({ text, count: batch.tuples }),
    }));
    this.#lastSubmit = submitted;
    const answer = await (await submitted).answer;
    this.#deliveredNotDurable += 1;
    this.#answerBytes = Math.max(answer.answers.length / batch.tuples, this.#answerBytes / 2);
    spareBytes.give((await prepared).text);
    return { prepared: await prepared, answer };
  }

  async #prepare(batch: InputBatch): Promise<Prepared> {
    const { kernels, taskName } = this.#options;
    const [first] = batch.blocks;
    const only = batch.blocks.length === 1 && first.skip === 0 && first.until === undefined;
    const block = only
      ? batch.blocks[0].bytes
      : await kernels.run('merge', { blocks: batch.blocks });
    const ingested = await kernels.run('ingest', { block, skip: 0 });
    const [unspeakable] = ingested.unspeakable;
    if (unspeakable !== undefined) {
      throw fault('TUPLE_HAS_NEWLINE', {
        task: taskName,
        tuple: formatTupleId(this.#options.sources, decodeBlock(block), unspeakable),
      });
    }
    return { block, merged: !only, text: ingested.text };
  }

  async #stage(batch: InputBatch, { prepared, answer }: Answered): Promise<StagedBatch> {
    const empty = { inputs: batch.inputs, outputs: [], deaths: [], keep: null };
    if (answer === null || prepared === null) {
      return { ...empty, tuplesIn: 0, tuplesOut: 0, filtered: 0 };
    }
    const { block, merged } = prepared;
    const { outputs, out, filtered } = await this.#shape(block, batch.tuples, answer.answers);
    const deaths = answer.dead.length === 0 ? [] : this.#deaths(block, answer);
    spareBytes.give(answer.answers);
    if (merged && !this.#options.keepsInputs) spareBytes.give(block);
    return {
      inputs: batch.inputs,
      outputs,
      deaths,
      keep: this.#options.keepsInputs
        ? { block, dead: answer.dead.map(({ index }) => index) }
        : null,
      tuplesIn: batch.tuples,
      tuplesOut: out,
      filtered: filtered - deaths.length,
    };
  }

  async #shape(
    block: Uint8Array,
    count: number,
    answers: Uint8Array,
  ): Promise<{ outputs: StagedOutput[]; out: number; filtered: number }> {
    const { kernels, shape, sources } = this.#options;
    const input = { answers, count, block, skip: 0 };
    if (shape.kind === 'lines') {
      const result = await kernels.run('sink', { ...input, format: shape.format });
      if (result.kind === 'mismatch') throw this.#mismatch(block, result, sources);
      const { bytes, lines, filtered } = result;
      const outputs = lines === 0 ? [] : [{ port: 0, count: lines, bytes }];
      return { outputs, out: lines, filtered };
    }
    const { consumers, slots } = shape;
    const result = await kernels.run('commit', { ...input, consumers, slots });
    if (result.kind === 'mismatch') throw this.#mismatch(block, result, sources);
    const outputs = result.blocks.map(({ consumer, count: tuples, bytes }) => ({
      port: consumer,
      count: tuples,
      bytes,
    }));
    return { outputs, out: result.forwarded, filtered: result.filtered };
  }

  #mismatch(
    block: Uint8Array,
    found: { readonly index: number; readonly line: string },
    sources: readonly string[],
  ): Error {
    return fault('OPERATOR_PROTOCOL', {
      operator: this.#options.taskName,
      line: found.line,
      expected: 'an answer',
      key: formatTupleId(sources, decodeBlock(block), found.index),
      trace: '',
    });
  }

  #deaths(bytes: Uint8Array, answer: BatchAnswer): StagedDeath[] {
    const block = decodeBlock(bytes);
    const start = (ends: Uint32Array, i: number): number => (i === 0 ? 0 : ends[i - 1]);
    return answer.dead.map(({ index, reason, trace }) => ({
      id: formatTupleId(this.#options.sources, block, index),
      key: block.keys.slice(start(block.keyEnds, index), block.keyEnds[index]),
      value: block.values.slice(start(block.valueEnds, index), block.valueEnds[index]),
      reason,
      trace,
    }));
  }

  #done(batch: InputBatch, outputs: readonly StagedOutput[]): void {
    this.#running -= 1;
    this.#bytes -= batch.bytes;
    if (batch.tuples > 0) this.#deliveredNotDurable -= 1;
    if (this.#broken) return;
    this.#options.committed(batch, outputs);
    if (this.#deliveredNotDurable === 0) release(this.#durableWaiters.splice(0));
    if (this.idle) release(this.#idleWaiters.splice(0));
  }

  #fail(error: unknown): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#options.broken(error);
  }
}

/** Rejects what stood behind the batch that broke; the cause has been reported with that one. */
class StoppedPipeline extends Error {}

function release(waiters: readonly (() => void)[]): void {
  for (const resolve of waiters) present(resolve, 'a waiter resolves')();
}
