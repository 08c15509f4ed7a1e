/**
 * kernels: the batch work of a task as pure functions bytes -> bytes, inline or in a thread pool.
 *
 *   const pool = new KernelPool({ threads: 2, log });
 *   const { text, count } = await pool.run('ingest', { block, skip: 0 });
 *   // ... the operator answers; an AnswerScanner of `plan` cuts out the answers of `count` inputs
 *   const done = await pool.run('commit', { answers, count, block, skip: 0, consumers, slots });
 *   if (done.kind === 'mismatch') throw ...;
 *   for (const { consumer, count, bytes } of done.blocks) send(consumer, count, bytes);
 *   await pool.close();
 *
 * 1. No kernel keeps anything between calls but scratch memory; results are buffers of their own.
 * 2. Nothing is allocated per tuple: offsets into typed arrays instead of objects and strings.
 * 3. A kernel gives the same bytes inline and in the pool.
 */

export type { RoutedBlock } from './block-writer.ts';
export type { KernelArgs, KernelName, KernelResult } from './calls.ts';
export type { AnswerFault, CommitArgs, Committed } from './commit.ts';
export { commit } from './commit.ts';
export { type FormatSinkArgs, formatSink, type SinkLines } from './format-sink.ts';
export { type IngestArgs, type IngestResult, ingest } from './ingest.ts';
export {
  KernelPool,
  type KernelPoolOptions,
  type KernelPoolStats,
  type KernelRunOptions,
  OFFLOAD_BYTES,
} from './kernel-pool.ts';
export { type MergeArgs, type MergePart, mergeBlocks } from './merge-blocks.ts';
export {
  type DeadLetter,
  decodeRecord,
  encodeRecord,
  type WalKeep,
  type WalOutput,
  type WalRecord,
  type WalRecordKind,
} from './record.ts';
export { type SplitSourceArgs, type SplitSourceResult, splitSource } from './split-source.ts';
export type { TupleSelection } from './tuple-selection.ts';
