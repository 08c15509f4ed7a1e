import { seededRandom } from '../../../src/core/index.ts';
import { ClusterKey, type ClusterKeys } from '../../../src/transport/index.ts';

/** The key named by a letter, the same in every run. */
export function clusterKey(letter: string): ClusterKey {
  return new ClusterKey(seededRandom(letter.charCodeAt(0)).bytes(32));
}

/** The keys of a node whose file holds these, in this order. */
export function clusterKeys(current: string, other: string | null = null): ClusterKeys {
  return {
    current: clusterKey(current),
    other: other === null ? null : clusterKey(other),
  };
}
