/** Rows of the table of faults that are about files of a cluster; see `fault-table.ts`. */
import type { FaultRow } from './fault-table.ts';

export const fileFaults = {
  REPLICA_UNKNOWN: {
    domain: 'user',
    exit: 2,
    says: '{address} holds no replica of {name}; its replicas are at {replicas}, give one of them',
  },
  PATTERN_UNUSABLE: {
    domain: 'user',
    exit: 2,
    says: 'lines cannot be matched with {pattern} ({reason}); give a simpler regular expression',
  },
  CLUSTER_NEEDED: {
    domain: 'user',
    exit: 2,
    says: '{what} is a matter of a cluster, and this data directory is that of one process; give --cluster, or with --data the directory of a `rainstorm node`',
  },
  FILES_UNREACHABLE: {
    domain: 'environment',
    exit: 3,
    says: '{name} could not be reached for {seconds} s ({reason}); see with `rainstorm members` whether the nodes that hold it run, and try again',
  },
} as const satisfies Record<string, FaultRow>;
