/** The simulated time, processes, connections and disks that replicated files are tested on. */
import test from 'ava';
import { z } from 'zod';
import { reasonOf, seededRandom, sleep } from '../../src/core/index.ts';
import { openRpc, serveRpc, unary } from '../../src/transport/index.ts';
import { timedDisk } from './hydfs-disk.ts';
import { SimNetwork } from './hydfs-network.ts';
import { SimProcess, SimTime } from './hydfs-time.ts';
import { SimDisk } from './sim-disk.ts';

interface Two {
  readonly time: SimTime;
  readonly network: SimNetwork;
  readonly asker: SimProcess;
  readonly server: SimProcess;
  /** What the server was asked, in the order in which it heard. */
  readonly heard: number[];
  ask(n: number): Promise<unknown>;
}

async function two(seed: number): Promise<Two> {
  const time = new SimTime();
  const network = new SimNetwork(time, seededRandom(seed));
  network.weather = { delayMin: 0, delayMax: 40, lag: 0.2 };
  const asker = new SimProcess(time, 'a:1');
  const server = new SimProcess(time, 'b:1');
  const heard: number[] = [];
  const echo = unary(z.number(), async (n) => {
    heard.push(n);
    await sleep(server.clock, 5);
    return n;
  });
  network.listen({ process: server, address: 'b:1', node: 'b:1#1' }, (connection) => {
    serveRpc(connection, { echo });
  });
  const connecting = network.connect({ process: asker, address: 'a:1', node: 'a:1#1' }, 'b:1');
  await time.run(1000);
  const client = openRpc(await connecting);
  const ask = (n: number): Promise<unknown> => client.call('echo', n).catch(reasonOf);
  return { time, network, asker, server, heard, ask };
}

const numbers = Array.from({ length: 20 }, (_, n) => n);

test('messages of a simulated connection arrive in order, also after they were held back', async (t) => {
  const { time, network, heard, ask } = await two(3);
  const asked: Promise<unknown>[] = [];
  for (const n of numbers) {
    time.events.plan(n * 10, () => {
      if (n === 5) network.cut('a:1', 'b:1');
      if (n === 15) network.heal();
      asked.push(ask(n));
    });
  }
  await time.run(130);
  t.true(heard.length < 10, 'what was sent into the cut waits');
  await time.run(5000);
  t.deepEqual(heard, numbers);
  t.deepEqual(await Promise.all(asked), numbers);
});

test('a simulated connection that stays cut breaks, and both ends hear of it', async (t) => {
  const { time, network, heard, ask } = await two(4);
  network.cut('b:1', 'a:1');
  const asked = ask(1);
  await time.run(20_000);
  t.deepEqual(heard, [1], 'the request arrived, and its answer did not');
  t.regex(String(await asked), /the connection broke/);
});

test('a stopped process misses nothing, and an ended one does nothing more', async (t) => {
  const { time, server, heard, ask } = await two(5);
  server.stop();
  const first = ask(1);
  await time.run(1000);
  t.deepEqual(heard, []);
  server.resume();
  await time.run(1000);
  t.is(await first, 1);
  let slept = false;
  void sleep(server.clock, 10).then(() => {
    slept = true;
  });
  server.end();
  void ask(2);
  await time.run(1000);
  t.deepEqual(heard, [1]);
  t.false(slept);
});

test('the same seed gives the same trace of messages, another seed another', async (t) => {
  const traces = [];
  for (const seed of [6, 6, 7]) {
    const { time, ask } = await two(seed);
    const asked = Promise.all(numbers.map(ask));
    await time.run(5000);
    await asked;
    traces.push(time.trace);
  }
  t.is(traces[0], traces[1]);
  t.not(traces[0], traces[2]);
});

test('a disk does nothing for a process that has ended', async (t) => {
  const time = new SimTime();
  const machine = new SimDisk({ random: seededRandom(1) });
  const process = new SimProcess(time, 'a:1');
  const pace = () => ({ syncMax: 10, waits: 1, waitMax: 10 });
  const disk = timedDisk({ machine, process, random: seededRandom(2), pace });
  let wrote = false;
  void (async () => {
    const file = await disk.open('/a', 'create');
    await file.writev([Uint8Array.of(1)], 0);
    wrote = true;
  })();
  process.end();
  machine.kill();
  await time.run(1000);
  t.false(wrote);
  t.deepEqual(machine.paths(), []);
});
