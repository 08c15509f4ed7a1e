/**
 * Failure detection of ten processes at default settings. Times are printed, not judged: other work
 * may have the machine. `bench/cluster-membership.ts` compares them with what is promised.
 */
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/index.ts';
import { Cluster, type ClusterProcess, detectionTimes, every } from './cluster.ts';

const NODES = 10;
const modes = [
  ['gossip', true],
  ['gossip', false],
  ['ping', false],
  ['ping', true],
] as const;

let cluster: Cluster;
test.before(async () => {
  cluster = await Cluster.make();
});
test.after.always(() => cluster?.close());

test.serial('ten nodes list each other, and five of them vote', async (t) => {
  await cluster.grow(NODES);
  t.is((await cluster.voters(5)).length, 5);
  const admitted = async (node: ClusterProcess): Promise<boolean> =>
    (await node.control()).nodes.length === NODES;
  await every([await cluster.leader()], admitted, 'ten nodes to be admitted');
});

test.serial('one that is killed, and three at once, are dead in every list', async (t) => {
  await killAndDetect(t, 'one', 1);
  await killAndDetect(t, 'three at once', 3);
  t.is(cluster.living.length, NODES - 4);
});

test.serial('a switch reaches everybody and who comes later, and each mode detects', async (t) => {
  for (const [protocol, suspicion] of modes) {
    const [asked] = cluster.living;
    await asked.ask((service) => service.switchMode(protocol, suspicion));
    await every(
      cluster.living,
      (node) => runs(node, protocol, suspicion),
      `${protocol} everywhere`,
    );
    const [late] = await cluster.grow(1, { join: [asked.address] });
    await every([late], (node) => runs(node, protocol, suspicion), 'the mode at who came later');
    const name = `${protocol} ${suspicion ? 'with' : 'without'} suspicion`;
    await killAndDetect(t, name, 1, [late]);
    await noneOfTheLiving(t, 'dead');
  }
});

async function runs(node: ClusterProcess, protocol: string, suspicion: boolean): Promise<boolean> {
  const mode = await node.ask((service) => service.protocol());
  return mode.protocol === protocol && mode.suspicion === suspicion;
}

/** Kills the last `count` nodes, or `chosen`; resolves when all others list them as dead. */
async function killAndDetect(
  t: ExecutionContext,
  name: string,
  count: number,
  chosen: readonly ClusterProcess[] = cluster.living.slice(-count),
): Promise<void> {
  const ids = await Promise.all(chosen.map((node) => node.id()));
  const watchers = cluster.living.filter((node) => !chosen.includes(node));
  const since = systemClock.now();
  for (const node of chosen) node.signal('SIGKILL');
  const { first, all } = await detectionTimes(watchers, ids, since);
  await Promise.all(chosen.map(({ ended }) => ended));
  t.log(`${name}: in some list after ${seconds(first)}, in all after ${seconds(all)}`);
  t.true(first <= all);
}

async function noneOfTheLiving(t: ExecutionContext, status: 'dead' | 'left'): Promise<void> {
  const living = new Set(await Promise.all(cluster.living.map((node) => node.id())));
  for (const node of cluster.living) {
    const accused = (await node.listed(status)).filter((id) => living.has(id));
    if (accused.length > 0) t.log(`${node.address} lists ${accused} as ${status}`);
  }
  // A machine that stops everybody may make that happen for a moment; it must not last.
  await cluster.complete();
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
