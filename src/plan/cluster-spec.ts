/**
 * What the files of a job are called when it runs in a cluster.
 *
 * K1. A local run reads and writes local paths, and HyDFS names where `hydfs:` says so. In a cluster
 *     every source and the destination is a HyDFS name, with or without `hydfs:`: no task can know
 *     on which machine a local path was meant.
 * K2. A text that can only be a path (`/data/x.csv`, `./x.csv`) is refused, never read as a name.
 * K3. Keys of tuples begin with the text as it was written: both kinds of run give the same tuples.
 */
import { fault } from '../core/index.ts';
import type { JobSpec } from './job-spec.ts';
import { storedName, validateFileName } from './location.ts';

/**
 * `spec` as a job of a cluster (K1).
 * @throws PATH_IN_CLUSTER (K2), SOURCE_REPEATED
 */
export function clusterSpec(spec: JobSpec): JobSpec {
  const seen = new Set<string>();
  for (const { file } of spec.sources) {
    const name = nameOf(file);
    if (seen.has(name)) throw fault('SOURCE_REPEATED', { name });
    seen.add(name);
  }
  nameOf(spec.sink.file);
  return { ...spec, names: 'hydfs' };
}

/** K2. */
function nameOf(text: string): string {
  const name = storedName(text);
  const reason = validateFileName(name);
  if (reason !== null) throw fault('PATH_IN_CLUSTER', { text, reason });
  return name;
}
