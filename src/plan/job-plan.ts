/**
 * A job laid out as a graph of stages, each with its tasks.
 *
 * G1. Stage 0 is the sources, one task per source file: task i reads `spec.sources[i]`. Stage s > 0
 *     is `spec.stages[s - 1]`.
 * G2. Edges go from lower to higher stage numbers, so the graph has no cycle. Today every job is a
 *     chain; nothing outside `planJob` may rely on that.
 * G3. A stage that nobody consumes appends to the destination; there is no sink stage.
 * G4. A plan is a pure function of (id, spec): every node and every later attempt makes the same.
 * G5. Names of a job's own files depend on its id alone, never on its name: two jobs of one name
 *     share nothing.
 */
import { assert, present } from '../core/index.ts';
import type { JobSpec, StageSpec, StageType } from './job-spec.ts';

/** The name that stage 0 goes by. */
export const SOURCE_STAGE = 'source';

/** One task: lives as long as its job. */
export interface TaskRef {
  readonly job: string;
  readonly stage: number;
  readonly index: number;
}

/** One start of a task; epochs are given out only by the control log. */
export interface Attempt extends TaskRef {
  readonly epoch: number;
}

/** One stage of a plan (G1). */
export interface PlannedStage {
  readonly index: number;
  readonly name: string;
  readonly kind: 'source' | StageType;
  readonly tasks: number;
}

/** All tuples of stage `from` go to stage `to`. */
export interface PlannedEdge {
  readonly from: number;
  readonly to: number;
}

/** The graph of a job. */
export interface JobPlan {
  readonly id: string;
  readonly spec: JobSpec;
  readonly stages: readonly PlannedStage[];
  readonly edges: readonly PlannedEdge[];
  readonly tasks: readonly TaskRef[];
}

/** Lays out `spec` under the job id `id` (letters, digits and `-`). */
export function planJob(id: string, spec: JobSpec): JobPlan {
  assert(/^[A-Za-z0-9-]{1,64}$/.test(id), `a job id is made of letters, digits and -: ${id}`);
  const stages: PlannedStage[] = [
    { index: 0, name: SOURCE_STAGE, kind: 'source', tasks: spec.sources.length },
    ...spec.stages.map(({ name, type, tasks }, i) => ({ index: i + 1, name, kind: type, tasks })),
  ];
  const edges = spec.stages.map((_, i) => ({ from: i, to: i + 1 }));
  const tasks = stages.flatMap((stage) => tasksIn(id, stage));
  return { id, spec, stages, edges, tasks };
}

function tasksIn(job: string, stage: PlannedStage): TaskRef[] {
  return Array.from({ length: stage.tasks }, (_, index) => ({ job, stage: stage.index, index }));
}

/** The stage with number `stage`. */
export function stageOf(plan: JobPlan, stage: number): PlannedStage {
  return present(plan.stages[stage], `job ${plan.id} has a stage ${stage}`);
}

/** What the spec says about stage `stage`, which is not the sources. */
export function stageSpecOf(plan: JobPlan, stage: number): StageSpec {
  return present(plan.spec.stages[stage - 1], `stage ${stage} of job ${plan.id} has an operator`);
}

/** The tasks of stage `stage`, by index. */
export function tasksOf(plan: JobPlan, stage: number): TaskRef[] {
  return tasksIn(plan.id, stageOf(plan, stage));
}

/** The stages that stage `stage` sends to; none means that it appends to the destination (G3). */
export function consumersOf(plan: JobPlan, stage: number): number[] {
  return plan.edges.filter((edge) => edge.from === stage).map((edge) => edge.to);
}

/** The stages that stage `stage` receives from. */
export function producersOf(plan: JobPlan, stage: number): number[] {
  return plan.edges.filter((edge) => edge.to === stage).map((edge) => edge.from);
}

/** True when the stage's tuples end in the destination file (G3). */
export function isLastStage(plan: JobPlan, stage: number): boolean {
  return consumersOf(plan, stage).length === 0;
}

/** True when a killed task of this stage has state to be rebuilt. */
export function isStateful(plan: JobPlan, stage: number): boolean {
  return stageOf(plan, stage).kind === 'aggregate';
}

/** Stage numbers, every producer before its consumers (Kahn, 1962; lowest number first). */
export function topologicalOrder(plan: JobPlan): number[] {
  const waiting = new Map(plan.stages.map(({ index }) => [index, producersOf(plan, index).length]));
  const order: number[] = [];
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([, producers]) => producers === 0).map(([stage]) => stage);
    assert(ready.length > 0, `the stages of job ${plan.id} form no cycle`);
    for (const stage of ready) {
      order.push(stage);
      waiting.delete(stage);
      for (const to of consumersOf(plan, stage)) waiting.set(to, (waiting.get(to) ?? 0) - 1);
    }
  }
  return order;
}

/** `name/stage[index]`, as people see a task. */
export function taskName(plan: JobPlan, task: Pick<TaskRef, 'stage' | 'index'>): string {
  return `${plan.spec.name}/${stageOf(plan, task.stage).name}[${task.index}]`;
}

/** `name/stage[index]#epoch`, as people see an attempt. */
export function attemptName(plan: JobPlan, attempt: Omit<Attempt, 'job'>): string {
  return `${taskName(plan, attempt)}#${attempt.epoch}`;
}

/** The HyDFS name of a task's write-ahead log (G5). */
export function walFileName(task: TaskRef): string {
  return `jobs/${task.job}/wal/${task.stage}-${task.index}`;
}

/** The HyDFS name of the file that repeats the inputs which a stateful task's log keeps (G5). */
export function keptFileName(task: TaskRef): string {
  return `jobs/${task.job}/kept/${task.stage}-${task.index}`;
}

/** The HyDFS name of a job's dead letters (G5). */
export function deadLettersFileName(job: string): string {
  return `jobs/${job}/dead-letters`;
}

/** The HyDFS name that a job writes to when its destination is a local path (G5). */
export function outputFileName(job: string): string {
  return `jobs/${job}/output`;
}

/** The HyDFS name of an empty file that says that a local destination is complete (G5). */
export function exportedFileName(job: string): string {
  return `jobs/${job}/exported`;
}

/** The name by which a task appends to files that it shares with others. */
export function taskWriterName({ job, stage, index }: TaskRef): string {
  return `${job}/${stage}-${index}`;
}
