/**
 * control: every decision of the cluster is an entry of one log.
 *
 *   const control = await SingleVoterLog.open({ disk, dir: '/data/control', sync, clock, log });
 *   control.subscribe(({ command, outcome, state }) => ...);
 *   const outcome = await control.propose({
 *     kind: 'assign', term: control.term, job, stage: 1, index: 0, node, at: clock.wall(),
 *   });
 *   if (outcome.ok) start(outcome.epoch);
 *
 * `apply` is the whole of the rules: a pure function from a state and a command to the next state
 * and an outcome. A `ControlLog` makes commands durable and puts them in order. Today there is one
 * voter; agreement among several comes behind the same interface, and nothing above notices.
 */
export {
  COPIES_MAX,
  type Command,
  type Counts,
  commandSchema,
  type Entry,
  entrySchema,
  type Outcome,
  REASON_CHARS_MAX,
  REPLICAS_MAX,
  type Refusal,
} from './command.ts';
export type { Applied, ControlLog, Role } from './control-log.ts';
export { COPIES_DEFAULT, encodePlans, type HydfsState, type PointPlan } from './hydfs-state.ts';
export { isLive, type JobState, jobEdges, jobStates, mayMove } from './job-edges.ts';
export { livingStores, PointDriver, type PointDriverOptions } from './point-driver.ts';
export { nextPoints, type PointsView } from './point-keeper.ts';
export {
  changedPoints,
  emptyPoints,
  type PointConfig,
  type PointTable,
  pointConfig,
  pointConfigs,
  withConfigs,
} from './point-table.ts';
export { SingleVoterLog, type SingleVoterOptions } from './single-voter-log.ts';
export { restore, snapshot } from './snapshot.ts';
export {
  apply,
  type ControlState,
  emptyState,
  JOBS_ENDED_MAX,
  type JobRecord,
  liveJobNamed,
  type NodeRecord,
  type SlotsRecord,
  type Step,
  type TaskRecord,
  taskKey,
} from './state.ts';
export { type KeeperView, nextChange, type VoterNode } from './voter-keeper.ts';
export { VoterLog } from './voter-log.ts';
export type { VoterOptions } from './voter-options.ts';
