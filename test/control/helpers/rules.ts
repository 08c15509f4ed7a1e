/** The rules of the control state, checked from outside while commands are applied. */
import { isDeepStrictEqual } from 'node:util';
import {
  type apply,
  type Command,
  type ControlState,
  emptyState,
  isLive,
  mayMove,
  type PointConfig,
  pointConfig,
  pointConfigs,
  restore,
  snapshot,
} from '../../../src/control/index.ts';

export type Apply = typeof apply;

/** The first rule that `apply` breaks over `commands`, or null. */
export function brokenRule(
  applying: Apply,
  commands: readonly Command[],
  copy: (state: ControlState) => ControlState = (state) => restore(snapshot(state)),
): string | null {
  let state = emptyState;
  let newestTerm = 0;
  const epochs = new Map<string, number>();
  const draining = new Set<string>();
  for (const command of commands) {
    const before = snapshot(state);
    const next = applying(state, command);
    if (!isDeepStrictEqual(snapshot(state), before)) return 'a state was changed in place';
    const broken =
      brokenStep(state, next, command) ??
      brokenTerm(next.outcome.ok, command.term, newestTerm) ??
      brokenEpoch(epochs, command, next) ??
      brokenNames(next.state) ??
      brokenStepOfPoints(state, next.state, command) ??
      brokenWish(draining, next.state);
    if (broken !== null) return broken;
    if (!isDeepStrictEqual(copy(next.state), next.state)) return 'a snapshot differs';
    newestTerm = Math.max(newestTerm, command.term);
    state = copy(next.state);
  }
  return null;
}

type Next = ReturnType<Apply>;

function brokenTerm(ok: boolean, term: number, newest: number): string | null {
  return ok && term < newest ? 'a stale term decided' : null;
}

function brokenStep(before: ControlState, next: Next, command: Command): string | null {
  const { outcome, state } = next;
  if (state.index !== before.index + 1) return 'an entry was not counted';
  if (!outcome.ok) {
    const same = isDeepStrictEqual(
      { ...state, index: 0, term: 0 },
      { ...before, index: 0, term: 0 },
    );
    return same ? null : 'a refused command had an effect';
  }
  if (command.kind === 'job-state') {
    const from = before.jobs.get(command.job)?.state;
    if (from === undefined || !mayMove(from, command.to)) return 'a job took an edge that is none';
  }
  if (command.kind === 'task-done') {
    const task = before.jobs.get(command.job)?.tasks.get(`${command.stage}/${command.index}`);
    if (task?.epoch !== command.epoch) return 'a past attempt finished its task';
    if (task.done !== null) return 'a task was finished twice';
  }
  return null;
}

function brokenEpoch(epochs: Map<string, number>, command: Command, next: Next): string | null {
  for (const key of epochs.keys()) {
    if (!next.state.jobs.has(key.split(' ')[0])) epochs.delete(key);
  }
  if (command.kind !== 'assign' || !next.outcome.ok) return null;
  const key = `${command.job} ${command.stage}/${command.index}`;
  const last = epochs.get(key) ?? 0;
  const given = next.outcome.epoch ?? 0;
  epochs.set(key, given);
  return given > last ? null : 'an epoch did not grow';
}

function brokenWish(draining: Set<string>, state: ControlState): string | null {
  for (const job of draining) if (!state.jobs.has(job)) draining.delete(job);
  for (const { job, state: now } of state.jobs.values()) {
    if (now === 'stopping') draining.add(job);
    if (draining.has(job) && (now === 'starting' || now === 'finished')) {
      return 'a job that was to be stopped started again';
    }
  }
  return null;
}

function brokenNames(state: ControlState): string | null {
  const live = [...state.jobs.values()].filter((job) => isLive(job.state)).map((job) => job.name);
  return new Set(live).size === live.length ? null : 'two live jobs share a name';
}

/** H1 to H4 of `hydfs-state.ts`. */
export function brokenStepOfPoints(
  before: ControlState,
  after: ControlState,
  command: Command,
): string | null {
  for (const old of pointConfigs(before.hydfs.points)) {
    if (pointConfig(after.hydfs.points, old.point) === null) return 'a point lost its replicas';
  }
  for (const config of pointConfigs(after.hydfs.points)) {
    const old = pointConfig(before.hydfs.points, config.point);
    if (isDeepStrictEqual(old, config)) continue;
    const { point, version, replicas, joining } = config;
    const stores = [...replicas, ...joining];
    if (version !== (old?.version ?? 0) + 1) return 'a version did not grow by one';
    if (!expects(command, point, version - 1)) return 'a stale change took effect';
    if (replicas.length === 0) return 'a point lost its replicas';
    if (new Set(stores).size !== stores.length) return 'a store is twice in a configuration';
    const free = old === null || before.hydfs.fresh.has(point);
    if (!free && !wereFilled(old, config, command)) return 'a replica was never filled';
  }
  return brokenFresh(before, after, command);
}

/** H5 of `hydfs-state.ts`. */
function brokenFresh(before: ControlState, after: ControlState, command: Command): string | null {
  for (const point of after.hydfs.fresh) {
    const known = pointConfig(before.hydfs.points, point) !== null;
    if (known && !before.hydfs.fresh.has(point)) return 'a point became fresh again';
  }
  for (const point of before.hydfs.fresh) {
    if (after.hydfs.fresh.has(point)) continue;
    const version = pointConfig(before.hydfs.points, point)?.version;
    const said =
      command.kind === 'hydfs-used' &&
      command.points.some(([of, at]) => of === point && at === version);
    if (!said) return 'a point is used and nobody said so';
  }
  return null;
}

function expects(command: Command, point: number, version: number): boolean {
  if (command.kind === 'hydfs-unfit') return command.point === point && command.version === version;
  const wishes =
    command.kind === 'hydfs-points'
      ? command.changes
      : command.kind === 'hydfs-caught-up'
        ? command.points
        : [];
  return wishes.some(([of, at]) => of === point && at === version);
}

function wereFilled(old: PointConfig, { replicas }: PointConfig, command: Command): boolean {
  return replicas
    .filter((store) => !old.replicas.includes(store))
    .every(
      (store) =>
        command.kind === 'hydfs-caught-up' &&
        command.store === store &&
        old.joining.includes(store),
    );
}
