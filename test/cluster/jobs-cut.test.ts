/**
 * Jobs on six nodes in a network whose links are cut: nodes cut off, links that work in one direction
 * only, a job that is cancelled while a node cannot hear of it. What the cuts took is counted.
 *
 * Cuts last for as long as it takes to see what they do, and fall on the nodes where most is lost; for
 * 20 and 30 seconds and on every node with RAINSTORM_SOAK_CUTS=1 through `npm run soak:cluster`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { present, sleep, systemClock } from '../../src/core/index.ts';
import type { TaskView } from '../../src/leader/index.ts';
import { until } from '../helpers/poll.ts';
import { identify, isAlive } from '../helpers/process-tree.ts';
import { testUnless } from '../helpers/skip.ts';
import { Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';
import { ClusterJob } from './cluster-job.ts';
import { type Footprint, footprintOf } from './footprint.ts';
import { Network, networkMissing } from './network.ts';

const NODES = 6;
const LONG = process.env.RAINSTORM_SOAK_CUTS === '1';
/** How long a link stays cut: longer than it takes to notice, to move the tasks and to go on. */
const CUT_MS = LONG ? 20_000 : 7_000;
const ACKS_LOST_MS = LONG ? 30_000 : 7_000;
const RATE = 500;
/** More than are read during all cuts: the job is drained then. */
const LINES = LONG ? 200_000 : 80_000;

interface Ground {
  readonly network: Network;
  readonly cluster: Cluster;
}

const missing = networkMissing();
let ground: Promise<Ground> | null = null;
let turn: Promise<void> = Promise.resolve();

async function makeGround(): Promise<Ground> {
  const network = Network.make(NODES);
  const key = join(mkdtempSync(join(tmpdir(), 'rainstorm-key-')), 'cluster.key');
  const flags = ['--replace-after', '5s', '--key-file', key];
  const cluster = await Cluster.make(flags, network);
  await cluster.run(['keygen', key]);
  await cluster.grow(NODES);
  if (network.dropped() > 0) throw new Error('a whole network has dropped packets');
  await cluster.voters(5);
  await cluster.whole();
  return { network, cluster };
}

/** One test after the other has the cluster, with all links whole. */
function withNetwork(t: ExecutionContext, body: (ground: Ground) => Promise<void>): Promise<void> {
  t.timeout(LONG ? 900_000 : 300_000); // some of it is waiting for its turn
  const mine = turn.then(async () => {
    ground ??= makeGround();
    const { network, cluster } = await ground;
    try {
      await body({ network, cluster });
    } finally {
      network.heal();
      await cluster.complete();
      await cluster.whole();
    }
  });
  turn = mine.catch(() => undefined);
  return mine;
}

test.after.always(async () => {
  if (ground === null) return;
  const { network, cluster } = await ground;
  await cluster.close();
  network.close();
  const [, key] = cluster.keyFlags;
  rmSync(dirname(key), { recursive: true, force: true });
});

let seeds = 100;

function counting(cluster: Cluster): Promise<ClusterJob> {
  seeds += 1;
  const options = { name: 'count', lines: LINES, rate: RATE, tasks: 2 } as const;
  return ClusterJob.submit(cluster, { ...options, seed: seeds });
}

/** Keeps the cut until `seen` resolves and for `ms` at least, and gives how many packets it took. */
async function during(
  network: Network,
  { ms, cut, seen }: { ms: number; cut: () => void; seen?: () => Promise<unknown> },
): Promise<number> {
  const before = network.dropped();
  cut();
  await Promise.all([sleep(systemClock, ms), seen?.()]);
  network.heal();
  return network.dropped() - before;
}

async function logsExact(t: ExecutionContext, job: ClusterJob, packets: number): Promise<void> {
  t.true(packets > 0, 'the cut took no packet');
  t.log(`${packets} packets lost; ${await job.drainsExactly()}`);
}

testUnless(missing, 'a job is exact although nodes are cut off, one after the other', (t) =>
  withNetwork(t, async ({ network, cluster }) => {
    const job = await counting(cluster);
    await job.reads(RATE);
    let packets = 0;
    let moved = 0;
    const all = Array.from({ length: NODES }, (_, i) => i + 1);
    const places = LONG ? all : await cruelest(cluster, job);
    for (const place of places) {
      const others = cluster.living.filter(({ address }) => address !== cluster.addressOf(place));
      const before = await job.settled();
      const there = before.filter(({ vm }) => vm === cluster.addressOf(place));
      moved += there.length;
      const goesOn = async (): Promise<void> => {
        const elsewhere = job.at(others);
        await elsewhere.movedOn(
          there.map(({ name }) => name),
          before,
        );
        await elsewhere.writes((await elsewhere.length()) + RATE);
      };
      packets += await during(network, {
        ms: LONG ? CUT_MS : 0,
        cut: () => network.isolate(place),
        seen: goesOn,
      });
      await cluster.complete();
      await cluster.whole();
    }
    t.true(moved >= places.length, 'the nodes had tasks');
    await logsExact(t, job, packets);
  }),
);

