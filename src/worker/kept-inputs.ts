/**
 * Replays the inputs that a stateful operator has seen: every kept block, in commit order, without
 * the inputs that killed an operator.
 *
 *   Q1  Each record of the log is replayed once: from the file that repeats it (`kept-file.ts`), or,
 *       where no part of that has it, from the log itself.
 */
import { decodeRecord, type WalKeep } from '../kernels/index.ts';
import { keptFileName, walFileName } from '../plan/index.ts';
import { inputsOf, type LogPart, partOf } from './kept-file.ts';
import type { TaskContext } from './task-context.ts';

/**
 * The operator text of all inputs whose answers have been handed over.
 * @param settled resolves when what was handed over has reached the log
 */
export async function* keptInputs(
  context: TaskContext,
  settled: () => Promise<void> | undefined,
): AsyncIterable<{ text: Uint8Array; count: number }> {
  const { kernels } = context.services;
  await settled();
  for await (const { block, skip, dead } of keptBlocks(context)) {
    const { text, count } = await kernels.run('ingest', { block, skip, dead });
    if (count > 0) yield { text, count };
  }
}

/** Q1. */
async function* keptBlocks(context: TaskContext): AsyncGenerator<WalKeep> {
  const { services, attempt } = context;
  let at = 0;
  for await (const entry of services.fs.entries(keptFileName(attempt))) {
    if (entry.kind !== 'append') continue;
    const { from, to } = partOf(entry.meta);
    yield* loggedBlocks(context, { from: at, to: from });
    yield* inputsOf(entry);
    at = to;
  }
  yield* loggedBlocks(context, { from: at, to: Number.POSITIVE_INFINITY });
}

/** What the records keep that begin in a part of the log. */
async function* loggedBlocks(
  { services, attempt }: TaskContext,
  { from, to }: LogPart,
): AsyncGenerator<WalKeep> {
  if (from >= to) return;
  for await (const entry of services.fs.entries(walFileName(attempt), { fromOffset: from })) {
    if (entry.offset >= to) return;
    if (entry.kind === 'append' && entry.offset >= from) yield* decodeRecord(entry.data).keep;
  }
}
