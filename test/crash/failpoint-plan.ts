/**
 * Which failpoints a crash test goes through, and how they are strung together.
 *
 * 1. Every failpoint is passed in each of the seeds, in a job whose shape and pass depend on the
 *    seed.
 * 2. Several kills fall into one job, each in the run that resumes after the one before:
 *    at the start or in the middle, while recovering, again in the middle, near the end. So most kills hit a job
 *    that has been killed before.
 */
import { between, type Random, seededRandom } from '../../src/core/index.ts';
import type { JobName } from './jobs.ts';

/** `start`: only a fresh run surely gets there. */
type Phase = 'start' | 'middle' | 'recovery' | 'end';

interface Place {
  readonly phase: Phase;
  readonly jobs: readonly JobName[];
  /** the last pass that a fresh run of every such job surely reaches */
  readonly passes: number;
}

const all: readonly JobName[] = ['identity', 'transform', 'rekey', 'count', 'words'];
const logged: readonly JobName[] = ['transform', 'rekey', 'count', 'words'];
const appending: readonly JobName[] = ['identity', 'transform', 'rekey'];
const trimming: readonly JobName[] = ['transform'];
const counting: readonly JobName[] = ['count', 'words'];
const middle = (jobs: readonly JobName[], passes: number): Place => ({
  phase: 'middle',
  jobs,
  passes,
});
const start = (jobs: readonly JobName[], passes: number): Place => ({
  phase: 'start',
  jobs,
  passes,
});
const recovery = (jobs: readonly JobName[], passes = 1): Place => ({
  phase: 'recovery',
  jobs,
  passes,
});
const end = (jobs: readonly JobName[]): Place => ({ phase: 'end', jobs, passes: 1 });

/** Every failpoint that a job of one process passes. */
export const places: Readonly<Record<string, Place>> = {
  'storage.before-write': middle(all, 20),
  'storage.half-written': middle(all, 20),
  'storage.written-not-synced': middle(all, 20),
  'storage.synced-not-acked': middle(all, 20),
  'storage.rolled': start(all, 3),
  'source.before-send': middle(all, 3),
  'source.before-position': start(trimming, 2),
  'task.first-block': middle(all, 3),
  'task.before-log': middle(logged, 4),
  'task.logged-not-acked': middle(logged, 4),
  'task.acked-not-sent': middle(all, 4),
  'task.before-checkpoint': start(trimming, 3),
  'task.before-trim': start(trimming, 2),
  'sink.before-append': middle(appending, 4),
  'sink.appended-not-acked': middle(appending, 4),
  'sink.before-redelivery': middle(counting, 4),
  'letters.before-write': start(['poison'], 1),
  'letters.written-not-acked': middle(['poison'], 1),
  'export.before-write': middle(all, 1),
  'control.proposed-not-durable': recovery(all, 3),
  'control.durable-not-applied': recovery(all, 3),
  'leader.assigned-not-started': recovery(all, 2),
  'hydfs.writer-opened': recovery(all, 2),
  'source.recovering': recovery(all),
  'task.recovering': recovery(logged),
  'sink.recovering': recovery(appending),
  'source.end': end(all),
  'task.end-recorded': end(all),
  'leader.finished-not-recorded': end(all),
  'export.before-marker': end(all),
};

/**
 * Those that only stores of a cluster pass: test/cluster/jobs-failpoints.test.ts goes through them,
 * and the simulator of replicated files ends stores between any two of their steps.
 */
export const placesOfReplication: readonly string[] = [
  'hydfs.copy-durable',
  'hydfs.copy-removed',
  'hydfs.file-fetched',
];

/** One kill. */
export interface Kill {
  readonly failpoint: string;
  readonly pass: number;
}

/** One job and the kills that it has to bear, in order. */
export interface Chain {
  readonly seed: number;
  readonly job: JobName;
  readonly kills: readonly Kill[];
}

/** The jobs of one seed, which go through all `places` together. */
export function chainsOf(seed: number): Chain[] {
  const random = seededRandom(seed);
  const byJob = new Map<JobName, Map<Phase, string[]>>();
  Object.entries(places).forEach(([failpoint, { phase, jobs }], i) => {
    const job = jobs[(seed + i) % jobs.length];
    const phases = byJob.get(job) ?? new Map<Phase, string[]>();
    byJob.set(job, phases.set(phase, [...(phases.get(phase) ?? []), failpoint]));
  });
  return [...byJob].flatMap(([job, phases]) => chainsOfJob(seed, job, phases, random));
}

function chainsOfJob(
  seed: number,
  job: JobName,
  phases: ReadonlyMap<Phase, string[]>,
  random: Random,
): Chain[] {
  const left = new Map([...phases].map(([phase, names]) => [phase, [...names]]));
  const chains: Chain[] = [];
  while ([...left.values()].some((names) => names.length > 0)) {
    const kills: Kill[] = [];
    // One kill of the beginning, then one of each that follows.
    const first = (left.get('start') ?? []).length > 0 ? 'start' : 'middle';
    for (const phase of [first, 'recovery', 'middle', 'end'] as const) {
      const names = left.get(phase) ?? [];
      if (names.length === 0) continue;
      const [failpoint] = names.splice(between(random, 0, names.length), 1);
      const { passes } = places[failpoint];
      // A resumed run has less to do: only what every run passes is certain.
      const most = kills.length === 0 ? passes : Math.min(passes, phase === 'recovery' ? 2 : 1);
      kills.push({ failpoint, pass: between(random, 1, most + 1) });
    }
    chains.push({ seed, job, kills });
  }
  return chains;
}

/** The kills in words, for titles. */
export function inWords({ kills }: Chain): string {
  return kills.map(({ failpoint, pass }) => `${failpoint}:${pass}`).join(', ');
}
