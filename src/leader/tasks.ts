/**
 * How the tasks of a job are kept running. Each function looks at what is and does what is missing,
 * so it can be called after any input, any number of times.
 *
 * 1. A task gets its next epoch when it is not done and no live attempt of it is known; what the
 *    control log has assigned to a node that may come back is waited for.
 * 2. `task-start` is sent once for each (task, epoch), after the assignment is durable.
 * 3. Consumers first: a task is started when each of its consumers has reported. So no producer
 *    knocks at a door that is not there yet.
 * 4. Producers are told where their consumers are when all of those are up again.
 * 5. A finished task is recorded after all of its producers are. So while a producer may still have
 *    to send again, those who must acknowledge it are kept, over crashes too.
 * 6. An attempt is let go (`task-stop now`) only when its task is recorded as done, or the job is at
 *    its end, suspended or failed.
 */

import { taskKey } from '../control/index.ts';
import { assert, present } from '../core/index.ts';
import {
  consumersOf,
  evenSlots,
  producersOf,
  stageOf,
  type TaskRef,
  tasksOf,
  topologicalOrder,
} from '../plan/index.ts';
import type { TaskStop } from '../wire/index.ts';
import type { JobTurn, TaskPlace } from './job-turn.ts';
import { Placement } from './scheduler.ts';
import type { AttemptPhase, AttemptRecord, LeaderState } from './state.ts';

/** Phases in which an attempt has not been heard of. */
const SILENT: ReadonlySet<AttemptPhase> = new Set(['assigned', 'ordered']);
const AT_WORK: ReadonlySet<AttemptPhase> = new Set(['running', 'quiet', 'finished']);
const AT_REST: ReadonlySet<AttemptPhase> = new Set(['quiet', 'finished']);

/** Everything that a job in full work needs. */
export function keepRunning(turn: JobTurn): void {
  decideSlots(turn);
  assignTasks(turn);
  startTasks(turn);
  sendRoutes(turn);
  recordFinished(turn);
}

/** True when every task is done or at work. */
export function allAtWork(turn: JobTurn): boolean {
  return turn.plan.tasks.every((task) => turn.isDone(task) || isIn(AT_WORK, turn.attempt(task)));
}

function isIn(phases: ReadonlySet<AttemptPhase>, attempt: AttemptRecord | undefined): boolean {
  return attempt !== undefined && phases.has(attempt.phase);
}

/** True when `attempt` has said anything. */
export function isUp(attempt: AttemptRecord | undefined): attempt is AttemptRecord {
  return attempt !== undefined && !SILENT.has(attempt.phase);
}

/** The first slot table of each stage that is sent to. */
function decideSlots(turn: JobTurn): void {
  const { term } = turn.turn.state;
  for (const { index: stage, tasks } of turn.plan.stages) {
    if (producersOf(turn.plan, stage).length === 0 || turn.record.slots.has(stage)) continue;
    const table = slotBytes(evenSlots(tasks, 1).tasks);
    const { at } = turn.turn;
    turn.turn.propose({ kind: 'slots', term, job: turn.id, stage, version: 1, table, at });
  }
}

/** A slot table as it is stored and sent: two bytes a slot, low byte first. */
function slotBytes(tasks: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(tasks.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [slot, task] of tasks.entries()) view.setUint16(slot * 2, task, true);
  return bytes;
}

function assignTasks(turn: JobTurn): void {
  const { state } = turn.turn;
  const missing = consumersFirst(turn).filter((task) => needsAttempt(turn, task));
  if (missing.length === 0) return;
  const placement = new Placement(turn.id, healthyNodes(state), loadOf(state));
  for (const { stage, index } of missing) {
    const node = placement.next();
    if (node === null) return;
    const { at } = turn.turn;
    turn.turn.propose({ kind: 'assign', term: state.term, job: turn.id, stage, index, node, at });
  }
}

function consumersFirst(turn: JobTurn): TaskRef[] {
  return topologicalOrder(turn.plan)
    .reverse()
    .flatMap((stage) => tasksOf(turn.plan, stage));
}

