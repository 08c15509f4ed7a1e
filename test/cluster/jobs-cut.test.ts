/**
 * Jobs on six nodes in a network whose links are cut: nodes cut off, links that work in one direction
 * only, a job that is cancelled while a node cannot hear of it. What the cuts took is counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { present, sleep, systemClock } from '../../src/core/index.ts';
import type { TaskView } from '../../src/leader/index.ts';
import { until } from '../helpers/poll.ts';
import { identify, isAlive } from '../helpers/process-tree.ts';
import { testUnless } from '../helpers/skip.ts';
import { Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';
import { ClusterJob } from './cluster-job.ts';
import { Network, networkMissing } from './network.ts';

const NODES = 6;
/** How long a link stays cut: longer than it takes to notice, to move the tasks and to go on. */
const CUT_MS = 20_000;
const ACKS_LOST_MS = 30_000;
const RATE = 1000;
/** Lines that are read during a cut, and while the copies that it cost are made again. */
const LINES_PER_CUT = (RATE * (CUT_MS + 8_000)) / 1000;

interface Ground {
  readonly network: Network;
  readonly cluster: Cluster;
}

const LONG = process.env.RAINSTORM_SOAK_CUTS === '1';
const missing = LONG ? networkMissing() : 'it takes ten minutes: npm run soak:cluster';
let ground: Promise<Ground> | null = null;
let turn: Promise<void> = Promise.resolve();

async function makeGround(): Promise<Ground> {
  const network = Network.make(NODES);
  const key = join(mkdtempSync(join(tmpdir(), 'rainstorm-key-')), 'cluster.key');
  const flags = ['--replace-after', '5s', '--key-file', key];
  const cluster = await Cluster.make(flags, network);
  await cluster.run(['keygen', key]);
  await cluster.grow(NODES);
  await cluster.voters(5);
  await cluster.whole();
  return { network, cluster };
}

/** One test after the other has the cluster, with all links whole. */
function withNetwork(body: (ground: Ground) => Promise<void>): Promise<void> {
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

function counting(cluster: Cluster, lines: number, rate: number): Promise<ClusterJob> {
  seeds += 1;
  return ClusterJob.submit(cluster, { name: 'count', seed: seeds, lines, rate, tasks: 2 });
}

/** Keeps the cut for `ms`, and gives how many packets it took. */
async function during(network: Network, ms: number, cut: () => void): Promise<number> {
  const before = network.dropped();
  cut();
  await sleep(systemClock, ms);
  network.heal();
  return network.dropped() - before;
}

async function logsExact(t: ExecutionContext, job: ClusterJob, packets: number): Promise<void> {
  t.true(packets > 0, 'the cut took no packet');
  t.log(`${packets} packets lost; ${await job.isExact()}`);
}

testUnless(missing, 'a job is exact although each node in turn is cut off', (t) =>
  withNetwork(async ({ network, cluster }) => {
    const job = await counting(cluster, NODES * LINES_PER_CUT, RATE);
    let packets = 0;
    for (let place = 1; place <= NODES; place++) {
      await job.reads(place * RATE);
      const others = cluster.living.filter(({ address }) => address !== cluster.addressOf(place));
      const before = await job.reads(1);
      packets += await during(network, CUT_MS, () => network.isolate(place));
      const there = before.filter(({ vm }) => vm === cluster.addressOf(place));
      const epochs = new Map(
        (await job.at(others).tasks()).map(({ name, epoch }) => [name, epoch]),
      );
      for (const { name, epoch } of there) {
        t.true((epochs.get(name) ?? 0) > epoch, `${name} was not moved from ${place}`);
      }
      await cluster.complete();
      await cluster.whole();
    }
    await logsExact(t, job, packets);
  }),
);

testUnless(missing, 'a job is exact although links work in one direction only', (t) =>
  withNetwork(async ({ network, cluster }) => {
    const job = await counting(cluster, 3 * LINES_PER_CUT, RATE);
    const tasks = await job.reads(2000);
    const [producer, consumer] = [1, 3].map((stage) => placeOf(cluster, tasks, stage));
    let packets = 0;
    for (const [from, to] of [
      [producer, consumer],
      [consumer, producer],
    ]) {
      const cut = (): void => (from === to ? network.isolate(from) : network.cut(from, to));
      packets += await during(network, CUT_MS, cut);
      await cluster.complete();
      await cluster.whole();
    }
    // what the consumers say does not reach any producer: acknowledgements are lost
    packets += await during(network, ACKS_LOST_MS, () => {
      for (let place = 1; place <= NODES; place++) {
        if (place !== consumer) network.cut(consumer, place);
      }
    });
    await logsExact(t, job, packets);
  }),
);

testUnless(
  missing,
  'a job cancelled while a node is cut off leaves nothing there, and its name is free',
  (t) =>
    withNetwork(async ({ network, cluster }) => {
      const job = await counting(cluster, 15_000, 600);
      const tasks = await job.reads(1000);
      const leader = await cluster.leader();
      const lonely = present(
        cluster.living.find((node) => node !== leader && pidsAt(tasks, node).length > 0),
        'a worker with operators',
      );
      const processes = pidsAt(tasks, lonely).map((pid) => present(identify(pid), 'it lives'));
      const others = cluster.living.filter((node) => node !== lonely);
      const dropped = network.dropped();
      network.isolate(cluster.nodes.indexOf(lonely) + 1);
      await job.at(others).ask((service) => service.stop(job.title, 'now'));
      await job.at(others).ends('cancelled');
      await job.submitAgain(['--overwrite'], others);
      t.true(network.dropped() > dropped, 'the cut took no packet');
      network.heal();
      await until(() => processes.every((process) => !isAlive(process)), {
        what: 'the end of what the cut off node ran',
        deadlineMs: LONG_MS,
      });
      await cluster.complete();
      t.log(await job.isExact());
    }),
);

function pidsAt(tasks: readonly TaskView[], { address }: ClusterProcess): number[] {
  return tasks.filter(({ vm }) => vm === address).flatMap(({ pids }) => pids);
}

/** Where the first task of `stage` is, by the number of its node. */
function placeOf(cluster: Cluster, tasks: readonly TaskView[], stage: number): number {
  const task = tasks.find((each) => each.stage === stage);
  const at = cluster.nodes.findIndex(({ address }) => address === task?.vm);
  return at + 1;
}
