/**
 * Replays the inputs that a stateful operator has seen, from its task's log: every kept block, in
 * commit order, without the inputs that killed an operator.
 */
import { decodeRecord } from '../kernels/index.ts';
import { walFileName } from '../plan/index.ts';
import type { TaskContext } from './task-context.ts';

/**
 * The operator text of all inputs whose answers have been handed over.
 * @param settled resolves when what was handed over has reached the log
 */
export async function* keptInputs(
  context: TaskContext,
  settled: () => Promise<void> | undefined,
): AsyncIterable<{ text: Uint8Array; count: number }> {
  const { services, attempt } = context;
  await settled();
  for await (const entry of services.fs.entries(walFileName(attempt))) {
    if (entry.kind !== 'append') continue;
    for (const { block, dead } of decodeRecord(entry.data).keep) {
      const { text, count } = await services.kernels.run('ingest', { block, skip: 0, dead });
      if (count > 0) yield { text, count };
    }
  }
}
