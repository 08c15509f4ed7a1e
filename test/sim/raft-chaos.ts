/** A life full of faults for one seed, and what it came to. */
import { between, type Random, unit } from '../../src/core/index.ts';
import type { Change, Rules } from '../../src/raft/index.ts';
import type { Plant, RaftNode } from './raft-node.ts';
import { RaftWorld } from './raft-world.ts';

export interface Outcome {
  readonly trace: number;
  readonly delivered: number;
  readonly checks: number;
  readonly decided: number;
  readonly elections: number;
  readonly answered: number;
  readonly snapshots: number;
  readonly members: number;
}

export interface ChaosOptions {
  readonly rules?: Partial<Rules>;
  readonly plant?: Plant;
  /** Milliseconds of faults. */
  readonly faultsMs?: number;
  /** Of the last faults: without them. */
  readonly calm?: boolean;
}

/** Lives through `seed`. @throws Broken */
export async function chaos(seed: number, options: ChaosOptions = {}): Promise<Outcome> {
  const voters = [1, 3, 3, 5][seed % 4];
  // Half of the groups are so hasty that elections meet late messages.
  const limits = seed % 8 < 4 ? { electionTicks: 4, heartbeatTicks: 1 } : {};
  const world = new RaftWorld({ seed, voters, spares: 2, limits, ...options });
  const { random } = world;
  const strikes = [anything, anything, storms, deposals][Math.floor(seed / 8) % 4];
  await world.run(1500);
  const end = world.events.now + (options.faultsMs ?? 8000);
  while (world.events.now < end) {
    strike(world, strikes, random);
    for (let n = between(random, 0, 6); n > 0; n--) ask(world, random);
    await world.run(between(random, 5, 350));
  }
  world.heal();
  await world.recover();
  world.checkHistory();
  return {
    trace: world.trace,
    delivered: world.delivered,
    checks: world.checks.checks,
    decided: world.checks.decided,
    elections: world.checks.elections,
    answered: world.operations.filter(({ ended }) => ended < Number.POSITIVE_INFINITY).length,
    snapshots: world.checks.snapshots,
    members: world.checks.memberships,
  };
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[between(random, 0, all.length)];
}

function ask(world: RaftWorld, random: Random): void {
  const up = [...world.nodes.values()].filter((node) => node.runner !== null);
  if (up.length === 0) return;
  const node = unit(random) < 0.5 ? (world.leader ?? pick(random, up)) : pick(random, up);
  for (let n = between(random, 1, 4); n > 0; n--) {
    if (unit(random) < 0.5) world.write(node);
    else world.read(pick(random, up));
  }
}

type Strike = (world: RaftWorld, node: RaftNode, random: Random) => void;

type Strikes = readonly (readonly [weight: number, Strike])[];

const isolate: Strike = (world, { id }) => world.network.split([id], world.ids);
const isolateLeader: Strike = (world) => {
  world.network.split([world.leader?.id ?? 'n1'], world.ids);
};
const heal: Strike = (world) => world.network.heal();
const crashLeader: Strike = (world, _, random) => {
  restart(world, world.leader ?? world.node('n1'), random);
};
const crashAll: Strike = (world, _, random) => {
  for (const node of all(world)) restart(world, node, random);
};
const handOver: Strike = (world, { id }) => world.leader?.take({ kind: 'transfer', to: id });
/** Everybody stands, and one forgets what is not on its disk while they do. */
const contest: Strike = (world, node, random) => {
  bad(world, random);
  for (const each of all(world)) each.take({ kind: 'campaign' });
  world.events.plan(between(random, 5, 60), () => {
    if (node.down) return;
    world.release(node);
    world.stop(node, true);
    world.events.plan(2, () => node.start());
  });
};

