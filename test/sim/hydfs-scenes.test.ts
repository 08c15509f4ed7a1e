/** Replicated files in situations that chance rarely makes. */
import test from 'ava';
import { present } from '../../src/core/index.ts';
import { placeOf } from '../../src/hydfs/index.ts';
import type { ReplicaPlacement } from '../../src/hydfs/replication/index.ts';
import { unsigned } from './hydfs-bugs.ts';
import type { Plant, SimMachine, SimNode } from './hydfs-machine.ts';
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

/**
 * A store is filled, and while the word of it is on its way its primary begins anew and fills it once
 * more: is it a replica when the word arrives, and how many of the file's entries does it lack then?
 */
async function wordOfBefore(plant: Plant): Promise<{ counts: boolean; lacks: number }> {
  const words: (() => void)[] = [];
  const placement = (view: ReplicaPlacement): ReplicaPlacement => {
    const caughtUp: ReplicaPlacement['caughtUp'] = (...word) => {
      words.push(() => void view.caughtUp(...word));
      return new Promise(() => {});
    };
    return new Proxy(view, {
      get(_, key) {
        const value: unknown = key === 'caughtUp' ? caughtUp : Reflect.get(view, key);
        return typeof value === 'function' ? value.bind(view) : value;
      },
    });
  };
  const name = 'kept/a';
  const world = new HydfsWorld({
    seed: 2,
    machines: 2,
    copies: 2,
    names: [name],
    plant: { ...plant, placement },
  });
  const [first, second] = world.machines;
  second.stop({ power: true });
  await world.time.until(() => world.primaryOf(name) === first, PATIENCE_MS);
  await world.time.run(1_000);
  const { fs } = nodeOf(first);
  await passing(world, fs.create(name));
  for (let n = 0; n < 40; n++) await passing(world, fs.append(name, Buffer.alloc(200, 'x')));
  second.start();
  await world.time.until(() => words.length > 0, PATIENCE_MS);
  const filled = await entriesOf(world, second, name);
  // the next filling takes its time
  second.pace = { syncMax: 20_000, waits: 0, waitMax: 0 };
  first.restartIn(1);
  await world.time.until(() => second.disk.paths('/hydfs/files').length === 0, PATIENCE_MS);
  words[0]();
  await world.time.run(200);
  const counts = world.control.config(placeOf(name).fileId)?.replicas.includes(second.store);
  const entries = await entriesOf(world, second, name);
  return { counts: counts === true, lacks: filled - entries };
}

async function entriesOf(world: HydfsWorld, machine: SimMachine, name: string): Promise<number> {
  const { files } = nodeOf(machine);
  const file = await passing(
    world,
    files.openFile(name).catch(() => null),
  );
  return file?.durableIndex ?? 0;
}

test('the word of an earlier process about a store does not make it a replica that is half filled', async (t) => {
  t.false((await wordOfBefore({})).counts);
  const { counts, lacks } = await wordOfBefore({ asked: unsigned });
  t.true(counts && lacks > 0, 'and without the guard it would');
});
