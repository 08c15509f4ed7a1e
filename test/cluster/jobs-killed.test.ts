/**
 * Jobs on six real nodes, submitted and asked about anywhere, whose operators and nodes are killed or
 * stopped: each scenario proves that its fault happened, and then that every effect is there once. All
 * but the first one last until they are drained, so that no fault comes late on a busy machine.
 */
import test from 'ava';
import { present } from '../../src/core/index.ts';
import type { TaskView } from '../../src/leader/index.ts';
import { until } from '../helpers/poll.ts';
import { identify, isAlive } from '../helpers/process-tree.ts';
import { Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';
import { ClusterJob } from './cluster-job.ts';

const NODES = 6;

let cluster: Cluster;
let seeds = 0;

test.before(async () => {
  cluster = await Cluster.make(['--replace-after', '3s']);
  await cluster.grow(NODES);
  await cluster.voters(5);
  await cluster.whole();
});
test.after.always(() => cluster?.close());

/** Nodes in the place of those that ended, with new directories at the same addresses. */
async function refill(): Promise<void> {
  for (let place = 1; place <= NODES; place++) {
    const address = cluster.addressOf(place);
    if (cluster.living.some((node) => node.address === address)) continue;
    await cluster.start({ place, join: cluster.living.map((node) => node.address) }).listening();
  }
  await cluster.complete();
  await cluster.voters(5);
  await cluster.whole();
}

/** Submits a job that lasts until it is drained: a minute at a thousand lines a second. */
function lasting(rate: number): Promise<ClusterJob> {
  seeds += 1;
  return ClusterJob.submit(cluster, { name: 'count', seed: seeds, lines: 60_000, rate, tasks: 2 });
}

function nodeOf(task: TaskView | undefined): ClusterProcess {
  const found = cluster.living.find(({ address }) => address === task?.vm);
  return present(found, `${task?.name} runs at a node that lives`);
}

function tasksAt(tasks: readonly TaskView[], { address }: ClusterProcess): string[] {
  return tasks.filter(({ vm }) => vm === address).map(({ name }) => name);
}

test.serial('a job runs on all nodes, is seen alike at each, and is exact', async (t) => {
  const options = { name: 'count', seed: 100, lines: 3000, rate: 1500, tasks: 2 } as const;
  const job = await ClusterJob.submit(cluster, options, cluster.living[1]);
  const tasks = await job.reads(500);
  t.is(new Set(tasks.map(({ vm }) => vm)).size, NODES, 'tasks on each node');
  for (const node of cluster.living) {
    const seen = await job.at([node]).tasks();
    t.deepEqual(
      seen.map(({ name, vm, epoch }) => [name, vm, epoch]),
      tasks.map(({ name, vm, epoch }) => [name, vm, epoch]),
    );
  }
  t.log(await job.isExact());
  t.is((await job.view()).state, 'finished');
  t.regex(await job.log(), /was submitted".* finished"/s);
});

test.serial(
  'operators of each stage are killed by vm and pid at any node, and replaced in place',
  async (t) => {
    const job = await lasting(1000);
    let asked = 0;
    for (const stage of [1, 2, 3, 1, 2, 3]) {
      const task = present(
        (await job.settled()).find((each) => each.stage === stage),
        `a task of stage ${stage}`,
      );
      const { vm, pids } = await job.untilTask(task.name, ({ pids }) => pids.length > 0);
      const process = present(identify(pids[0]), 'it lives');
      const node = cluster.living[asked % NODES];
      await job.at([node]).ask((service) => service.killTask(vm ?? '', pids[0]));
      asked += 1;
      await job.untilTask(task.name, (now) => now.pids.length > 0 && !now.pids.includes(pids[0]));
      t.false(isAlive(process));
      t.is((await job.untilTask(task.name, () => true)).epoch, task.epoch, 'in place');
    }
    const { events } = await job.view();
    t.true(events.some(({ kind }) => kind === 'operator-restarted'));
    t.log(await job.drainsExactly());
  },
);

test.serial('each node in turn is killed, and its tasks go on elsewhere', async (t) => {
  const job = await lasting(400);
  let moved = 0;
  for (let place = 1; place <= NODES; place++) {
    const tasks = await job.reads(500 * place);
    const node = present(
      cluster.living.find(({ address }) => address === cluster.addressOf(place)),
      `a node at place ${place}`,
    );
    const there = tasksAt(tasks, node);
    moved += there.length;
    await node.kill();
    await job.movedOn(there, tasks);
    await refill();
  }
  t.true(moved >= NODES, 'the nodes had tasks');
  t.log(`${moved} tasks moved; ${await job.drainsExactly()}`);
});

test.serial('two nodes are killed at once', async (t) => {
  const job = await lasting(1000);
  const tasks = await job.reads(2000);
  const sink = nodeOf(tasks.find(({ stage }) => stage === 3));
  const source = nodeOf(tasks.find(({ stage }) => stage === 0));
  const other = source === sink ? cluster.living.find((node) => node !== sink) : source;
  const both = [sink, present(other, 'another node')];
  const there = both.flatMap((node) => tasksAt(tasks, node));
  for (const node of both) node.signal('SIGKILL');
  await Promise.all(both.map(({ ended }) => ended));
  await job.movedOn(there, tasks);
  t.true(there.length >= 2);
  t.log(`${there.length} tasks moved; ${await job.drainsExactly()}`);
  await refill();
});

test.serial('the leader is killed, then the next one together with a worker', async (t) => {
  const job = await lasting(1000);
  const { job: id } = await job.view();
  for (const [round, lines] of [2000, 4000].entries()) {
    const tasks = await job.reads(lines);
    const leader = await cluster.leader();
    const worker = cluster.living.find(
      (node) => node !== leader && tasksAt(tasks, node).length > 0,
    );
    const gone = round === 0 ? [leader] : [leader, present(worker, 'a worker')];
    const there = gone.flatMap((node) => tasksAt(tasks, node));
    for (const node of gone) node.signal('SIGKILL');
    await Promise.all(gone.map(({ ended }) => ended));
    t.not(await cluster.leader(), leader);
    await job.movedOn(there, tasks);
    await refill();
  }
  t.log(await job.drainsExactly());
  t.is((await job.view()).job, id, 'it was not submitted again');
  t.regex(await job.log(), /was submitted".* was stopped"/s);
});

test.serial('a node that was stopped until others did its work changes nothing', async (t) => {
  const job = await lasting(1000);
  const tasks = await job.reads(2000);
  const leader = await cluster.leader();
  const zombie = present(
    cluster.living.find((node) => node !== leader && tasksAt(tasks, node).length > 0),
    'a worker with tasks',
  );
  const there = tasksAt(tasks, zombie);
  const pids = tasks.filter(({ vm }) => vm === zombie.address).flatMap((task) => task.pids);
  const processes = pids.map((pid) => present(identify(pid), 'it lives'));
  const output = await job.writes(1);
  zombie.signal('SIGSTOP');
  const others = cluster.living.filter((node) => node !== zombie);
  try {
    await job.at(others).movedOn(there, tasks);
    await job.at(others).writes(output + 1000 * 'k1: 1\n'.length);
  } finally {
    zombie.signal('SIGCONT');
  }
  await until(() => processes.every((process) => !isAlive(process)), {
    what: 'the end of the old operators',
    deadlineMs: LONG_MS,
  });
  t.true(there.length > 0);
  t.log(`${there.length} tasks moved; ${await job.drainsExactly()}`);
});
