import { present } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import { fetchFile } from './fetch-file.ts';
import type { Attempt } from './point-phase.ts';
import { missingHere } from './reconcile.ts';
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
  const missing = missingHere(own, inventories);
  const fetches = missing.map((fetch) => {
    return context.pushes.run(async () => {
      signal.throwIfAborted();
      const { name, store, from, extent } = fetch;
      const session = present(sessions.get(store), 'the copy is of a store that was surveyed');
      const facts = { point, name, source: store, from, to: extent.nextIndex };
      context.log.info('a file is longer elsewhere and is fetched', facts);
      await fetchFile(context, { ...fetch, stamp: { point, version, session }, signal });
    });
  });
  const results = await Promise.allSettled(fetches);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return missing.length > 0;
}
