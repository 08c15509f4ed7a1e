/**
 * What must hold of a simulated cluster, as functions that list what does not, so that a test can
 * also show that they notice a broken rule.
 */
import { between, type Random, seededRandom, unit } from '../../src/core/index.ts';
import { type Mode, nodeIdOf, type Protocol, type Rules } from '../../src/membership/index.ts';
import { goodNetwork, type NetworkConditions } from './membership-network.ts';
import { World, type WorldEvent } from './membership-world.ts';

export interface CheckOptions {
  readonly seed: number;
  readonly mode?: Mode;
  readonly rules?: Rules;
}

export const lossy: NetworkConditions = { loss: 0.05, duplication: 0.02, delayMs: [0.2, 30] };

const SAMPLE_MS = 250;

/** Looks now and then whether an incarnation fell in somebody's table. */
export class IncarnationWatch {
  readonly problems: string[] = [];
  readonly #world: World;
  readonly #highest = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    this.#look();
  }

  #look(): void {
    for (const { core, index, up } of this.#world.nodes) {
      if (!up) continue;
      for (const { id, incarnation } of core.members()) {
        const key = `${nodeIdOf(core.self)} sees ${id}`;
        const highest = this.#highest.get(key) ?? 0;
        if (incarnation < highest)
          this.problems.push(`node ${index} ${key}: ${highest} fell to ${incarnation}`);
        this.#highest.set(key, Math.max(highest, incarnation));
      }
    }
    this.#world.plan(this.#world.now + SAMPLE_MS, () => this.#look());
  }
}

/** Deaths, as text. */
export function deaths(events: readonly WorldEvent[]): string[] {
  return events
    .filter(({ event }) => event.kind === 'dead')
    .map(({ at, node, event }) => `${at.toFixed(0)} ms: node ${node} ${JSON.stringify(event)}`);
}

/** Nothing happens: nobody may die, and nobody may have anything left to say. */
export function checkQuiet({ seed, mode, rules }: CheckOptions): string[] {
  const world = new World({ seed, nodes: 8, acquainted: false, ...given(mode, rules) });
  const watch = new IncarnationWatch(world);
  world.run(40_000);
  const talking = world.nodes.filter(({ core }) => core.newsWaiting > 0);
  return [
    ...deaths(world.events),
    ...watch.problems,
    ...disagreements(world),
    ...talking.map(({ index }) => `node ${index} still passes old news on`),
  ];
}

/** One crashes: everybody must list it as dead in time, and nobody else. */
export function checkCrash({ seed, mode, rules }: CheckOptions): string[] {
  const world = new World({ seed, nodes: 8, network: lossy, ...given(mode, rules) });
  const watch = new IncarnationWatch(world);
  world.run(3000);
  world.events.length = 0;
  world.crash(5);
  world.run(6000);
  const blind = world.up().filter(({ index }) => world.status(index, 5) !== 'dead');
  const address = world.nodes[5].address;
  const wrong = world.events.filter(
    ({ event }) => event.kind === 'dead' && event.node.address !== address,
  );
  return [
    ...blind.map(({ index }) => `node ${index} does not list the crashed one as dead`),
    ...deaths(wrong),
    ...watch.problems,
  ];
}

/** One is stopped for less than a suspicion lasts: it must be suspected, object, and live. */
export function checkRefutation({ seed, rules }: CheckOptions): string[] {
  const world = new World({ seed, nodes: 8, ...given(undefined, rules) });
  const watch = new IncarnationWatch(world);
  world.run(3000);
  world.events.length = 0;
  world.pause(2, 'stop', 1100);
  world.run(8000);
  const of = (kind: string): number =>
    world.events.filter(({ event }) => event.kind === kind).length;
  const problems = [...deaths(world.events), ...watch.problems, ...disagreements(world)];
  if (of('suspected') === 0) problems.push('nobody suspected the stopped node');
  if (of('refuted') === 0) problems.push('the stopped node did not object');
  return problems;
}

/** Where the tables of those that run, and their modes, are not what they should be. */
export function disagreements(world: World): string[] {
  const up = world.up();
  const problems: string[] = [];
  const [first] = up;
  for (const { core, index } of up) {
    const alive = core.members().filter(({ status }) => status === 'alive');
    const ids = new Set(alive.map(({ id }) => id));
    for (const other of up)
      if (!ids.has(other.core.self.id))
        problems.push(`node ${index} holds ${other.index} for ${world.status(index, other.index)}`);
    if (ids.size !== up.length)
      problems.push(`node ${index} lists ${ids.size} of ${up.length} as alive`);
    const [mode, other] = [core.mode, first.core.mode].map((each) => JSON.stringify(each));
    if (mode !== other) problems.push(`nodes ${index} and ${first.index}: ${mode}, ${other}`);
  }
  return problems;
}

/**
 * A random life of seven nodes: crashes, restarts, pauses, cuts, loss, leaves and switches. Then
 * peace, after which all must agree.
 */
export function checkChaos({ seed, rules }: CheckOptions): string[] {
  const world = new World({ seed, nodes: 7, network: lossy, ...given(undefined, rules) });
  const watch = new IncarnationWatch(world);
  const random = seededRandom(seed + 1);
  for (let step = 0; step < 20; step++) {
    disturb(world, random);
    world.run(200 + unit(random) * 3000);
  }
  world.network.heal();
  world.network.conditions = goodNetwork;
  for (const { index } of world.nodes) world.resume(index);
  const seeds = world.up().map(({ index }) => index);
  for (const { index, up } of world.nodes) if (!up) world.restart(index, seeds);
  world.run(60_000);
  return [...watch.problems, ...disagreements(world)];
}

function disturb(world: World, random: Random): void {
  const all = world.nodes.map(({ index }) => index);
  const index = between(random, 0, all.length);
  const node = world.nodes[index];
  const others = all.filter((other) => other !== index);
  const protocols: readonly Protocol[] = ['ping', 'gossip'];
  // At least two stay, for those that come back to have somebody to join.
  const mayGo = node.up && node.core.liveCount > 1 && world.up().length > 2;
  switch (between(random, 0, 8)) {
    case 0:
      if (mayGo) world.crash(index);
      return;
    case 1:
      if (mayGo) world.leave(index);
      return;
    case 2:
    case 3:
      if (!node.up) world.restart(index, others);
      return;
    case 4:
      if (node.up) world.pause(index, unit(random) < 0.5 ? 'slow' : 'stop', unit(random) * 5000);
      return;
    case 5:
      if (unit(random) < 0.5) world.network.cut([index], others);
      else world.network.split(all.slice(0, index), all.slice(index));
      return;
    case 6:
      world.network.heal();
      return;
    default:
      if (node.up) world.switchMode(index, protocols[between(random, 0, 2)], unit(random) < 0.5);
  }
}

function given(mode?: Mode, rules?: Rules): { readonly mode?: Mode; readonly rules?: Rules } {
  return { ...(mode === undefined ? {} : { mode }), ...(rules === undefined ? {} : { rules }) };
}
