/** A life full of faults of replicated files for one seed, and what it came to. */
import { between, type Random, unit } from '../../src/core/index.ts';
import type { Counted } from './hydfs-clients.ts';
import { CONTROL } from './hydfs-control.ts';
import type { SimMachine, SimNode } from './hydfs-machine.ts';
import { HydfsWorld, type WorldOptions } from './hydfs-world.ts';

export interface Outcome extends Counted {
  readonly trace: number;
  readonly delivered: number;
  readonly broken: number;
  readonly changes: number;
}

export interface ChaosOptions extends Pick<WorldOptions, 'plant' | 'limits' | 'log'> {
  /** Milliseconds of faults. */
  readonly faultsMs?: number;
}

const NAMES = ['kept/a', 'kept/b', 'kept/c', 'trimmed', 'passing/a', 'passing/b'];

/** Lives through `seed`. @throws Broken */
export async function chaos(seed: number, options: ChaosOptions = {}): Promise<Outcome> {
  const copies = [3, 3, 2, 3][seed % 4];
  const machines = [4, 5, 3, 6][Math.floor(seed / 4) % 4];
  const names = NAMES.slice(0, 2 + (seed % 5));
  const world = new HydfsWorld({ seed, machines, copies, names, ...options });
  const { random } = world;
  const strikes = strikesOf(seed);
  await world.time.run(1500);
  const end = world.time.now + (options.faultsMs ?? 15_000);
  while (world.time.now < end) {
    strike(world, strikes, random);
    for (let n = between(random, 0, 5); n > 0; n--) ask(world, random);
    await world.time.run(between(random, 5, 600));
  }
  await world.recover();
  return {
    ...world.clients.counted,
    trace: world.trace,
    delivered: world.network.delivered,
    broken: world.network.broken,
    changes: world.control.changes,
  };
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[between(random, 0, all.length)];
}

function some<T>(random: Random, all: readonly T[]): T[] {
  return all.filter(() => unit(random) < 0.5);
}

/** Somebody asks something. */
function ask(world: HydfsWorld, random: Random): void {
  const { clients, nodes } = world;
  if (nodes.length === 0) return;
  const node = pick(random, nodes);
  const name = pick(random, world.names);
  const roll = unit(random);
  if (name.startsWith('passing')) comesAndGoes(world, node, name, roll);
  else if (roll < 0.4) {
    clients.attempt(node, name, pick(random, ['w1', 'w2']), between(random, 1, 12));
  } else if (roll < 0.6) clients.anonymous(node, name);
  else if (roll < 0.65) clients.create(node, name);
  else if (roll < 0.8) clients.read(node, name);
  else if (roll < 0.95) clients.stat(node, name);
  else if (roll < 0.97) clients.merge(node, name);
  else if (name === 'trimmed') clients.trim(node, name);
}

function comesAndGoes({ clients }: HydfsWorld, node: SimNode, name: string, roll: number): void {
  if (roll < 0.25) clients.create(node, name);
  else if (roll < 0.4) clients.remove(node, name);
  else if (roll < 0.7) clients.anonymous(node, name);
  else if (roll < 0.85) clients.read(node, name);
  else clients.stat(node, name);
}

type Strike = (world: HydfsWorld, machine: SimMachine, random: Random) => void;

type Strikes = readonly (readonly [weight: number, Strike])[];

