/**
 * The state of the cluster and how a command changes it.
 *
 * 1. `apply` is a function of its arguments only: the same entries give the same state on every
 *    voter and at every replay. Times come inside the commands.
 * 2. A state is never changed in place; whoever holds one holds a consistent picture.
 * 3. A command of a term below the newest seen is refused: a deposed leader decides nothing.
 * 4. Epochs of a task grow by exactly one at each `assign` and never fall, not even over snapshots,
 *    failures or a change of leader. Only this file gives them out.
 * 5. Among live jobs a name appears once. A job id is used once, as long as it is remembered.
 * 6. `task-done` counts only for the newest epoch of the task, and once. A job is finished or
 *    stopped only when each task that was ever assigned is done.
 * 7. A node that comes back is another node: admitting one removes the older ones of its place, which
 *    is its address, what stands before `#` in its id (the rest is made at each start), and the store
 *    of its files. Admitted again without a store, a node keeps the one that it has.
 * 8. A job that has once been `stopping` is draining until its end: suspended or failed on the way and
 *    resumed, it stops again, and it is never finished.
 * 9. Ended jobs are remembered up to `JOBS_ENDED_MAX`; then the oldest is forgotten.
 * What holds of replicated files is in `hydfs-state.ts`.
 */
import { unreachable } from '../core/index.ts';
import type { Command, Counts, Outcome, Refusal } from './command.ts';
import { applyHydfs, emptyHydfs, type HydfsCommand, type HydfsState } from './hydfs-state.ts';
import { isLive, type JobState, mayMove, mayResume } from './job-edges.ts';

/** Ended jobs kept for listings; each holds its specification and a line per task. */
export const JOBS_ENDED_MAX = 256;

export interface NodeRecord {
  readonly node: string;
  readonly address: string;
  readonly cores: number;
  /** The id of its store of files; null: it holds none. */
  readonly store: string | null;
  readonly admittedAt: number;
}

export interface TaskRecord {
  readonly stage: number;
  readonly index: number;
  /** Of the newest attempt. */
  readonly epoch: number;
  readonly node: string;
  readonly assignedAt: number;
  /** The final counts, once the task has finished. */
  readonly done: Counts | null;
}

export interface SlotsRecord {
  readonly stage: number;
  readonly version: number;
  /** 1024 task indexes, two bytes each, low byte first. */
  readonly table: Uint8Array;
}

export interface JobRecord {
  readonly job: string;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly fingerprint: string;
  readonly state: JobState;
  readonly reason: string | null;
  /** It was to be stopped once what has been read has taken effect. */
  readonly draining: boolean;
  readonly submittedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** By `taskKey`. */
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  readonly slots: ReadonlyMap<number, SlotsRecord>;
}

export interface ControlState {
  /** Newest term seen. */
  readonly term: number;
  /** Number of entries applied. */
  readonly index: number;
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  readonly jobs: ReadonlyMap<string, JobRecord>;
  readonly hydfs: HydfsState;
}

export interface Step {
  readonly state: ControlState;
  readonly outcome: Outcome;
}

/** The state before the first entry. */
export const emptyState: ControlState = {
  term: 0,
  index: 0,
  nodes: new Map(),
  jobs: new Map(),
  hydfs: emptyHydfs,
};

/** The key of a task among the tasks of its job. */
export function taskKey(stage: number, index: number): string {
  return `${stage}/${index}`;
}

/** Applies the next entry. A refused command counts as an entry but changes nothing else. */
export function apply(before: ControlState, command: Command): Step {
  const state = { ...before, index: before.index + 1 };
  if (command.term < state.term) return refuse(state, 'stale-term', String(state.term));
  return decide({ ...state, term: command.term }, command);
}

function decide(state: ControlState, command: Command): Step {
  switch (command.kind) {
    case 'term-begin':
      return accept(state);
    case 'node-admit':
      return admit(state, command);
    case 'node-remove':
      return remove(state, command);
    case 'job-submit':
      return submit(state, command);
    case 'job-state':
      return move(state, command);
    case 'assign':
      return assign(state, command);
    case 'task-done':
      return done(state, command);
    case 'slots':
      return slots(state, command);
    case 'job-forget':
      return forget(state, command);
    case 'hydfs-copies':
    case 'hydfs-points':
    case 'hydfs-caught-up':
    case 'hydfs-unfit':
    case 'hydfs-used':
      return decideHydfs(state, command);
    default:
      return unreachable(command);
  }
}

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>;

function accept(state: ControlState, facts: { epoch?: number; replaced?: string[] } = {}): Step {
  return { state, outcome: { ok: true, ...facts } };
}

function refuse(state: ControlState, why: Refusal, of?: string): Step {
  return { state, outcome: of === undefined ? { ok: false, why } : { ok: false, why, of } };
}

function withJob(state: ControlState, job: JobRecord): ControlState {
  return { ...state, jobs: new Map(state.jobs).set(job.job, job) };
}

function admit(state: ControlState, command: Of<'node-admit'>): Step {
  const { node, address, cores, at } = command;
  const nodes = new Map(state.nodes);
  const store = command.store ?? nodes.get(node)?.store ?? null;
  const replaced = [...nodes.values()].filter(
    (old) => old.node !== node && isSamePlace(old, { node, address, store }),
  );
  for (const old of replaced) nodes.delete(old.node);
  nodes.set(node, { node, address, cores, store, admittedAt: at });
  return accept({ ...state, nodes }, { replaced: replaced.map((old) => old.node) });
}

/** 7. */
function isSamePlace(
  old: NodeRecord,
  { node, address, store }: Pick<NodeRecord, 'node' | 'address' | 'store'>,
): boolean {
  if (old.address === address || placeOf(old.node) === placeOf(node)) return true;
  return store !== null && old.store === store;
}

