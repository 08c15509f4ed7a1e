import type { ReplicaLimits } from '../../../src/hydfs/replication/index.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import { textOf } from '../helpers.ts';
import type { Cluster } from './cluster.ts';

/** Many batches, much that is read back, entries in pieces. */
export const tiny: Partial<ReplicaLimits> = {
  batchBytes: 2_000,
  pieceBytes: 3_000,
  keptBytes: 4_000,
  window: 2,
};

export const NAME = 'one.txt';

/** What `store` has of the file, by its own copy, as of a length that the primary told. */
export async function copyAt(
  cluster: Cluster,
  store: string,
  told: { readonly length: number; readonly version: number },
): Promise<string> {
  const range = { from: 0, to: told.length, version: told.version };
  return textOf(cluster.site(store).replicas.files().readCopy(NAME, range));
}

/** The configuration that is in force for the file. */
export function configOf(cluster: Cluster): { version: number; replicas: readonly string[] } {
  const config = cluster.keeper.configs.get(ringPointOf(NAME));
  return { version: config?.version ?? 0, replicas: config?.replicas ?? [] };
}

/** True when `work` has neither come to an end nor failed after some turns of the event loop. */
export async function isPending(work: Promise<unknown>, turns = 20): Promise<boolean> {
  let pending = true;
  const over = (): void => {
    pending = false;
  };
  work.then(over, over);
  for (let i = 0; i < turns && pending; i++) await new Promise(setImmediate);
  return pending;
}

/** True when `store` has no file on its disk. */
export function isEmpty(cluster: Cluster, store: string): boolean {
  return cluster.site(store).disk.paths('/data/hydfs/files').length === 0;
}