testUnless(missing, 'a job is exact although links work in one direction only', (t) =>
  withNetwork(t, async ({ network, cluster }) => {
    const job = await counting(cluster);
    const tasks = await job.reads(RATE);
    const [producer, consumer] = [1, 3].map((stage) => placeOf(cluster, tasks, stage));
    let packets = 0;
    for (const [from, to] of [
      [producer, consumer],
      [consumer, producer],
    ]) {
      const cut = (): void => (from === to ? network.isolate(from) : network.cut(from, to));
      packets += await during(network, { ms: CUT_MS, cut });
      await cluster.complete();
      await cluster.whole();
    }
    // what the consumers say does not reach any producer: acknowledgements are lost
    const cut = (): void => {
      for (let place = 1; place <= NODES; place++) {
        if (place !== consumer) network.cut(consumer, place);
      }
    };
    packets += await during(network, { ms: ACKS_LOST_MS, cut });
    await logsExact(t, job, packets);
  }),
);

testUnless(
  missing,
  'a job cancelled while a node is cut off leaves no process, no socket and no lease anywhere, and its name is free',
  (t) =>
    withNetwork(t, async ({ network, cluster }) => {
      const nothing = new Map(cluster.living.map((node) => [node, footprintOf(node)]));
      for (const { processes, leases } of nothing.values())
        t.deepEqual([processes, leases], [0, []]);
      const job = await counting(cluster);
      await job.reads(RATE);
      const tasks = await job.settled();
      const leader = await cluster.leader();
      const lonely = present(
        cluster.living.find((node) => node !== leader && pidsAt(tasks, node).length > 0),
        'a worker with operators',
      );
      t.notDeepEqual(footprintOf(lonely), nothing.get(lonely), 'a job leaves its traces');
      const processes = pidsAt(tasks, lonely).map((pid) => present(identify(pid), 'it lives'));
      const others = cluster.living.filter((node) => node !== lonely);
      const dropped = network.dropped();
      network.isolate(cluster.nodes.indexOf(lonely) + 1);
      await job.at(others).ask((service) => service.stop(job.title, 'now'));
      await job.at(others).ends('cancelled');
      await untilNothing(others, nothing);
      await job.submitAgain(['--overwrite'], others);
      await job.at(others).reads(RATE);
      t.true(network.dropped() > dropped, 'the cut took no packet');
      network.heal();
      await until(() => processes.every((process) => !isAlive(process)), {
        what: 'the end of what the cut off node ran',
        deadlineMs: LONG_MS,
      });
      await cluster.complete();
      t.log(await job.drainsExactly());
      await untilNothing(cluster.living, nothing);
    }),
);

/** Resolves when the nodes hold nothing of any job. */
async function untilNothing(
  nodes: readonly ClusterProcess[],
  nothing: ReadonlyMap<ClusterProcess, Footprint>,
): Promise<void> {
  for (const node of nodes) {
    const isClean = (): boolean => isDeepStrictEqual(footprintOf(node), nothing.get(node));
    await until(isClean, {
      what: `${node.address} to hold nothing of a job`,
      deadlineMs: LONG_MS,
    }).catch((error: Error) => {
      const left = JSON.stringify(footprintOf(node));
      throw new Error(`${error.message}; it holds ${left}`, { cause: error });
    });
  }
}

function pidsAt(tasks: readonly TaskView[], { address }: ClusterProcess): number[] {
  return tasks.filter(({ vm }) => vm === address).flatMap(({ pids }) => pids);
}

/** The leader, and the nodes of the source and of a task of the last stage, each once. */
async function cruelest(cluster: Cluster, job: ClusterJob): Promise<number[]> {
  const tasks = await job.settled();
  const leader = cluster.nodes.indexOf(await cluster.leader()) + 1;
  return [...new Set([placeOf(cluster, tasks, 0), leader, placeOf(cluster, tasks, 3)])];
}

/** Where the first task of `stage` is, by the number of its node. */
function placeOf(cluster: Cluster, tasks: readonly TaskView[], stage: number): number {
  const task = tasks.find((each) => each.stage === stage);
  const at = cluster.nodes.findIndex(({ address }) => address === task?.vm);
  return at + 1;
}
