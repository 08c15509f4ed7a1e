import test from 'ava';
import {
  type Mode,
  PACKET_BYTES_MAX,
  type ProbeOrder,
  type Rules,
  standardRules,
} from '../../src/membership/index.ts';
import {
  checkChaos,
  checkCrash,
  checkQuiet,
  checkRefutation,
  deaths,
  disagreements,
  IncarnationWatch,
  lossy,
} from './membership-checks.ts';
import { busyAndLossy } from './membership-experiments.ts';
import { World } from './membership-world.ts';

const modes: readonly Mode[] = [
  { version: 0, protocol: 'ping', suspicion: true },
  { version: 0, protocol: 'ping', suspicion: false },
  { version: 0, protocol: 'gossip', suspicion: true },
  { version: 0, protocol: 'gossip', suspicion: false },
];
const seeds = [1, 2, 3, 4, 5];

test('the same seed gives the same trace, another seed another one', (t) => {
  const trace = (seed: number): string => {
    const world = new World({ seed, nodes: 6, network: lossy, acquainted: false });
    world.run(5000);
    world.crash(3);
    world.run(5000);
    return world.traceHash;
  };
  t.is(trace(1), trace(1));
  t.not(trace(1), trace(2));
});

test('without faults nobody dies, and news is retired, in every mode', (t) => {
  for (const mode of modes)
    for (const seed of seeds) t.deepEqual(checkQuiet({ seed, mode }), [], JSON.stringify(mode));
});

test('every crash is found by all, in every mode', (t) => {
  // Without suspicion a lost packet is as good as a death: that is what suspicion is for.
  const fit = modes.filter(({ protocol, suspicion }) => suspicion || protocol === 'gossip');
  for (const mode of fit)
    for (const seed of seeds) t.deepEqual(checkCrash({ seed, mode }), [], JSON.stringify(mode));
});

test('a node that was stopped for a moment is suspected, objects and lives', (t) => {
  for (const seed of seeds) t.deepEqual(checkRefutation({ seed }), []);
});

test('minutes of 5 % loss on busy processors kill nobody', (t) => {
  for (const mode of [modes[0], modes[2], modes[3]]) {
    const { suspicions, falseDeaths } = busyAndLossy({ seed: 8, mode, minutes: 3 });
    t.log(`${mode.protocol}: ${suspicions} suspicions`);
    t.is(falseDeaths, 0);
  }
});

test('whatever happens, in peace all come to agree', (t) => {
  for (let seed = 1; seed <= 16; seed++) t.deepEqual(checkChaos({ seed }), [], `seed ${seed}`);
});

const stuck: ProbeOrder = { next: (live) => live[0] ?? null, added: () => undefined };
const planted: readonly [string, Partial<Rules>, (rules: Rules) => string[]][] = [
  ['no incarnation check', { supersedes: () => true }, (rules) => checkCrash({ seed: 1, rules })],
  [
    'a suspicion that is never confirmed',
    { suspicionMs: () => Number.POSITIVE_INFINITY },
    (rules) => checkCrash({ seed: 1, rules }),
  ],
  [
    'probing always the same member',
    { probeOrder: () => stuck },
    (rules) => checkCrash({ seed: 1, rules }),
  ],
  [
    'news that is never retired',
    { retransmissions: () => Number.POSITIVE_INFINITY },
    (rules) => checkQuiet({ seed: 1, rules }),
  ],
  [
    'an objection in the same incarnation',
    { refutation: (own) => own },
    (rules) => checkRefutation({ seed: 1, rules }),
  ],
  [
    'a suspicion that ends at once',
    { suspicionMs: () => 0 },
    (rules) => checkRefutation({ seed: 1, rules }),
  ],
];

for (const [name, broken, check] of planted) {
  test(`the checks notice ${name}`, (t) => {
    t.deepEqual(check(standardRules), []);
    t.not(check({ ...standardRules, ...broken }).length, 0);
  });
}

test('who leaves is listed as left, and is no failure', (t) => {
  for (const mode of modes) {
    const world = new World({ seed: 4, nodes: 8, mode });
    world.run(2000);
    world.events.length = 0;
    world.leave(6);
    world.run(10_000);
    t.false(world.nodes[6].up);
    t.deepEqual(deaths(world.events), []);
    for (const { index } of world.up()) t.is(world.status(index, 6), 'left');
  }
});