function placeOf(node: string): string {
  return node.split('#', 1)[0];
}

function remove(state: ControlState, { node }: Of<'node-remove'>): Step {
  const nodes = new Map(state.nodes);
  if (!nodes.delete(node)) return refuse(state, 'no-such-node', node);
  return accept({ ...state, nodes });
}

function submit(state: ControlState, command: Of<'job-submit'>): Step {
  const { job, name, spec, fingerprint, at } = command;
  if (state.jobs.has(job)) return refuse(state, 'job-exists', job);
  const owner = liveJobNamed(state, name);
  if (owner !== null) return refuse(state, 'name-taken', owner.job);
  const record: JobRecord = {
    job,
    name,
    spec,
    fingerprint,
    state: 'submitted',
    reason: null,
    draining: false,
    submittedAt: at,
    startedAt: null,
    endedAt: null,
    tasks: new Map(),
    slots: new Map(),
  };
  return accept(forgetOldest(withJob(state, record)));
}

/** The live job of that name, or null. */
export function liveJobNamed(state: ControlState, name: string): JobRecord | null {
  for (const job of state.jobs.values()) if (job.name === name && isLive(job.state)) return job;
  return null;
}

function forgetOldest(state: ControlState): ControlState {
  const ended = [...state.jobs.values()].filter((job) => !isLive(job.state));
  if (ended.length <= JOBS_ENDED_MAX) return state;
  const jobs = new Map(state.jobs);
  for (const job of ended.slice(0, ended.length - JOBS_ENDED_MAX)) jobs.delete(job.job);
  return { ...state, jobs };
}

function move(state: ControlState, { job: id, from, to, reason, at }: Of<'job-state'>): Step {
  const job = state.jobs.get(id);
  if (job === undefined) return refuse(state, 'no-such-job', id);
  if (from !== undefined && from !== job.state) return refuse(state, 'state-changed', job.state);
  if (!mayMove(job.state, to) || !mayResume(job.state, to, job.draining)) {
    return refuse(state, 'illegal-transition', job.state);
  }
  const owner = isLive(to) ? liveJobNamed(state, job.name) : null;
  if (owner !== null && owner.job !== id) return refuse(state, 'name-taken', owner.job);
  const unfinished = [...job.tasks.values()].some((task) => task.done === null);
  if ((to === 'finished' || to === 'stopped') && unfinished) {
    return refuse(state, 'tasks-unfinished', id);
  }
  const next: JobRecord = {
    ...job,
    state: to,
    reason: reason ?? null,
    draining: job.draining || to === 'stopping',
    startedAt: to === 'starting' ? (job.startedAt ?? at) : job.startedAt,
    endedAt: isLive(to) ? null : at,
  };
  return accept(withJob(state, next));
}

function assign(state: ControlState, { job: id, stage, index, node, at }: Of<'assign'>): Step {
  const job = state.jobs.get(id);
  if (job === undefined) return refuse(state, 'no-such-job', id);
  if (!isLive(job.state)) return refuse(state, 'job-not-live', job.state);
  if (!state.nodes.has(node)) return refuse(state, 'no-such-node', node);
  const key = taskKey(stage, index);
  const last = job.tasks.get(key);
  if (last !== undefined && last.done !== null) return refuse(state, 'already-done', key);
  const epoch = (last?.epoch ?? 0) + 1;
  const task: TaskRecord = { stage, index, epoch, node, assignedAt: at, done: null };
  return accept(withJob(state, { ...job, tasks: new Map(job.tasks).set(key, task) }), { epoch });
}

function done(state: ControlState, command: Of<'task-done'>): Step {
  const job = state.jobs.get(command.job);
  if (job === undefined) return refuse(state, 'no-such-job', command.job);
  if (!isLive(job.state)) return refuse(state, 'job-not-live', job.state);
  const key = taskKey(command.stage, command.index);
  const task = job.tasks.get(key);
  if (task === undefined || task.epoch !== command.epoch) return refuse(state, 'stale-epoch', key);
  if (task.done !== null) return refuse(state, 'already-done', key);
  const tasks = new Map(job.tasks).set(key, { ...task, done: command.counts });
  return accept(withJob(state, { ...job, tasks }));
}

function slots(state: ControlState, { job: id, stage, version, table }: Of<'slots'>): Step {
  const job = state.jobs.get(id);
  if (job === undefined) return refuse(state, 'no-such-job', id);
  if (!isLive(job.state)) return refuse(state, 'job-not-live', job.state);
  const last = job.slots.get(stage);
  if (last !== undefined && last.version >= version) {
    return refuse(state, 'stale-version', String(last.version));
  }
  const all = new Map(job.slots).set(stage, { stage, version, table });
  return accept(withJob(state, { ...job, slots: all }));
}

function forget(state: ControlState, { job: id }: Of<'job-forget'>): Step {
  const job = state.jobs.get(id);
  if (job === undefined) return refuse(state, 'no-such-job', id);
  if (isLive(job.state)) return refuse(state, 'job-live', job.state);
  const jobs = new Map(state.jobs);
  jobs.delete(id);
  return accept({ ...state, jobs });
}

function decideHydfs(state: ControlState, command: HydfsCommand): Step {
  // what a process said that has ended: the next one of its store may fill anew
  if (command.kind === 'hydfs-caught-up' && command.by !== undefined) {
    if (!state.nodes.has(command.by)) return refuse(state, 'no-such-node', command.by);
  }
  const next = applyHydfs(state.hydfs, command);
  return next.ok ? accept({ ...state, hydfs: next.hydfs }) : refuse(state, next.why, next.of);
}