const calm: Strike = () => undefined;
const heal: Strike = (world) => world.network.heal();
const isolate: Strike = (world, { address }) => world.network.split([address], world.places);
const partition: Strike = (world, _, random) => {
  world.network.split(some(random, world.places), world.places);
};
/** It goes on serving, and hears of no decision. */
const deaf: Strike = (world, { address }) => world.network.cut(CONTROL, address);
const oneWay: Strike = (world, { address }, random) => {
  world.network.cut(address, pick(random, world.places));
};
const breakOne: Strike = (world) => world.network.breakOne();
const accuse: Strike = (world, { address }) => world.control.accuse(address);
const accusePrimary: Strike = (world, machine, random) => {
  world.control.accuse((world.primaryOf(pick(random, world.names)) ?? machine).address);
};
const newLeader: Strike = (world) => world.control.leads();
const crash: Strike = (world, machine, random) => {
  if (machine.down) return machine.start();
  const silently = unit(random) < 0.3;
  const power = unit(random) < 0.7;
  machine.stop({ power, reorder: unit(random) < 0.5, silently });
  world.time.events.plan(between(random, 1, pick(random, [60, 3000])), () => machine.start());
};
const crashPrimary: Strike = (world, machine, random) => {
  crash(world, world.primaryOf(pick(random, world.names)) ?? machine, random);
};
const crashAll: Strike = (world, _, random) => {
  for (const each of world.machines) if (!each.down) crash(world, each, random);
};
const stall: Strike = (world, machine, random) => {
  const { process } = machine;
  if (process === null) return;
  process.stop();
  world.network.stopped(process);
  world.time.events.plan(between(random, 50, 5000), () => process.resume());
};
const stallPrimary: Strike = (world, machine, random) => {
  stall(world, world.primaryOf(pick(random, world.names)) ?? machine, random);
};
/** Its disk is replaced by an empty one. */
const wipe: Strike = (world, machine, random) => {
  if (!world.mayHurt(machine)) return;
  world.hurt.add(machine.store);
  world.control.lost(machine.address);
  machine.wipe();
  world.time.events.plan(between(random, 1, 3000), () => machine.start());
};
const slowDisk: Strike = (world, machine, random) => {
  machine.pace = { syncMax: between(random, 10, 800), waits: 0.3, waitMax: 40 };
  world.time.events.plan(between(random, 200, 3000), () => {
    machine.pace = { syncMax: 2, waits: 0.05, waitMax: 2 };
  });
};
const full: Strike = (world, machine, random) => {
  machine.disk.capacity = between(random, 0, 20_000);
  world.time.events.plan(between(random, 200, 3000), () => {
    machine.disk.capacity = Number.POSITIVE_INFINITY;
  });
};
const failingSync: Strike = (_, machine, random) => {
  machine.disk.failingSyncs += between(random, 1, 3);
};
const flip: Strike = (world, machine, random) => {
  const paths = machine.disk.paths('/hydfs/files/');
  if (paths.length === 0 || !world.mayHurt(machine)) return;
  const path = pick(random, paths);
  const { length } = machine.disk.contents(path);
  if (length === 0) return;
  world.hurt.add(machine.store);
  machine.disk.flip(path, between(random, 0, length * 8));
};
const weather: Strike = (world, _, random) => {
  world.network.weather = {
    delayMin: 0,
    delayMax: pick(random, [2, 20, 150]),
    lag: pick(random, [0, 0.05]),
  };
  world.control.newsMax = pick(random, [5, 20, 300, 1500]);
};
const slowLink: Strike = (world, { address }, random) => {
  world.network.slow(address, pick(random, world.places), between(random, 50, 1500));
};

const anything: Strikes = [
  [6, calm],
  [4, heal],
  [2, weather],
  [2, isolate],
  [2, partition],
  [2, deaf],
  [2, oneWay],
  [2, slowLink],
  [3, breakOne],
  [2, accuse],
  [2, accusePrimary],
  [1, newLeader],
  [4, crash],
  [2, crashPrimary],
  [1, crashAll],
  [2, stall],
  [1, stallPrimary],
  [2, wipe],
  [2, slowDisk],
  [1, full],
  [1, failingSync],
  [1, flip],
];

/** Nodes that go and come back, some with nothing. */
const deaths: Strikes = [
  [6, calm],
  [8, crash],
  [4, crashPrimary],
  [1, crashAll],
  [4, wipe],
  [3, accuse],
  [2, weather],
  [2, slowDisk],
  [2, heal],
];

/** Primaries that do not know that they are none any more. */
const cuts: Strikes = [
  [3, calm],
  [6, heal],
  [4, deaf],
  [4, accusePrimary],
  [3, isolate],
  [3, partition],
  [3, oneWay],
  [4, stallPrimary],
  [3, breakOne],
  [2, weather],
  [2, crash],
];

const disks: Strikes = [
  [6, calm],
  [3, slowDisk],
  [3, full],
  [3, failingSync],
  [3, flip],
  [2, wipe],
  [4, crash],
  [1, heal],
  [1, accuse],
];

/** The node comes back so soon that what it asked for before is still on its way. */
const restartPrimary: Strike = (world, machine, random) => {
  const primary = world.primaryOf(pick(random, world.names)) ?? machine;
  if (primary.down) return;
  primary.stop({ power: false });
  world.time.events.plan(between(random, 1, 40), () => primary.start());
};
const slowWeather: Strike = (world, _, random) => {
  world.network.weather = { delayMin: 0, delayMax: pick(random, [2, 400, 900]), lag: 0 };
};

/** Stores that are filled by primaries that do not live to see it. */
const fills: Strikes = [
  [4, calm],
  [8, wipe],
  [9, restartPrimary],
  [5, slowWeather],
  [2, crash],
  [1, accusePrimary],
  [1, slowDisk],
];

function strikesOf(seed: number): Strikes {
  if (seed % 7 === 6) return fills;
  return [anything, anything, deaths, cuts, disks][Math.floor(seed / 16) % 5];
}

function strike(world: HydfsWorld, strikes: Strikes, random: Random): void {
  const total = strikes.reduce((sum, [weight]) => sum + weight, 0);
  let at = between(random, 0, total);
  const machine = pick(random, world.machines);
  for (const [weight, run] of strikes) {
    at -= weight;
    if (at < 0) return run(world, machine, random);
  }
}