test('a switch reaches everybody, and whoever joins later, while members come and go', (t) => {
  const world = new World({ seed: 5, nodes: 8, network: lossy });
  world.run(1000);
  world.switchMode(3, 'gossip', false);
  const took = world.runWhile(
    () => world.nodes.some(({ core }) => core.mode.protocol === 'ping'),
    10_000,
  );
  t.true(took !== null && took < 2000, `${took} ms`);
  const late = world.join([0]);
  world.run(3000);
  t.like(world.nodes[late].core.mode, { protocol: 'gossip', suspicion: false });
  world.switchMode(0, 'ping', true);
  world.switchMode(7, 'ping', false);
  world.run(3000);
  t.deepEqual(disagreements(world), []);
});

test('a joining node takes the mode of the cluster, not the other way round', (t) => {
  const world = new World({ seed: 6, nodes: 4, mode: modes[3] });
  const late = world.join([2], modes[0]);
  world.run(3000);
  t.deepEqual(world.nodes[late].core.mode, modes[3]);
  t.deepEqual(disagreements(world), []);
});

test('a node that was started again replaces its predecessor, even with its clock set back', (t) => {
  for (const clock of [undefined, 1_000_000]) {
    const world = new World({ seed: 7, nodes: 6 });
    const watch = new IncarnationWatch(world);
    world.run(1000);
    const before = world.nodes[4].core.self.id;
    world.crash(4);
    world.run(100);
    world.restart(4, [0, 1], clock);
    world.run(5000);
    t.not(world.nodes[4].core.self.id, before);
    t.deepEqual(disagreements(world), []);
    t.deepEqual(watch.problems, []);
    const ends = world.events.filter(({ event }) => event.kind === 'dead');
    t.true(ends.every(({ event }) => event.kind === 'dead' && nodeOf(event.node) === before));
  }
});

function nodeOf({ address, boot }: { readonly address: string; readonly boot: string }): string {
  return `${address}#${boot}`;
}

test('two halves that lost each other become one again', (t) => {
  for (const mode of [modes[0], modes[2]]) {
    const world = new World({ seed: 8, nodes: 8, mode });
    const watch = new IncarnationWatch(world);
    world.run(2000);
    world.network.split([0, 1, 2], [3, 4, 5, 6, 7]);
    world.run(30_000);
    t.is(world.status(0, 7), 'dead');
    t.is(world.status(7, 0), 'dead');
    t.is(world.status(0, 1), 'alive');
    world.network.heal();
    world.run(30_000);
    t.deepEqual(disagreements(world), []);
    t.deepEqual(watch.problems, []);
  }
});

test('a member that is cut off in one direction harms nobody else', (t) => {
  for (const deaf of [true, false]) {
    const world = new World({ seed: 9, nodes: 8 });
    world.run(2000);
    const others = [0, 1, 2, 3, 4, 5, 6];
    if (deaf) world.network.cut(others, [7]);
    else world.network.cut([7], others);
    world.run(30_000);
    const address = world.nodes[7].address;
    const wrong = world.events.filter(
      ({ event, node }) => event.kind === 'dead' && event.node.address !== address && node !== 7,
    );
    t.deepEqual(deaths(wrong), []);
    for (const index of others) t.is(world.status(index, 7), 'dead');
    world.network.heal();
    world.run(30_000);
    t.deepEqual(disagreements(world), []);
  }
});

test('fifty nodes join through one, in packets that fit', (t) => {
  const world = new World({ seed: 10, nodes: 50, acquainted: false, wire: true, network: lossy });
  world.run(4000);
  t.true(world.nodes.every(({ core }) => core.liveCount === 50));
  t.deepEqual(deaths(world.events), []);
  t.true(world.largestPacket <= PACKET_BYTES_MAX);
  t.true(world.largestPacket > PACKET_BYTES_MAX / 2, 'packets were put to use');
});

test('load figures get everywhere, the newest last', (t) => {
  const world = new World({ seed: 11, nodes: 12, wire: true, network: lossy });
  const load = { tuplesInPerSecond: 0, tuplesOutPerSecond: 0, busyPermille: 0, loopDelayMs: 0 };
  for (const round of [1, 2])
    for (const { core, index } of world.nodes) {
      world.run(20);
      core.setLoad({ ...load, memoryMiB: round * 100, tasks: index });
    }
  world.run(5000);
  for (const { core } of world.nodes)
    for (const { address, load } of core.members()) {
      t.is(load?.memoryMiB, 200);
      t.is(load?.tasks, world.indexOf(address));
    }
});
