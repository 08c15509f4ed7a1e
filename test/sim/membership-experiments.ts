/**
 * Experiments on the simulated cluster: the suite runs them small, the bench large.
 */
import { between, unit } from '../../src/core/index.ts';
import {
  defaultConfig,
  type Lifeguard,
  type MembershipConfig,
  type Mode,
  noLifeguard,
  publishedConfig,
} from '../../src/membership/index.ts';
import type { NetworkConditions } from './membership-network.ts';
import { World } from './membership-world.ts';

/** SWIM, section 3.1: expected periods until some member probes a crashed one of `nodes`. */
export function expectedPeriods(nodes: number): number {
  return 1 / (1 - (1 - 1 / (nodes - 1)) ** (nodes - 1));
}

/** Its limit for large groups. */
export const LIMIT_PERIODS = Math.E / (Math.E - 1);

export interface DetectionResult {
  /** mean number of the protocol period after the crash in which it was detected, from 1 */
  readonly periods: number;
  /** mean time until the failed probe began, in periods */
  readonly probedAfter: number;
  readonly trials: number;
}

/**
 * Crashes one member after the other and counts the periods until the first probe that finds it. As
 * in the analysis: no loss, no suspicion, and a period counts when the probe falls into it.
 */
export function firstDetection(options: {
  readonly nodes: number;
  readonly order: MembershipConfig['probeOrder'];
  readonly trials: number;
  readonly seed: number;
}): DetectionResult {
  const { nodes, order, trials, seed } = options;
  const lifeguard = { ...noLifeguard, buddy: true };
  const config = { ...publishedConfig, probeOrder: order, lifeguard, retransmitFactor: 2 };
  const mode: Mode = { version: 0, protocol: 'ping', suspicion: false };
  const network: NetworkConditions = { loss: 0, duplication: 0, delayMs: [0.1, 0.5] };
  const world = new World({ seed, nodes, config, mode, network });
  const { probeIntervalMs, probeFailMs } = config;
  let periods = 0;
  let after = 0;
  for (let trial = 0; trial < trials; trial++) {
    world.run((1 + unit(world.random)) * probeIntervalMs);
    const waited = detect(world, trial % nodes) - probeFailMs;
    periods += Math.max(1, Math.ceil(waited / probeIntervalMs));
    after += waited / probeIntervalMs;
  }
  return { periods: periods / trials, probedAfter: after / trials, trials };
}

/** Milliseconds from the crash of `victim` to its first death; then all is as before. */
function detect(world: World, victim: number): number {
  const start = world.now;
  let first = 0;
  world.onEvent = ({ event, at }) => {
    if (event.kind === 'dead' && first === 0) first = at;
  };
  // Stopped, not crashed: that looks the same to the others, and it can come back at once.
  world.pause(victim, 'stop', 1e9);
  world.runWhile(() => first === 0, 100_000);
  world.resume(victim);
  world.onEvent = () => undefined;
  world.runWhile(
    () => world.nodes.some(({ core }) => core.liveCount < world.nodes.length),
    100_000,
  );
  return first - start;
}

/** The variants that the Lifeguard paper compares. */
export const lifeguardVariants: Readonly<Record<string, Lifeguard>> = {
  SWIM: noLifeguard,
  'LHA-Probe': { ...noLifeguard, health: true },
  'LHA-Suspicion': { ...noLifeguard, suspicion: true },
  'Buddy System': { ...noLifeguard, buddy: true },
  Lifeguard: publishedConfig.lifeguard,
};

export interface SlowOptions {
  readonly seed: number;
  readonly nodes: number;
  /** how many are slow at the same time */
  readonly slow: number;
  /** the anomaly of the paper: blocked for `pauseMs`, then running for `betweenMs`, again and again */
  readonly pauseMs: number;
  readonly betweenMs: number;
  readonly lengthMs: number;
  readonly lifeguard: Lifeguard;
}

export interface SlowResult {
  /** deaths of healthy members that any member declared or believed (FP of the paper) */
  readonly falseDeaths: number;
  /** those of them at healthy members (FP- of the paper) */
  readonly atHealthy: number;
}

/** The interval experiment of the Lifeguard paper, section 5. */
export function slowMembers(options: SlowOptions): SlowResult {
  const { seed, nodes, slow, pauseMs, betweenMs, lengthMs, lifeguard } = options;
  const world = new World({ seed, nodes, config: { ...publishedConfig, lifeguard } });
  const chosen = new Set<number>();
  while (chosen.size < slow) chosen.add(between(world.random, 0, nodes));
  let [falseDeaths, atHealthy] = [0, 0];
  world.onEvent = ({ event, node }) => {
    if (event.kind !== 'dead' || chosen.has(world.indexOf(event.node.address))) return;
    falseDeaths += 1;
    if (!chosen.has(node)) atHealthy += 1;
  };
  const end = world.now + lengthMs;
  const cycle = (): void => {
    if (world.now >= end) return;
    for (const index of chosen) world.pause(index, 'slow', pauseMs);
    world.plan(world.now + pauseMs + betweenMs, cycle);
  };
  world.plan(5 * publishedConfig.probeIntervalMs, cycle);
  world.runUntil(end + pauseMs + 60_000);
  return { falseDeaths, atHealthy };
}