function needsAttempt(turn: JobTurn, task: TaskPlace): boolean {
  if (turn.isDone(task) || turn.attempt(task) !== undefined) return false;
  const key = taskKey(task.stage, task.index);
  if (turn.turn.isPending(`assign ${turn.id} ${key}`)) return false;
  const record = turn.taskRecord(task);
  if (record === undefined) return true;
  const { control, links } = turn.turn.state;
  return !control.nodes.has(record.node) || links.has(record.node);
}

function healthyNodes(state: LeaderState): string[] {
  return [...state.links.keys()].filter((node) => state.control.nodes.has(node));
}

/** Tasks per node, over all jobs: attempts, and assignments under way. */
function loadOf(state: LeaderState): Map<string, number> {
  const load = new Map<string, number>();
  const add = (node: string): Map<string, number> => load.set(node, (load.get(node) ?? 0) + 1);
  for (const run of state.runs.values()) for (const { node } of run.attempts.values()) add(node);
  for (const command of state.pending.values()) if (command.kind === 'assign') add(command.node);
  return load;
}

function startTasks(turn: JobTurn): void {
  for (const task of consumersFirst(turn)) {
    const attempt = turn.attempt(task);
    if (attempt?.phase === 'assigned' && consumersUp(turn, attempt.stage)) start(turn, attempt);
  }
}

function consumersUp(turn: JobTurn, stage: number): boolean {
  return consumersOf(turn.plan, stage).every(
    (consumer) =>
      turn.record.slots.has(consumer) &&
      tasksOf(turn.plan, consumer).every((task) => isUp(turn.attempt(task))),
  );
}

function start(turn: JobTurn, attempt: AttemptRecord): void {
  const { stage, index, epoch, node } = attempt;
  const { term } = turn.turn.state;
  const slots = slotsAfter(turn, stage);
  const sent = turn.turn.order(node, {
    kind: 'task-start',
    term,
    job: turn.id,
    stage,
    index,
    epoch,
    spec: turn.plan.spec,
    routes: routesFrom(turn, stage),
    slots: slots?.table ?? null,
    slotsVersion: slots?.version ?? 0,
  });
  if (!sent) return;
  turn.setAttempt({ ...attempt, phase: 'ordered', routes: routesStamp(turn, stage) });
}

/** The slot table of the stage that `stage` sends to, if there is one. */
function slotsAfter(turn: JobTurn, stage: number): { table: Uint8Array; version: number } | null {
  const consumer = consumerOf(turn, stage);
  if (consumer === null) return null;
  return present(turn.record.slots.get(consumer), 'slots are decided before tasks are started');
}

function consumerOf(turn: JobTurn, stage: number): number | null {
  const consumers = consumersOf(turn.plan, stage);
  assert(consumers.length <= 1, 'a stage sends to one stage: orders carry one slot table');
  return consumers.at(0) ?? null;
}

/** Where the consumers of `stage` are: (task index, address). */
function routesFrom(turn: JobTurn, stage: number): [number, string][] {
  return consumerAttempts(turn, stage).map(({ index, node }) => [index, turn.addressOf(node)]);
}

/** Changes whenever a consumer of `stage` has another attempt. */
function routesStamp(turn: JobTurn, stage: number): string {
  return consumerAttempts(turn, stage)
    .map(({ index, epoch }) => `${index}#${epoch}`)
    .join(' ');
}

function consumerAttempts(turn: JobTurn, stage: number): AttemptRecord[] {
  const consumer = consumerOf(turn, stage);
  if (consumer === null) return [];
  const attempts = tasksOf(turn.plan, consumer).map((task) => turn.attempt(task));
  return attempts.filter((attempt) => attempt !== undefined);
}

function sendRoutes(turn: JobTurn): void {
  const { term } = turn.turn.state;
  for (const { index: stage } of turn.plan.stages) {
    const consumer = consumerOf(turn, stage);
    if (consumer === null || !consumersUp(turn, stage)) continue;
    const stamp = routesStamp(turn, stage);
    const behind = attemptsOf(turn, stage).filter(
      ({ phase, routes }) => phase !== 'assigned' && routes !== stamp,
    );
    const told = new Set<string>();
    for (const attempt of behind) {
      const routes = routesFrom(turn, stage);
      const message = { kind: 'task-routes', term, job: turn.id, stage: consumer, routes } as const;
      const sent = told.has(attempt.node) || turn.turn.order(attempt.node, message);
      if (!sent) continue;
      told.add(attempt.node);
      turn.setAttempt({ ...attempt, routes: stamp });
    }
  }
}

