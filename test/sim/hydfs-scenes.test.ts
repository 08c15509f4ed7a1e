/** Replicated files in situations that chance rarely makes. */
import test from 'ava';
import { present } from '../../src/core/index.ts';
import type { SimMachine, SimNode } from './hydfs-machine.ts';
import { HydfsWorld } from './hydfs-world.ts';

const PATIENCE_MS = 60_000;

function nodeOf({ node, address }: SimMachine): SimNode {
  return present(node, `${address} is up`);
}

/** What `work` gives, while time passes in `world`. */
async function passing<T>(world: HydfsWorld, work: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  await world.time.until(() => over, PATIENCE_MS);
  if (!over) throw new Error(`nothing came of it in ${PATIENCE_MS} ms`);
  return work;
}

/** A first machine that held everything alone, and two that have just come. */
async function newcomers(): Promise<{ world: HydfsWorld; machines: readonly SimMachine[] }> {
  const world = new HydfsWorld({ seed: 1, machines: 3, copies: 3, names: ['kept/a', 'kept/b'] });
  const { machines } = world;
  for (const late of machines.slice(1)) late.stop({ power: true });
  await world.time.until(() => world.primaryOf('kept/a') === machines[0], PATIENCE_MS);
  await world.time.run(3_000);
  return { world, machines };
}

async function leftAlone(world: HydfsWorld, machines: readonly SimMachine[]): Promise<SimNode> {
  const [first, ...late] = machines;
  for (const machine of late) machine.start();
  await world.time.until(() => late.every(({ node }) => node !== null), PATIENCE_MS);
  first.stop({ power: true, silently: true });
  return nodeOf(late[0]);
}

test('a first node that dies before a file was made is waited for by nobody', async (t) => {
  const { world, machines } = await newcomers();
  const { fs } = await leftAlone(world, machines);
  await passing(world, fs.create('kept/a'));
  const { length } = await passing(world, fs.append('kept/a', Buffer.from('here\n')));
  t.is(length, 5);
});

test('a first node that dies with a file is waited for where the file is, and nowhere else', async (t) => {
  const { world, machines } = await newcomers();
  const [first] = machines;
  await passing(world, nodeOf(first).fs.create('kept/a'));
  const { fs } = await leftAlone(world, machines);
  await passing(world, fs.create('kept/b'));
  const failed = await t.throwsAsync(passing(world, fs.stat('kept/a')), {
    code: 'FILES_UNREACHABLE',
  });
  t.regex(failed?.message ?? '', /its primary, store n1-disk1, is not running/);
  first.start();
  t.is((await passing(world, fs.stat('kept/a'))).length, 0);
});