export interface CrashTimes {
  /** milliseconds, sorted: until some member lists the crashed one as dead */
  readonly first: readonly number[];
  /** until all do */
  readonly all: readonly number[];
  /** deaths of members that live */
  readonly falseDeaths: number;
}

/** Kills `victims` members at once, again and again, and starts them anew each time. */
export function crashTimes(options: {
  readonly seed: number;
  readonly nodes: number;
  readonly victims: number;
  readonly trials: number;
  readonly config?: MembershipConfig;
  readonly mode?: Mode;
  readonly network?: NetworkConditions;
}): CrashTimes {
  const { nodes, victims, trials, config = defaultConfig } = options;
  const world = new World({ ...options, config });
  const first: number[] = [];
  const all: number[] = [];
  let falseDeaths = 0;
  for (let trial = 0; trial < trials; trial++) {
    const dying = Array.from({ length: victims }, (_, i) => (trial + i * 2) % nodes);
    const seen = new Map<string, number[]>();
    world.onEvent = ({ event, node, at }) => {
      if (event.kind !== 'dead' || event.cause === 'superseded') return;
      const { address, boot } = event.node;
      const { up, core } = world.nodes[world.indexOf(address)];
      if (up && core.self.boot === boot) falseDeaths += 1;
      else if (!dying.includes(node)) seen.set(address, [...(seen.get(address) ?? []), at]);
    };
    world.run(20 * config.probeIntervalMs * (1 + unit(world.random)));
    seen.clear();
    const start = world.now;
    for (const victim of dying) world.crash(victim);
    const isDone = (): boolean => [...seen.values()].flat().length >= victims * (nodes - victims);
    world.runWhile(() => !isDone(), 200_000);
    for (const times of seen.values()) {
      first.push(Math.min(...times) - start);
      all.push(Math.max(...times) - start);
    }
    const seed = world.nodes.findIndex(({ up }) => up);
    for (const victim of dying) world.restart(victim, [seed]);
  }
  const ascending = (a: number, b: number): number => a - b;
  return { first: first.sort(ascending), all: all.sort(ascending), falseDeaths };
}

export interface QuietResult {
  readonly suspicions: number;
  readonly falseDeaths: number;
}

/** Ten members on busy processors, which stop each for up to 300 ms now and then, with 5 % loss. */
export function busyAndLossy(options: {
  readonly seed: number;
  readonly mode: Mode;
  readonly minutes: number;
}): QuietResult {
  const network = { loss: 0.05, duplication: 0, delayMs: [0.2, 20] } as const;
  const world = new World({ seed: options.seed, nodes: 10, mode: options.mode, network });
  let [suspicions, falseDeaths] = [0, 0];
  world.onEvent = ({ event }) => {
    if (event.kind === 'suspected' && event.first) suspicions += 1;
    if (event.kind === 'dead') falseDeaths += 1;
  };
  const stall = (index: number): void => {
    world.pause(index, 'stop', between(world.random, 20, 300));
    world.plan(world.now + between(world.random, 500, 20_000), () => stall(index));
  };
  for (const { index } of world.nodes) stall(index);
  world.run(options.minutes * 60_000);
  return { suspicions, falseDeaths };
}

export interface Traffic {
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly largestPacket: number;
}

/** What one of `nodes` sends on average, with load figures, while nothing happens. */
export function traffic(options: {
  readonly nodes: number;
  readonly mode: Mode;
  readonly seed: number;
  readonly seconds: number;
}): Traffic {
  const { nodes, mode, seed, seconds } = options;
  const world = new World({ seed, nodes, mode, wire: true });
  for (const { core } of world.nodes) core.setLoad(exampleLoad);
  world.run(5000);
  for (const node of world.nodes) [node.packets, node.bytes] = [0, 0];
  world.run(seconds * 1000);
  const sum = (of: 'packets' | 'bytes'): number =>
    world.nodes.reduce((total, node) => total + node[of], 0) / nodes / seconds;
  return {
    packetsPerSecond: sum('packets'),
    bytesPerSecond: sum('bytes'),
    largestPacket: world.largestPacket,
  };
}

const exampleLoad = {
  tuplesInPerSecond: 123_456,
  tuplesOutPerSecond: 98_765,
  busyPermille: 730,
  loopDelayMs: 12,
  memoryMiB: 312,
  tasks: 6,
};

/** The value below which a share of `sorted` lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
