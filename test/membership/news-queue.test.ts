import test from 'ava';
import type { Claim, Status } from '../../src/membership/index.ts';
import { NewsQueue } from '../../src/membership/news-queue.ts';
import { boot } from './helpers.ts';

const about = (n: number, status: Status, by = 0, incarnation = 1): Claim => ({
  address: `10.0.0.${n}:7000`,
  boot: boot(n),
  incarnation,
  status,
  by,
});
const ROOM = 1300;

test('news is sent as often as it should be, then never again', (t) => {
  const queue = new NewsQueue();
  queue.push(about(1, 'alive'));
  const sent = Array.from({ length: 10 }, () => queue.take(ROOM, 4, null).length);
  t.deepEqual(sent, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  t.is(queue.size, 0);
});

test('what was sent least goes first, then what is urgent', (t) => {
  const queue = new NewsQueue();
  queue.push(about(1, 'alive'));
  queue.push(about(2, 'suspect', 9));
  queue.push(about(3, 'dead'));
  queue.push(about(4, 'alive'), true);
  const room = 60;
  const next = (): string => queue.take(room, 2, null).map(({ address }) => address[7])[0];
  t.deepEqual([next(), next(), next(), next()], ['4', '3', '2', '1']);
  queue.push(about(5, 'alive'));
  t.is(next(), '5', 'younger news first');
});

test('higher news about an address replaces lower, other accusers wait beside each other', (t) => {
  const queue = new NewsQueue();
  queue.push(about(1, 'suspect', 7));
  queue.push(about(1, 'suspect', 8));
  queue.push(about(1, 'suspect', 8));
  t.is(queue.size, 2);
  queue.push(about(1, 'alive', 0, 2));
  t.is(queue.size, 1);
  t.like(queue.take(ROOM, 3, null)[0], { status: 'alive', incarnation: 2 });
});

test('a packet takes no more news than it has room for, and an accusation first', (t) => {
  const queue = new NewsQueue();
  for (let n = 1; n <= 99; n++) queue.push(about(n, 'alive'));
  const first = about(50, 'suspect', 3);
  const taken = queue.take(500, 3, first);
  t.is(taken[0], first);
  t.true(taken.length > 5 && taken.length < 12);
  t.true(queue.take(100_000, 3, null).length <= 64);
});
