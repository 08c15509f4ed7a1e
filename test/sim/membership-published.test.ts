/** Two published results, small; bench/membership.ts has the whole tables. */
import test from 'ava';
import { defaultMode, publishedConfig } from '../../src/membership/index.ts';
import {
  crashTimes,
  expectedPeriods,
  firstDetection,
  LIMIT_PERIODS,
  lifeguardVariants,
  quantile,
  slowMembers,
  traffic,
} from './membership-experiments.ts';

test('a crash is first detected after e/(e-1) periods (SWIM, 2002)', (t) => {
  for (const [nodes, trials] of [
    [10, 2500],
    [32, 800],
  ]) {
    const { periods } = firstDetection({ nodes, order: 'random', trials, seed: 1 });
    t.log(`${nodes} members: ${periods.toFixed(3)} periods`);
    t.true(Math.abs(periods / expectedPeriods(nodes) - 1) < 0.05);
    t.true(Math.abs(periods / LIMIT_PERIODS - 1) < 0.05);
  }
});

test('round-robin over a shuffled list detects no later than random choice', (t) => {
  const { periods } = firstDetection({ nodes: 10, order: 'shuffled', trials: 1000, seed: 1 });
  t.true(periods < LIMIT_PERIODS * 1.03, `${periods}`);
});

test('Lifeguard makes false deaths fifty times rarer when members are slow (2017)', (t) => {
  const options = { seed: 1, nodes: 64, pauseMs: 16_384, betweenMs: 1024, lengthMs: 40_000 };
  for (const slow of [1, 16]) {
    const [swim, lifeguard] = [lifeguardVariants.SWIM, lifeguardVariants.Lifeguard].map(
      (lifeguard) => slowMembers({ ...options, slow, lifeguard }).falseDeaths,
    );
    t.log(`${slow} of 64 slow: ${swim} without Lifeguard, ${lifeguard} with`);
    t.true(swim > 500);
    t.true(lifeguard * 50 <= swim);
  }
});

test('Lifeguard detects a crash as soon as SWIM does without it', (t) => {
  const median = (lifeguard: (typeof lifeguardVariants)[string]): number => {
    const config = { ...publishedConfig, lifeguard };
    const { first } = crashTimes({ seed: 2, nodes: 32, victims: 1, trials: 11, config });
    return quantile(first, 0.5);
  };
  const [swim, lifeguard] = [lifeguardVariants.SWIM, lifeguardVariants.Lifeguard].map(median);
  t.log(`${swim.toFixed(0)} ms without, ${lifeguard.toFixed(0)} ms with`);
  t.true(lifeguard < swim * 1.1);
});

test('at default settings a kill is listed by one within 3 s and by all within 6 s', (t) => {
  const network = { loss: 0.05, duplication: 0, delayMs: [0.2, 20] } as const;
  for (const protocol of ['ping', 'gossip'] as const)
    for (const victims of [1, 3]) {
      const mode = { ...defaultMode, protocol };
      const found = crashTimes({ seed: 3, nodes: 10, victims, trials: 30, mode, network });
      t.true(quantile(found.first, 1) < 3000, `first: ${quantile(found.first, 1)} ms`);
      t.true(quantile(found.all, 1) < 6000, `all: ${quantile(found.all, 1)} ms`);
      t.is(found.falseDeaths, 0);
    }
});

test('a member sends as many packets among 128 as among 10', (t) => {
  for (const protocol of ['ping', 'gossip'] as const) {
    const mode = { ...defaultMode, protocol };
    const [few, many] = [10, 128].map((nodes) => traffic({ nodes, mode, seed: 4, seconds: 1 }));
    t.true(many.packetsPerSecond < few.packetsPerSecond * 1.2);
    if (protocol === 'ping') t.true(many.bytesPerSecond < few.bytesPerSecond * 1.2);
  }
});
