/** How nodes start, meet, come back and go, as processes. The claims share two clusters. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { between, seededRandom, sleep, systemClock } from '../../src/core/index.ts';
import { Cluster, type ClusterProcess, every } from './cluster.ts';

let cluster: Cluster;
test.before(async () => {
  cluster = await Cluster.make();
});
test.after.always(() => cluster?.close());

test.serial('the first node alone leads, and those that join are seen by all', async (t) => {
  const [first] = await cluster.grow(1);
  t.is((await cluster.leader()).pid, first.pid);
  t.deepEqual((await first.control()).voters, [first.address]);
  await cluster.grow(2);
  await every(
    cluster.living,
    async (node) => (await node.control()).nodes.length === 3,
    'admission',
  );
  t.is((await cluster.voters(3)).length, 3);
  t.pass('every list has all three');
});

test.serial('mistakes at the start are told in one sentence each', async (t) => {
  const [first] = cluster.nodes;
  const [bind, port] = first.address.split(':');
  const key = join(cluster.dir, 'open.key');
  writeFileSync(key, `${'ab12'.repeat(16)}\n`);
  chmodSync(key, 0o644);
  const elsewhere = ['--data', join(cluster.dir, 'mistake')];
  const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['port in use', ['--bind', bind, '--port', port, ...elsewhere], /already|in use/],
    ['directory in use', ['--bind', bind, '--port', '0', '--data', first.data], /in use|another/],
    ['no key', ['--bind', '0.0.0.0', '--port', '0', ...elsewhere], /key/],
    ['key file mode', ['--bind', bind, '--key-file', key, ...elsewhere], /0600|chmod/],
    ['copies', ['--copies', '9', ...elsewhere], /--copies is from 1 to 8/],
    ['duration', ['--replace-after', 'soon', ...elsewhere], /--replace-after is a duration/],
    ['rate', ['--repair-rate', '0', ...elsewhere], /--repair-rate is a number of MiB\/s above 0/],
  ];
  for (const [name, flags, says] of mistakes) {
    const { code, stderr } = await cluster.run(['node', ...flags]);
    t.not(code, 0, name);
    t.regex(stderr, says, name);
    t.is(stderr.trim().split('\n').length, 1, `${name}: ${stderr}`);
    t.notRegex(stderr, /\n {4}at /, name);
  }
  await cluster.complete();
});

test.serial('a restarted node is a new node and supersedes the one at its address', async (t) => {
  const [first, second] = cluster.nodes;
  const old = await second.id();
  await second.kill();
  const again = cluster.start({ place: 2, data: second.data });
  await again.listening();
  await cluster.complete();
  t.not(await again.id(), old);
  const atAddress = (await first.members()).filter(
    ({ address, status }) => address === again.address && status === 'alive',
  );
  t.deepEqual(
    atAddress.map(({ id }) => id),
    [await again.id()],
  );
  const renewed = await again.id();
  await every(
    cluster.living,
    async (node) => {
      const { nodes } = await node.control();
      return nodes.includes(renewed) && !nodes.includes(old);
    },
    'the decision that the new node is there and the old is not',
  );
});

test.serial('the first node may be restarted too: the others keep and find it', async (t) => {
  const [first] = cluster.nodes;
  await first.kill();
  const leader = await cluster.leader();
  t.not(leader.pid, first.pid);
  const again = cluster.start({ place: 1, data: first.data, join: [leader.address] });
  await again.listening();
  await cluster.complete();
  t.is((await cluster.voters(3)).length, 3);
});

test.serial(
  'SIGTERM at any moment of a start is a farewell, or comes before the start',
  async (t) => {
    const { living } = cluster;
    const random = seededRandom(7);
    const data = join(cluster.dir, 'interrupted');
    const early = Array.from({ length: 4 }, () => between(random, 0, 600));
    const moments: readonly ((node: ClusterProcess) => Promise<void>)[] = [
      (node) => node.says(/./),
      (node) => node.listening(),
      ...early.map((ms) => () => sleep(systemClock, ms)),
    ];
    const addresses: string[] = [];
    for (const [i, moment] of moments.entries()) {
      const node = cluster.start({ place: 41 + i, data });
      addresses.push(node.address);
      await moment(node);
      node.signal('SIGTERM');
      const { code, signal, stderr } = await node.ended;
      if (signal === null) t.is(code, 0, stderr);
      else t.deepEqual([signal, stderr], ['SIGTERM', ''], 'it had begun');
    }
    await every(
      living,
      async (node) => {
        const known = (await node.members()).filter(({ address }) => addresses.includes(address));
        return known.every(({ status }) => status === 'left');
      },
      'the farewells',
    );
    t.true(addresses.length > 2);
  },
);

test.serial('SIGTERM and `leave` are clean, and the last node still decides alone', async (t) => {
  const [stays, byCommand, bySignal] = cluster.living;
  const id = await byCommand.id();
  const told = await cluster.run(['leave', '--data', byCommand.data]);
  t.is(told.code, 0, told.stderr);
  t.is((await byCommand.ended).code, 0);
  await every(
    [stays, bySignal],
    async (node) => (await node.listed('left')).includes(id),
    'a leave',
  );
  bySignal.signal('SIGTERM');
  t.is((await bySignal.ended).code, 0);
  t.deepEqual(await stays.listed('dead'), []);
  t.is((await cluster.leader([stays])).pid, stays.pid);
  t.deepEqual(await cluster.voters(1), [stays.address]);
  stays.signal('SIGTERM');
  t.is((await stays.ended).code, 0);
});

test.serial('who reaches no seed says so and keeps trying until one is there', async (t) => {
  const seed = cluster.addressOf(21);
  const lonely = cluster.start({ place: 22, join: [seed] });
  await lonely.says(/no seed .* has answered/);
  t.true(lonely.isRunning);
  const late = cluster.start({ place: 21, join: [] });
  await late.listening();
  await cluster.complete([late, lonely]);
  await Promise.all([late.kill(), lonely.kill()]);
});

test.serial('a wrong key, and none where one is needed, are told by name', async (t) => {
  const [right, wrong] = [join(cluster.dir, 'right.key'), join(cluster.dir, 'wrong.key')];
  for (const path of [right, wrong]) t.is((await cluster.run(['keygen', path])).code, 0);
  const member = cluster.start({ place: 31, join: [], flags: ['--key-file', right] });
  await member.listening();
  const other = { place: 32, join: [member.address] };
  const stranger = cluster.start({ ...other, flags: ['--key-file', wrong] });
  await stranger.says(/wrong key/);
  t.is((await member.members()).length, 1);
  await stranger.kill();
  const friend = cluster.start({ ...other, flags: ['--key-file', right] });
  await friend.listening();
  await cluster.complete([member, friend]);
  await Promise.all([member.kill(), friend.kill()]);
});
