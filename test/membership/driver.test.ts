import test from 'ava';
import { seededRandom } from '../../src/core/index.ts';
import { type DriverOptions, MembershipDriver } from '../../src/membership/index.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';
import { clusterKeys } from './helpers.ts';
import { Hub, keptLog } from './in-memory.ts';

class Lab {
  readonly hub = new Hub();
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  #seed = 0;

  start(
    address: string,
    seeds: readonly string[],
    more: Partial<DriverOptions> = {},
  ): MembershipDriver {
    this.#seed += 1;
    return MembershipDriver.start({
      datagrams: this.hub.open(address),
      seeds,
      clock: this.clock,
      random: seededRandom(this.#seed),
      log: keptLog(this.lines),
      ...more,
    });
  }

  run(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.advance(5);
      this.hub.deliver();
    }
  }
}

const [a, b, c] = ['127.0.0.1:7001', '127.0.0.1:7002', '127.0.0.1:7003'];

function statuses(driver: MembershipDriver): string {
  return driver
    .members()
    .map(({ address, status }) => `${address.slice(-1)} ${status}`)
    .sort()
    .join(', ');
}

test('drivers join, report at once, and close without leaving a timer', async (t) => {
  const lab = new Lab();
  const first = lab.start(a, [a]);
  const second = lab.start(b, [a]);
  const kinds: string[] = [];
  second.subscribe(({ kind }) => void kinds.push(`${kind} after ${lab.lines.length} lines`));
  await first.joined;
  lab.run(100);
  await second.joined;
  t.deepEqual(kinds, ['joined after 2 lines', 'connected after 3 lines']);
  t.is(statuses(first), '1 alive, 2 alive');
  t.true(first.self.isSelf && first.self.address === a);
  await second.close();
  lab.run(5000);
  t.is(statuses(first), '1 alive, 2 dead');
  t.true(lab.lines.some((line) => / is suspected$/.test(line)));
  t.true(lab.lines.some((line) => / is taken for dead: it does not answer$/.test(line)));
  await first.close();
  t.is(lab.clock.pending, 0);
});

test('who leaves says so, and closes once the others can know', async (t) => {
  const lab = new Lab();
  const [first, second] = [lab.start(a, []), lab.start(b, [a])];
  lab.run(100);
  const left = second.leave();
  lab.run(400);
  await left;
  t.is(statuses(first), '1 alive, 2 left');
  await second.leave();
  await first.leave();
});

test('seeds that do not answer are named in one sentence, and asked again', async (t) => {
  const lab = new Lab();
  const node = lab.start(b, [a]);
  lab.run(2000);
  const [complaint] = lab.lines;
  t.regex(complaint, /^no seed \(127\.0\.0\.1:7001\) has answered 1 requests to join; check that/);
  const seed = lab.start(a, []);
  lab.run(5000);
  await node.joined;
  t.is(statuses(seed), '1 alive, 2 alive');
  await node.close();
  await seed.close();
});

test('a late timer lets the socket be read before it accuses anybody', async (t) => {
  const lab = new Lab();
  const [first, second] = [lab.start(a, []), lab.start(b, [a])];
  lab.run(1000);
  const before = lab.hub.sent;
  lab.clock.stall(400);
  t.is(lab.hub.sent, before, 'nothing is done yet');
  lab.hub.deliver();
  lab.run(1000);
  t.true(lab.hub.sent > before);
  t.is(statuses(first), '1 alive, 2 alive');
  t.is(lab.lines.filter((line) => line.includes('suspected')).length, 0);
  await first.close();
  await second.close();
});

test('another key, no key and another boot id are dropped, counted and complained about once', async (t) => {
  const lab = new Lab();
  const node = lab.start(a, [], { keys: clusterKeys(1) });
  const wrong = lab.start(b, [a], { keys: clusterKeys(2) });
  const plain = lab.start(c, [a]);
  lab.run(10_000);
  t.is(statuses(node), '1 alive');
  t.is(node.stats().packetsSent, 0, 'strangers get no answer');
  const { dropped } = node.stats();
  t.true(dropped['unknown-key'] > 2 && dropped.plain > 2);
  const complaints = lab.lines.filter((line) => line.startsWith('datagrams from'));
  t.is(complaints.length, 2);
  t.regex(complaints[0], /are not sealed with the key of this cluster .*; give that node the same/);
  for (const each of [node, wrong, plain]) await each.close();
});

test('the drop rate throws away its share, and the cluster bears it', async (t) => {
  const lab = new Lab();
  const [first, second] = [lab.start(a, [], { dropRate: 0.1 }), lab.start(b, [a])];
  lab.start(c, [a]);
  lab.run(30_000);
  const { packetsReceived, dropped } = first.stats();
  const share = dropped['drop-rate'] / packetsReceived;
  t.true(share > 0.06 && share < 0.14, `${share}`);
  t.is(lab.lines.filter((line) => line.includes('dead')).length, 0);
  first.dropRate = 1;
  lab.run(10_000);
  t.true(statuses(second).startsWith('1 dead'));
  await first.close();
  await second.close();
});

test('an address that others cannot reach, or may not without a key, is refused', (t) => {
  const lab = new Lab();
  const start =
    (address: string, more: Partial<DriverOptions> = {}) =>
    () =>
      void lab.start(address, [], more);
  t.throws(start('0.0.0.0:7000', { keys: clusterKeys(1) }), { message: /cannot reach this node/ });
  t.throws(start('[::]:7000'), { message: /cannot reach this node/ });
  t.throws(start('10.1.2.3:7000'), { message: /without a cluster key/ });
  t.throws(() => lab.start(a, ['nowhere']), { message: /'nowhere' cannot be used/ });
});
