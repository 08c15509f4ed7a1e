/** Voters with one guard missing each, to show that the checks notice. */
import type { DurableLog, Persist, Rules } from '../../src/raft/index.ts';
import type { Plant } from './raft-node.ts';

export interface Bug {
  readonly rules?: Partial<Rules>;
  readonly plant?: Plant;
  /** Where to begin to look: seeds before it have been found to show nothing. */
  readonly from?: number;
}

/** A vote is forgotten with the process that gave it. */
export const votesForgotten: Bug = {
  plant: (log) =>
    through(log, (persist) => ({ ...persist, hard: { ...persist.hard, vote: null } })),
};

/** Those that lives full of faults find. */
export const bugs = {
  'an acknowledgement does not wait for the disk': {
    from: 50,
    plant: (log) => {
      const eager = through(log, (persist) => persist);
      const append = (persist: Persist): Promise<void> => {
        // What happens to it later nobody hears.
        eager.append(persist).catch(() => undefined);
        return Promise.resolve();
      };
      return { ...eager, append };
    },
  },
  'entries are taken without a look at what is before them': {
    rules: { fits: (ownTerm) => ownTerm !== null },
  },
  'a read does not ask a quorum': { rules: { heard: () => true }, from: 24 },
  'two changes of members at once': { rules: { mayChange: () => true }, from: 90 },
} as const satisfies Record<string, Bug>;

/** `log` with each record changed on its way to the disk. */
function through(log: DurableLog, change: (persist: Persist) => Persist): DurableLog {
  return {
    initial: log.initial,
    get snapshot() {
      return log.snapshot;
    },
    set snapshot(snapshot) {
      log.snapshot = snapshot;
    },
    append: (persist) => log.append(change(persist)),
  };
}