function attemptsOf(turn: JobTurn, stage: number): AttemptRecord[] {
  return [...turn.run.attempts.values()].filter((attempt) => attempt.stage === stage);
}

/** Proposes `task-done` for what has finished, producers first. */
export function recordFinished(turn: JobTurn): void {
  const { at, state } = turn.turn;
  for (const stage of topologicalOrder(turn.plan)) {
    if (!producersOf(turn.plan, stage).every((producer) => isStageRecorded(turn, producer))) return;
    for (const { index, epoch, phase, gauge } of attemptsOf(turn, stage)) {
      if (phase !== 'finished') continue;
      const { term } = state;
      turn.turn.propose({
        kind: 'task-done',
        term,
        job: turn.id,
        stage,
        index,
        epoch,
        counts: gauge.counts,
        at,
      });
    }
  }
}

/** Done, or on its way into the log: what is proposed later is applied later. */
function isStageRecorded(turn: JobTurn, stage: number): boolean {
  return tasksOf(turn.plan, stage).every((task) => {
    const key = taskKey(task.stage, task.index);
    return turn.isDone(task) || turn.turn.isPending(`task-done ${turn.id} ${key}`);
  });
}

/** Tells the sources to end at their present position. */
export function endSources(turn: JobTurn): void {
  for (const attempt of turn.run.attempts.values()) {
    if (stageOf(turn.plan, attempt.stage).kind === 'source') ask(turn, attempt, 'end');
  }
}

/** Asks stage after stage to come to rest, each when those before it have. */
export function pauseTasks(turn: JobTurn): void {
  for (const { index: stage } of turn.plan.stages) {
    if (!producersOf(turn.plan, stage).every((producer) => isStageAtRest(turn, producer))) continue;
    for (const attempt of attemptsOf(turn, stage)) ask(turn, attempt, 'pause');
  }
}

function isStageAtRest(turn: JobTurn, stage: number): boolean {
  return tasksOf(turn.plan, stage).every((task) => isAtRest(turn, task));
}

function isAtRest(turn: JobTurn, task: TaskPlace): boolean {
  const attempt = turn.attempt(task);
  if (attempt === undefined) return turn.isDone(task);
  return AT_REST.has(attempt.phase) && (attempt.asked === 'pause' || attempt.phase === 'finished');
}

/** True when every stage is at rest, so that nothing is under way between tasks. */
export function allAtRest(turn: JobTurn): boolean {
  return turn.plan.tasks.every((task) => isAtRest(turn, task));
}

/**
 * True when rest is not worth waiting for: some task that is not done has nobody to answer, or is
 * still starting or recovering, which may take its operators minutes.
 */
export function isFarFromRest(turn: JobTurn): boolean {
  const { links } = turn.turn.state;
  return turn.plan.tasks.some((task) => {
    if (turn.isDone(task)) return false;
    const attempt = turn.attempt(task);
    return attempt === undefined || !AT_WORK.has(attempt.phase) || !links.has(attempt.node);
  });
}

function ask(turn: JobTurn, attempt: AttemptRecord, mode: 'pause' | 'end'): void {
  if (attempt.phase === 'assigned' || attempt.phase === 'finished') return;
  if (attempt.asked === mode) return;
  if (turn.turn.order(attempt.node, stopOrder(turn, attempt, mode))) {
    turn.setAttempt({ ...attempt, asked: mode });
  }
}

/** Stops every attempt at once and forgets it: whatever it still says is of a past epoch. */
export function stopAll(turn: JobTurn): void {
  for (const attempt of turn.run.attempts.values()) letGo(turn, attempt);
}

/** Ends one attempt. */
export function letGo(turn: JobTurn, attempt: AttemptRecord): void {
  if (attempt.phase !== 'assigned') {
    turn.turn.order(attempt.node, stopOrder(turn, attempt, 'now'));
  }
  turn.dropAttempt(attempt);
}

function stopOrder(turn: JobTurn, attempt: AttemptRecord, mode: TaskStop['mode']): TaskStop {
  const { stage, index, epoch } = attempt;
  const { term } = turn.turn.state;
  return { kind: 'task-stop', term, job: turn.id, stage, index, epoch, mode };
}
