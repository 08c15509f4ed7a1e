/** Nodes and decisions with one guard missing each, to show that the checks notice. */
import {
  type Command,
  type ControlState,
  type PointConfig,
  pointConfigs,
  withConfigs,
} from '../../src/control/index.ts';
import { isFault } from '../../src/core/index.ts';
import { type FileCore, fileCore } from '../../src/hydfs/index.ts';
import type { ReplicaGate, ReplicaPlacement } from '../../src/hydfs/replication/index.ts';
import type { Disk, DiskFile } from '../../src/storage/index.ts';
import type { RpcMethod, RpcMethods } from '../../src/transport/index.ts';
import type { Files, Plant } from './hydfs-machine.ts';

export interface Bug {
  readonly plant: Plant;
  /** Where to begin to look: seeds before it have been found to show nothing. */
  readonly from?: number;
}

/** `target` with some of its members replaced. */
function overriding<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const own: unknown = Reflect.get(members, key);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function gated(files: Files, change: (gate: ReplicaGate) => ReplicaGate): Files {
  const setGate: Files['setGate'] = (gateOf) =>
    files.setGate(gateOf === null ? null : (file) => change(gateOf(file)));
  return overriding<Files>(files, { setGate });
}

/** The answers to entries that are sent to a replica, changed. */
function answering(methods: RpcMethods, change: (run: Run) => Run): RpcMethods {
  const changed: Record<string, RpcMethod> = { ...methods };
  for (const name of ['hydfs.copy', 'hydfs.piece']) {
    const method = methods[name];
    if (method.kind === 'unary') changed[name] = { ...method, run: change(method.run) };
  }
  return changed;
}

type Run = Extract<RpcMethod, { kind: 'unary' }>['run'];

interface Asked {
  readonly version: number;
  readonly session: number;
  readonly index: number;
  readonly install: boolean;
  readonly sizes?: readonly number[];
}

interface Reply {
  readonly kind: 'done' | 'refused';
  readonly why?: string;
  readonly version: number;
  readonly session: number;
}

const asksAgain =
  (run: Run): Run =>
  async (params, ...rest) => {
    const reply = (await run(params, ...rest)) as Reply;
    if (reply.kind !== 'refused' || reply.why === 'index') return reply;
    const { version, session } = reply;
    return run({ ...(params as Asked), version, session }, ...rest);
  };

const whateverTheDiskSays =
  (run: Run): Run =>
  async (params, ...rest) => {
    try {
      return await run(params, ...rest);
    } catch (error) {
      if (!isFault(error)) throw error;
      const { index, install, sizes = [0] } = params as Asked;
      return { kind: 'done', next: index + sizes.length - (install ? 1 : 0) };
    }
  };

function unsynced(disk: Disk): Disk {
  const open = async (...asked: Parameters<Disk['open']>): Promise<DiskFile> => {
    const file = await disk.open(...asked);
    return overriding(file, { datasync: () => Promise.resolve() });
  };
  return overriding(disk, { open });
}

/** Decides as `fileCore` does, but for what `decide` thinks of otherwise. */
function deciding(decide: FileCore['decide']): FileCore {
  return { decide, apply: fileCore.apply };
}

const repeats = deciding((state, request) => {
  const outcome = fileCore.decide(state, request);
  return outcome.kind === 'repeat' && request.kind === 'append' ? { kind: 'logged' } : outcome;
});

const anyEpoch = deciding((state, request) => {
  const outcome = fileCore.decide(state, request);
  if (outcome.kind !== 'fenced' || request.kind !== 'append') return outcome;
  const row = state.writers.get(request.writer);
  return fileCore.decide(state, { ...request, epoch: row?.epoch ?? request.epoch });
});

/** Says of every joining store that it has everything. */
function hasty(placement: ReplicaPlacement, store: string): ReplicaPlacement {
  placement.onChange((points) => {
    for (const point of points) {
      const config = placement.config(point);
      if (config?.replicas[0] !== store) continue;
      for (const joining of config.joining) {
        placement.caughtUp(joining, [{ point, version: config.version }]).catch(() => undefined);
      }
    }
  });
  return placement;
}

/** Gives a point to somebody else when nobody who holds it lives. */
function givenUp(state: ControlState): ControlState {
  const living = [...state.nodes.values()].flatMap(({ store }) => (store === null ? [] : [store]));
  const changed: PointConfig[] = [];
  for (const config of pointConfigs(state.hydfs.points)) {
    if (living.length === 0 || config.replicas.some((store) => living.includes(store))) continue;
    const replicas = [living[config.point % living.length]];
    changed.push({ ...config, version: config.version + 1, replicas, joining: [] });
  }
  if (changed.length === 0) return state;
  return { ...state, hydfs: { ...state.hydfs, points: withConfigs(state.hydfs.points, changed) } };
}

/** Does not keep who made a file. */
const nameless: FileCore = {
  decide: fileCore.decide,
  apply(state, request, index) {
    const kept = request.kind === 'create' ? { ...request, token: '' } : request;
    fileCore.apply(state, kept, index);
  },
};

/** Does not say who it was that filled a store. */
export function unsigned(command: Command): Command {
  if (command.kind !== 'hydfs-caught-up') return command;
  const { by: _, ...rest } = command;
  return rest;
}

/** Does not say of any point that it is used. */
function unheard(placement: ReplicaPlacement): ReplicaPlacement {
  return overriding<ReplicaPlacement>(placement, { isFresh: () => false });
}

export const bugs = {
  'an append is acknowledged before every replica has it': {
    plant: {
      files: (files) =>
        gated(files, (gate) => overriding(gate, { committed: () => Promise.resolve() })),
    },
  },
  'an append is acknowledged before it is durable': { plant: { disk: unsynced } },
  'a replica listens to a primary that was replaced': {
    from: 88,
    plant: { methods: (methods) => answering(methods, asksAgain) },
  },
  'a replica counts whose disk has failed': {
    from: 66,
    plant: { methods: (methods) => answering(methods, whateverTheDiskSays) },
  },
  'a store keeps what it has when it has lost its place': {
    plant: { files: (files) => overriding<Files>(files, { wipePoint: () => Promise.resolve() }) },
  },
  'readers are shown what is not at every replica': {
    from: 80,
    plant: {
      files: (files) =>
        gated(files, (gate) => overriding(gate, { committedIndex: Number.MAX_SAFE_INTEGER })),
    },
  },
  'a number that was used is appended again': { plant: { core: repeats } },
  'a creation is forgotten when it is asked for again': { from: 40, plant: { core: nameless } },
  'a writer that was replaced may go on': { plant: { core: anyEpoch } },
  'a store is believed to be filled when its filling begins': { plant: { placement: hasty } },
  'files are made at a point of which nobody knows that it is used': {
    plant: { placement: unheard },
  },
  'the last replica is given up': { plant: { decided: givenUp } },
} as const satisfies Record<string, Bug>;
