/**
 * What the failure detectors do, found by simulation of the cores as shipped, in virtual time:
 * published results reproduced, the times to expect at default settings, traffic per node.
 *
 *   node bench/membership.ts [--small]
 *
 * It does not measure a real network, encryption, or processor time under load; those are for the
 * tests with real nodes. Sizes are of packets before they are sealed (47 bytes more each).
 */
import { type Mode, publishedConfig } from '../src/membership/index.ts';
import {
  busyAndLossy,
  crashTimes,
  expectedPeriods,
  firstDetection,
  LIMIT_PERIODS,
  lifeguardVariants,
  quantile,
  slowMembers,
  traffic,
} from '../test/sim/membership-experiments.ts';
import { benchOptions, machineLine, print, printTable, ResultHash } from './harness.ts';

const { small } = benchOptions();
const hash = new ResultHash();
const SLOW_NODES = 64;
const PAUSE_MS = 16_384;
const BETWEEN_MS = 1024;
const modes: readonly Mode[] = [
  { version: 0, protocol: 'ping', suspicion: true },
  { version: 0, protocol: 'ping', suspicion: false },
  { version: 0, protocol: 'gossip', suspicion: true },
  { version: 0, protocol: 'gossip', suspicion: false },
];

print(machineLine());
print(`\nFirst detection of a crash in protocol periods; e/(e-1) = ${LIMIT_PERIODS.toFixed(3)}`);
printTable(
  ['members', 'formula', 'random', 'off', 'round-robin', 'off', 'trials'],
  [10, 32, 56, 100, 256].map(detectionRow),
);
print(
  'off: from e/(e-1), the limit of the formula, which is for random choice (SWIM, section 3.1);',
);
print('round-robin over a shuffled list (section 4.3) is the default');

print(`\nFalse deaths of healthy members, ${SLOW_NODES} members, some slow: blocked for`);
print(`${PAUSE_MS} ms, running for ${BETWEEN_MS} ms, again and again; in brackets at healthy ones`);
printTable(['slow', ...Object.keys(lifeguardVariants), 'fewer'], [1, 4, 8, 16].map(slowRow));
print('\nCrash of one of these members, none slow: milliseconds until listed as dead');
printTable(['', 'first, median', 'first, p90', 'all, median'], crashRows());

print('\nDefaults, 10 members: milliseconds from a kill until listed as dead');
printTable(
  ['mode', 'loss', 'killed', 'first p50', 'first max', 'all p50', 'all max', 'false'],
  defaultRows(),
);

const minutes = small ? 1 : 30;
print(
  `\nDefaults, 10 members for ${minutes} min, 5 % loss, each stopped now and then for up to 300 ms`,
);
printTable(['mode', 'suspicions', 'false deaths'], modes.map(busyRow));

print('\nTraffic that one member sends at default settings');
printTable(['members', 'mode', 'packets/s', 'bytes/s', 'largest packet'], trafficRows());
print(`\nresult ${hash}`);

function detectionRow(nodes: number): string[] {
  const trials = small ? Math.ceil(2000 / nodes) : nodes < 60 ? 6000 : nodes < 200 ? 3000 : 1500;
  const [random, shuffled] = (['random', 'shuffled'] as const).map((order) =>
    firstDetection({ nodes, order, trials, seed: nodes }),
  );
  const off = (periods: number): string => `${((periods / LIMIT_PERIODS - 1) * 100).toFixed(1)} %`;
  hash.add(random.periods);
  hash.add(shuffled.periods);
  return [
    String(nodes),
    expectedPeriods(nodes).toFixed(3),
    random.periods.toFixed(3),
    off(random.periods),
    shuffled.periods.toFixed(3),
    off(shuffled.periods),
    String(trials),
  ];
}

function slowRow(slow: number): string[] {
  const lengthMs = small ? 40_000 : 300_000;
  const options = { seed: 3, nodes: SLOW_NODES, slow, lengthMs };
  const results = Object.values(lifeguardVariants).map((lifeguard) =>
    slowMembers({ ...options, pauseMs: PAUSE_MS, betweenMs: BETWEEN_MS, lifeguard }),
  );
  for (const { falseDeaths } of results) hash.add(falseDeaths);
  const [swim, lifeguard] = [results[0].falseDeaths, results[results.length - 1].falseDeaths];
  const ratio = lifeguard === 0 ? `all of ${swim}` : `${(swim / lifeguard).toFixed(0)} x`;
  return [String(slow), ...results.map((r) => `${r.falseDeaths} (${r.atHealthy})`), ratio];
}

function crashRows(): string[][] {
  const trials = small ? 3 : 40;
  return Object.entries(lifeguardVariants).map(([name, lifeguard]) => {
    const config = { ...publishedConfig, lifeguard };
    const { first, all } = crashTimes({ seed: 4, nodes: SLOW_NODES, victims: 1, trials, config });
    hash.add(quantile(first, 0.5));
    const cells = [quantile(first, 0.5), quantile(first, 0.9), quantile(all, 0.5)];
    return [name, ...cells.map((ms) => ms.toFixed(0))];
  });
}

function defaultRows(): string[][] {
  const trials = small ? 5 : 400;
  const rows: string[][] = [];
  for (const mode of modes)
    for (const loss of [0, 0.05])
      for (const victims of [1, 3]) {
        const network = { loss, duplication: 0, delayMs: [0.2, 20] } as const;
        const result = crashTimes({ seed: 5, nodes: 10, victims, trials, mode, network });
        const { first, all, falseDeaths } = result;
        const cells = [first, first, all, all].map((times, i) => quantile(times, i % 2 ? 1 : 0.5));
        hash.add(cells.join());
        rows.push([
          nameOf(mode),
          `${loss * 100} %`,
          String(victims),
          ...cells.map((ms) => ms.toFixed(0)),
          String(falseDeaths),
        ]);
      }
  return rows;
}

function busyRow(mode: Mode): string[] {
  const { suspicions, falseDeaths } = busyAndLossy({ seed: 7, mode, minutes });
  hash.add(falseDeaths);
  return [nameOf(mode), String(suspicions), String(falseDeaths)];
}

function trafficRows(): string[][] {
  const rows: string[][] = [];
  for (const mode of modes.filter(({ suspicion }) => suspicion))
    for (const nodes of small ? [10, 64] : [10, 32, 64, 128, 256]) {
      const result = traffic({ nodes, mode, seed: 6, seconds: small ? 1 : 10 });
      hash.add(result.bytesPerSecond);
      rows.push([
        String(nodes),
        nameOf(mode),
        result.packetsPerSecond.toFixed(1),
        result.bytesPerSecond.toFixed(0),
        String(result.largestPacket),
      ]);
    }
  return rows;
}

function nameOf({ protocol, suspicion }: Mode): string {
  return `${protocol} ${suspicion ? 'suspect' : 'nosuspect'}`;
}