const anything: Strikes = [
  [3, (world, _, random) => bad(world, random)],
  [2, heal],
  [2, (world, _, random) => world.network.split(some(random, world.ids), world.ids)],
  [2, isolate],
  [2, isolateLeader],
  [2, (world, { id }, random) => world.network.cut(id, pick(random, world.ids))],
  [4, (world, node, random) => restart(world, node, random)],
  [2, crashLeader],
  [1, crashAll],
  [2, (world, node, random) => slow(world, node, random)],
  [2, (world, node, random) => pause(world, node, random)],
  [1, (_, node, random) => jump(node, between(random, 5, 40))],
  [1, (_, node, random) => rate(node, between(random, 20, 120))],
  [2, handOver],
  [5, (world, { id }, random) => change(world, id, random)],
];

/** Elections that meet each other, and crashes between them. */
const storms: Strikes = [
  [2, (world, _, random) => bad(world, random)],
  [4, heal],
  [6, contest],
  [4, handOver],
  [6, (world, node, random) => restart(world, node, random)],
  [2, crashLeader],
  [1, crashAll],
  [2, (world, _, random) => world.network.split(some(random, world.ids), world.ids)],
  [2, (world, node, random) => slow(world, node, random)],
];

/** Leaders that do not know that they are none any more. */
const deposals: Strikes = [
  [6, (world, _, random) => depose(world, random)],
  [2, heal],
  [1, (_, node, random) => rate(node, between(random, 20, 120))],
  [2, (world, { id }, random) => change(world, id, random)],
  [1, (world, _, random) => bad(world, random)],
  [1, (world, node, random) => restart(world, node, random)],
];

function strike(world: RaftWorld, strikes: Strikes, random: Random): void {
  const total = strikes.reduce((sum, [weight]) => sum + weight, 0);
  let at = between(random, 0, total);
  const node = pick(random, all(world));
  for (const [weight, run] of strikes) {
    at -= weight;
    if (at < 0) return run(world, node, random);
  }
}

function all(world: RaftWorld): RaftNode[] {
  return [...world.nodes.values()];
}

function some(random: Random, ids: readonly string[]): string[] {
  return ids.filter(() => unit(random) < 0.5);
}

function bad(world: RaftWorld, random: Random): void {
  world.network.weather = {
    loss: pick(random, [0, 0, 0.05, 0.3]),
    doubling: pick(random, [0, 0.1]),
    delayMin: 1,
    delayMax: pick(random, [5, 20, 150]),
    lag: pick(random, [0, 0.1]),
  };
}

function restart(world: RaftWorld, node: RaftNode, random: Random): void {
  if (node.down) return node.start();
  world.release(node);
  world.stop(node, unit(random) < 0.7);
  world.events.plan(between(random, 1, pick(random, [30, 1500])), () => node.start());
}

function slow(world: RaftWorld, node: RaftNode, random: Random): void {
  world.hold(node);
  world.events.plan(between(random, 5, 1000), () => world.release(node));
}

function pause(world: RaftWorld, node: RaftNode, random: Random): void {
  node.stopped = true;
  world.events.plan(between(random, 50, 3000), () => {
    world.resume(node);
  });
}

/** The leader is stopped and cut off; others go on; it wakes, and its clients are still there. */
function depose(world: RaftWorld, random: Random): void {
  const { leader } = world;
  if (leader === null) return world.network.heal();
  leader.stopped = true;
  world.network.split([leader.id], world.ids);
  world.events.plan(between(random, 500, 3000), () => {
    world.resume(leader);
    if (leader.runner === null) return;
    world.write(leader);
    world.read(leader);
    change(world, pick(random, world.ids), random);
  });
}

/** Its clock runs at another speed. */
function rate(node: RaftNode, tickMs: number): void {
  node.tickMs = tickMs;
}

/** Its clock runs ahead. */
function jump(node: RaftNode, ticks: number): void {
  for (let n = 0; n < ticks; n++) node.take({ kind: 'tick' });
}

function change(world: RaftWorld, id: string, random: Random): void {
  const leader = world.leader ?? world.node('n1');
  const known = leader.runner?.state.log.members.find((member) => member.id === id);
  const wish: Change =
    known === undefined
      ? { kind: 'add', id, address: id }
      : known.votes || unit(random) < 0.2
        ? { kind: 'remove', id }
        : { kind: 'promote', id };
  leader.take({ kind: 'change', id: world.id(), change: wish });
}
