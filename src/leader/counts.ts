import type { Counts } from '../control/index.ts';

/** Counts that begin at zero with each attempt; all others go on from the task's log. */
const PER_ATTEMPT: ReadonlySet<string> = new Set(['duplicates', 'resent', 'restarts']);

/** The counts of a task: of the attempts before, and of the present one. */
export function taskCounts(past: Counts | undefined, present: Counts): Counts {
  if (past === undefined) return present;
  const counts: Record<string, number> = { ...past };
  for (const [name, value] of Object.entries(present)) {
    counts[name] = PER_ATTEMPT.has(name) ? (past[name] ?? 0) + value : value;
  }
  return counts;
}

/** The sum of several counts, name by name. */
export function sumCounts(all: Iterable<Counts>): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, value] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}
