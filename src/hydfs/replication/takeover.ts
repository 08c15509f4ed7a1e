import { present, reasonOf } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import { fetchFile, UnreadableThere } from './fetch-file.ts';
import type { Stamp } from './messages.ts';
import type { Attempt } from './point-phase.ts';
import { type Fetch, missingHere } from './reconcile.ts';
import type { FileExtent } from './stored-files.ts';

/** Fetches what other replicas have and this store lacks; false when that is nothing. */
export async function fetchMissing(
  context: ReplicaContext,
  options: {
    readonly attempt: Attempt;
    readonly own: readonly FileExtent[];
    readonly point: number;
    readonly version: number;
  },
): Promise<boolean> {
  const { attempt, own, point, version } = options;
  const { signal } = attempt.abort;
  const sessions = new Map<string, number>();
  const inventories = [...attempt.found.values()].map(({ session, inventory }) => {
    sessions.set(inventory.store, session);
    return inventory;
  });
  const stampFor = (store: string): Stamp => {
    const session = present(sessions.get(store), 'the copy is of a store that was surveyed');
    return { point, version, session };
  };
  const missing = missingHere(own, inventories);
  const fetches = missing.map((fetch) => {
    return context.pushes.run(() => fetchOne(context, fetch, stampFor, signal));
  });
  const results = await Promise.allSettled(fetches);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return missing.length > 0;
}

/** Fetches the most that can be read. */
async function fetchOne(
  context: ReplicaContext,
  { name, sources, absent }: Fetch,
  stampFor: (store: string) => Stamp,
  signal: AbortSignal,
): Promise<void> {
  let unread: unknown = null;
  for (const { store, extent, whole } of sources) {
    signal.throwIfAborted();
    const stamp = stampFor(store);
    const facts = { point: stamp.point, name, source: store, to: extent.nextIndex };
    context.log.info('a file is longer elsewhere and is fetched', facts);
    try {
      await fetchFile(context, { name, store, extent, whole, stamp, signal });
      return;
    } catch (error) {
      if (!(error instanceof UnreadableThere)) throw error;
      context.log.error('the longest copy of a file is damaged', { name, reason: reasonOf(error) });
      unread = error;
    }
  }
  if (absent) throw unread;
}
