/**
 * leader: runs jobs, one step at a time.
 *
 *   const leader = new Leader({ control, clock, log, random });
 *   leader.nodeConnected({ node, address, cores: 2 }, connection);
 *   const job = await leader.submit(spec);
 *   for await (const view of leader.watch(job)) show(view);
 *   const { state, reason } = await leader.whenEnded(job);
 *
 * `step` is the whole of the leader: a pure function from what it knows and what happens to what it
 * knows next and what is to be done. Each state of a job is a file in `job-states/`. Nodes are
 * talked to by messages only (`task-start`, `task-routes`, `task-stop`, answered by `task-report`);
 * what a node owes in return:
 *
 * 1. `task-start` is answered by a report at once (`starting`), before anything is recovered:
 *    producers are started when their consumers have reported.
 * 2. `finished` means that every output is acknowledged, the end of the stream included. The attempt
 *    stays, and goes on acknowledging what its producers send again, until `task-stop now`.
 * 3. `task-stop now` needs no answer; what is heard of that attempt later is not listened to.
 * 4. `task-stop pause` is answered by `quiet` when nothing is uncommitted or unacknowledged, or by
 *    `finished`; `task-stop end` (to sources) leads to `finished`.
 * 5. `failed` carries the fault that ends the job; `fenced` and `stopped` are no faults, the attempt is
 *    replaced.
 * 6. An order for an epoch that the node does not run changes nothing; so does one of an old term.
 */
export { EVENTS_KEPT } from './job-turn.ts';
export {
  ABSENT_MS,
  Leader,
  type LeaderOptions,
  type NodeLink,
  type SubmitOptions,
} from './leader.ts';
export type { StopMode } from './requests.ts';
export { Placement } from './scheduler.ts';
export {
  type AttemptPhase,
  type AttemptRecord,
  type Effect,
  type Gauge,
  type Input,
  initialState,
  type JobEvent,
  type JobRun,
  type LeaderState,
  type NodeFacts,
  type Order,
} from './state.ts';
export { type LeaderStep, step } from './step.ts';
export { isResting, type JobView, type StageView, type TaskView } from './views.ts';
export { WATCH_MS } from './watchers.ts';
