/**
 * Which failpoints the nodes of a cluster die at, in which job, and where.
 *
 * 1. Every failpoint of the program is here, but those that only a node without a cluster passes:
 *    with one voter there is no agreement, and only there a destination is a file outside of HyDFS.
 *    What raft's log does instead goes through the same `storage` as all logs.
 * 2. The task, the node, the pass and the order depend on the seed.
 * 3. Each death of a job falls on what the one before has left, the first one excepted.
 */
import { between, type Random, seededRandom } from '../../src/core/index.ts';
import type { Kill } from '../crash/failpoint-plan.ts';
import type { JobName } from '../crash/jobs.ts';

/** Where it is passed: at the node of some task of a source, with a log, of the last stage, ... */
export type Where = 'source' | 'logging' | 'stages' | 'sink' | 'nodes' | 'leader';
/** `recovery`: when tasks of a node that was killed begin elsewhere; `end`: of the job. */
export type Phase = 'running' | 'recovery' | 'end' | 'files';

interface Place {
  readonly phase: Phase;
  readonly where: Where;
  readonly jobs: readonly JobName[];
  /** the last pass that is surely reached within seconds */
  readonly passes: number;
}

export interface Act extends Kill, Pick<Place, 'phase' | 'where'> {}

/** One job, and the deaths that it has to bear, in order. */
export interface Play {
  readonly seed: number;
  readonly job: JobName;
  readonly acts: readonly Act[];
}

const all: readonly JobName[] = ['identity', 'transform', 'rekey', 'count', 'words'];
const logged: readonly JobName[] = ['transform', 'rekey', 'count', 'words'];
const appending: readonly JobName[] = ['identity', 'transform', 'rekey'];
const trimming: readonly JobName[] = ['transform'];
const counting: readonly JobName[] = ['count', 'words'];

function place(phase: Phase, where: Where, jobs = all, passes = 1): Place {
  return { phase, where, jobs, passes };
}

const places: Readonly<Record<string, Place>> = {
  'storage.before-write': place('running', 'nodes', all, 40),
  'storage.half-written': place('running', 'nodes', all, 40),
  'storage.written-not-synced': place('running', 'nodes', all, 40),
  'storage.synced-not-acked': place('running', 'nodes', all, 40),
  'storage.rolled': place('running', 'nodes', trimming, 2),
  'source.before-send': place('running', 'source', all, 5),
  'source.before-position': place('running', 'source', all, 2),
  'task.first-block': place('running', 'stages', all, 5),
  'task.before-log': place('running', 'logging', logged, 5),
  'task.logged-not-acked': place('running', 'logging', logged, 5),
  'task.acked-not-sent': place('running', 'stages', all, 5),
  'task.before-checkpoint': place('running', 'logging', trimming, 2),
  'task.before-trim': place('running', 'logging', trimming, 2),
  'sink.before-append': place('running', 'sink', appending, 5),
  'sink.appended-not-acked': place('running', 'sink', appending, 5),
  'sink.before-redelivery': place('running', 'sink', counting, 5),
  'letters.before-write': place('running', 'nodes', ['poison']),
  'letters.written-not-acked': place('running', 'nodes', ['poison']),
  'hydfs.copy-durable': place('running', 'nodes', all, 40),
  'hydfs.writer-opened': place('recovery', 'nodes', all),
  'source.recovering': place('recovery', 'source', all),
  'task.recovering': place('recovery', 'logging', logged),
  'sink.recovering': place('recovery', 'sink', appending),
  'leader.assigned-not-started': place('recovery', 'leader', all),
  'source.end': place('end', 'nodes', all),
  'task.end-recorded': place('end', 'nodes', all),
  'leader.finished-not-recorded': place('end', 'nodes', all),
  'hydfs.copy-removed': place('files', 'nodes', all),
  'hydfs.file-fetched': place('files', 'nodes', all),
};

/** The failpoints of a cluster, by name. */
export const clusterFailpoints: readonly string[] = Object.keys(places);

/** Those that a node of a cluster never comes to (1). */
export const failpointsAlone: readonly string[] = [
  'control.proposed-not-durable',
  'control.durable-not-applied',
  'export.before-write',
  'export.before-marker',
];

const phases: readonly Phase[] = ['running', 'recovery', 'end', 'files'];

/** The jobs of one seed, which go through all failpoints together. */
export function playsOf(seed: number): Play[] {
  const random = seededRandom(seed);
  const acts = new Map<JobName, Act[]>();
  Object.entries(places).forEach(([failpoint, { jobs }], i) => {
    const job = jobs[(seed + i) % jobs.length];
    acts.set(job, [...(acts.get(job) ?? []), actAt(failpoint, random)]);
  });
  return [...acts].map(([job, some]) => ({ seed, job, acts: inOrder(some, random) }));
}

/** A short one: `counts` says how many of each phase. */
export function shortPlay(seed: number, job: JobName, counts: Record<Phase, number>): Play {
  const random = seededRandom(seed);
  const acts = phases.flatMap((phase) => {
    const fitting = Object.entries(places).filter(
      ([, each]) => each.phase === phase && each.jobs.includes(job),
    );
    return shuffled(fitting, random)
      .slice(0, counts[phase])
      .map(([failpoint]) => actAt(failpoint, random));
  });
  return { seed, job, acts: inOrder(acts, random) };
}

/** The deaths in words, for titles. */
export function inWords({ acts }: Play): string {
  return acts.map(({ failpoint, pass }) => `${failpoint}:${pass}`).join(', ');
}

function actAt(failpoint: string, random: Random): Act {
  const { phase, where, passes } = places[failpoint];
  return { failpoint, pass: between(random, 1, passes + 1), phase, where };
}

/** What happens while the job runs, in any order, then its end; what needs no job is last. */
function inOrder(acts: readonly Act[], random: Random): Act[] {
  const early = acts.filter(({ phase }) => phase === 'running' || phase === 'recovery');
  const late = (['end', 'files'] as const).flatMap((phase) =>
    acts.filter((act) => act.phase === phase),
  );
  return [...shuffled(early, random), ...late];
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(between(random, 0, left.length), 1)[0]);
}
