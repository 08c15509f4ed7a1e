import { present, reasonOf } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import { fetchFile, UnreadableThere } from './fetch-file.ts';
import { METHODS, replySchema, type Stamp } from './messages.ts';
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
  const withdrawn = (store: string, name: string): void => {
    for (const [link, { session, inventory }] of attempt.found) {
      if (inventory.store !== store) continue;
      const files = inventory.files.filter((file) => file.name !== name);
      attempt.found.set(link, { session, inventory: { store, files } });
    }
  };
  const others: Others = { stampFor, withdrawn, signal };
  const missing = missingHere(own, inventories);
  const fetches = missing.map((fetch) => {
    return context.pushes.run(() => fetchOne(context, fetch, others));
  });
  const results = await Promise.allSettled(fetches);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return missing.length > 0;
}

/** How the stores of the other copies are asked. */
interface Others {
  readonly stampFor: (store: string) => Stamp;
  /** A store does not have a file any more. */
  readonly withdrawn: (store: string, name: string) => void;
  readonly signal: AbortSignal;
}

/** Fetches the most that can be read. */
async function fetchOne(
  context: ReplicaContext,
  { name, sources, absent }: Fetch,
  { stampFor, withdrawn, signal }: Others,
): Promise<void> {
  const unread: { readonly store: string; readonly reason: unknown }[] = [];
  for (const { store, extent, whole } of sources) {
    signal.throwIfAborted();
    const stamp = stampFor(store);
    const facts = { point: stamp.point, name, source: store, to: extent.nextIndex };
    context.log.info('a file is longer elsewhere and is fetched', facts);
    try {
      await fetchFile(context, { name, store, extent, whole, stamp, signal });
      break;
    } catch (error) {
      if (!(error instanceof UnreadableThere)) throw error;
      context.log.error('the longest copy of a file is damaged', { name, reason: reasonOf(error) });
      unread.push({ store, reason: error });
    }
  }
  if (absent && unread.length === sources.length) throw unread[0].reason;
  // what is longer there will be written otherwise: before that it has to go
  for (const { store } of unread) {
    const params = { ...stampFor(store), name };
    const request = { store, method: METHODS.remove, params, answer: replySchema, signal };
    const reply = await context.peers.call(request);
    if (reply.kind === 'refused') throw notReady(name, `store ${store} refuses (${reply.why})`);
    withdrawn(store, name);
  }
}
