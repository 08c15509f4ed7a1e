import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { silentLog, systemClock, systemRandom } from '../../src/core/index.ts';
import {
  type Datagrams,
  defaultMode,
  encodePacket,
  Keyring,
  MembershipDriver,
  openUdp,
  sealPacket,
} from '../../src/membership/index.ts';
import { until } from '../helpers/poll.ts';
import { testUnless } from '../helpers/skip.ts';
import { boot, clusterKeys } from './helpers.ts';

const keys = clusterKeys(5);
const common = { clock: systemClock, random: systemRandom, log: silentLog, keys };
const bind = (address: string): Promise<Datagrams> =>
  openUdp({ bind: address, keyed: true, log: silentLog });

async function cluster(t: ExecutionContext, hosts: readonly string[]): Promise<MembershipDriver[]> {
  const drivers: MembershipDriver[] = [];
  for (const host of hosts) {
    const seeds = drivers.slice(0, 1).map(({ self }) => self.address);
    const driver = MembershipDriver.start({ ...common, seeds, datagrams: await bind(`${host}:0`) });
    t.teardown(() => driver.close());
    drivers.push(driver);
    await driver.joined;
  }
  return drivers;
}

const count = (driver: MembershipDriver, wanted: string): number =>
  driver.members().filter(({ status }) => status === wanted).length;

test('five drivers over UDP find each other, a crash, a switch and a leave', async (t) => {
  const drivers = await cluster(
    t,
    [1, 2, 3, 4, 5].map((n) => `127.0.0.${n}`),
  );
  await until(() => drivers.every((each) => count(each, 'alive') === 5), { what: 'all joined' });

  const [killed] = drivers.splice(3, 1);
  const start = systemClock.now();
  await killed.close();
  await until(() => drivers.some((each) => count(each, 'dead') === 1), { what: 'a first death' });
  const first = systemClock.now() - start;
  await until(() => drivers.every((each) => count(each, 'dead') === 1), { what: 'all know' });
  const all = systemClock.now() - start;
  t.log(`dead at the first after ${first.toFixed(0)} ms, at all after ${all.toFixed(0)} ms`);
  t.true(first < 3000 && all < 6000);

  drivers[0].switchMode('gossip', true);
  await until(() => drivers.every((each) => each.protocol().protocol === 'gossip'), {
    what: 'the switch everywhere',
  });
  await drivers.pop()?.leave();
  await until(() => drivers.every((each) => count(each, 'left') === 1), { what: 'the leave' });
  t.true(drivers.every((each) => count(each, 'alive') === 3 && each.suspects().length === 0));
});

test('forged, replayed, plain and wrong-key datagrams change and are told nothing', async (t) => {
  const recorded: Uint8Array[] = [];
  const datagrams = await bind('127.0.0.1:0');
  const tapped: Datagrams = {
    ...datagrams,
    address: datagrams.address,
    send: (to, bytes) => datagrams.send(to, bytes),
    close: () => datagrams.close(),
    receive: (receiver) =>
      datagrams.receive((from, bytes) => {
        recorded.push(Buffer.from(bytes));
        receiver(from, bytes);
      }),
  };
  const target = MembershipDriver.start({ ...common, seeds: [], datagrams: tapped });
  const seeds = [target.self.address];
  const peer = MembershipDriver.start({ ...common, seeds, datagrams: await bind('127.0.0.1:0') });
  t.teardown(() => Promise.all([target.close(), peer.close()]));
  await peer.joined;
  await until(() => recorded.length > 10, { what: 'something to replay' });

  const dead = { ...target.self, status: 'dead', by: 1, incarnation: 2 ** 47 } as const;
  const accusation = encodePacket({
    from: { address: '127.0.0.1:9', boot: boot(9), incarnation: 1 },
    mode: { ...defaultMode, version: 99, protocol: 'gossip' },
    body: { kind: 'ping', seq: 1, target: 1 },
    news: [dead],
    loads: [],
  });
  const stamp = { boot: boot(9), counter: 1, sentAt: Math.floor(systemClock.wall() / 1000) };
  const wrongKey = sealPacket(new Keyring(clusterKeys(6)), stamp, accusation);
  const plain = sealPacket(null, stamp, accusation);
  const forged = Buffer.from(sealPacket(new Keyring(keys), stamp, accusation));
  forged[forged.length - 1] ^= 1;
  // Sealed by one who holds the key, but speaking for another boot id.
  const foreign = sealPacket(new Keyring(keys), { ...stamp, boot: boot(8) }, accusation);

  const attacker = createSocket('udp4');
  t.teardown(() => attacker.close());
  let answers = 0;
  attacker.on('message', () => {
    answers += 1;
  });
  const port = Number(target.self.address.split(':')[1]);
  const kinds = [forged, wrongKey, plain, foreign, recorded[0], Buffer.of(1, 2, 3)];
  const rounds = 20;
  for (let round = 1; round <= rounds; round++) {
    for (const bytes of Array.from({ length: 15 }, () => kinds).flat())
      attacker.send(bytes, port, '127.0.0.1');
    // In portions that a socket's buffer holds.
    await until(() => target.stats().dropped.format >= round * 15, { what: 'the attack' });
  }
  const { dropped } = target.stats();
  for (const why of ['forged', 'unknown-key', 'replayed', 'format'] as const)
    t.true(dropped[why] > 0, why);
  t.true(dropped.foreign + dropped.replayed > rounds * 15);
  t.is(answers, 0);
  t.is(count(target, 'alive'), 2);
  t.is(target.protocol().protocol, 'ping');
  t.true(target.self.incarnation < 2 ** 47);
});

const hasV6 = Object.values(networkInterfaces())
  .flat()
  .some((each) => each?.address === '::1');

testUnless(hasV6 ? null : 'there is no ::1', 'drivers find each other over IPv6', async (t) => {
  const drivers = await cluster(t, ['[::1]', '[::1]']);
  await until(() => drivers.every((each) => count(each, 'alive') === 2), { what: 'both joined' });
  t.regex(drivers[0].self.address, /^\[::1\]:\d+$/);
});

test('a port in use, a strange address and a missing key are refused in one sentence', async (t) => {
  const one = await bind('127.0.0.1:0');
  await t.throwsAsync(bind(one.address), {
    message: /^the address .* is in use by another process/,
  });
  await t.throwsAsync(bind('192.0.2.1:7000'), { message: /^cannot listen on 192\.0\.2\.1:7000/ });
  const open = openUdp({ bind: '0.0.0.0:0', keyed: false, log: silentLog });
  await t.throwsAsync(open, { message: /without a cluster key/ });
  await t.throwsAsync(bind('unix:/tmp/x'), { message: /datagrams need host:port/ });
  one.send('not an address', Buffer.of(1));
  await one.close();
  await one.close();
});
