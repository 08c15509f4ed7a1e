/** Decisions of several processes: leaders that are killed or stopped, votes that move. */
import test from 'ava';
import { sleep, systemClock } from '../../src/core/index.ts';
import { until } from '../helpers/poll.ts';
import { Cluster, every, LONG_MS } from './cluster.ts';

/** Longer than any election, shorter than what a person would wait for. */
const STOPPED_MS = 4000;

let cluster: Cluster;
test.before(async () => {
  cluster = await Cluster.make(['--voters', '3', '--replace-after', '2s']);
});
test.after.always(() => cluster?.close());

test.serial(
  'of five nodes three vote; a vote that is taken away moves to another node',
  async (t) => {
    await cluster.grow(5);
    const before = await cluster.voters(3);
    const leader = await cluster.leader();
    const out = before.find((address) => address !== leader.address) ?? '';
    const asked = cluster.nodes.find(({ address }) => address === out) ?? leader;
    await asked.ask((service) => service.removeVoter(out));
    await until(async () => !(await cluster.voters(3)).includes(out), {
      what: 'another voter',
      deadlineMs: LONG_MS,
    });
    await t.throwsAsync(() => leader.ask((service) => service.removeVoter('127.0.0.1:1')), {
      message: /127\.0\.0\.1:1/,
    });
  },
);

test.serial(
  'after the death of the leader another one leads and knows every decision',
  async (t) => {
    const old = await cluster.leader();
    await every([old], async (node) => (await node.control()).nodes.length === 5, 'five nodes');
    const { term, nodes } = await old.control();
    const dead = await old.id();
    const since = systemClock.now();
    await old.kill();
    const next = await cluster.leader();
    t.log(`a new leader after ${Math.round(systemClock.now() - since)} ms`);
    const row = await next.control();
    t.true(row.term > term);
    const kept = nodes.filter((id) => id !== dead);
    t.deepEqual(
      kept.filter((id) => !row.nodes.includes(id)),
      [],
      'a decided admission was lost',
    );
    await every([next], async (node) => !(await node.control()).nodes.includes(dead), 'a removal');
  },
);

test.serial('a voter that stays dead is replaced by a node without a vote', async (t) => {
  const leader = await cluster.leader();
  const voters = await cluster.voters(3);
  const victim = cluster.living.find((each) => each !== leader && voters.includes(each.address));
  await victim?.kill();
  const after = await cluster.voters(3);
  t.false(after.includes(victim?.address ?? ''));
});

test.serial('a leader that was stopped obeys the next one when it goes on', async (t) => {
  await cluster.grow(2);
  await cluster.voters(3);
  const stopped = await cluster.leader();
  const { term } = await stopped.control();
  const stoppedId = await stopped.id();
  const others = cluster.living.filter((node) => node !== stopped);
  stopped.signal('SIGSTOP');
  const since = systemClock.now();
  const next = await cluster.leader(others);
  // What it would order now, with its old knowledge, is that this one be admitted or removed.
  const newcomer = cluster.start({ join: [next.address] });
  await newcomer.listening();
  const admitted = await newcomer.id();
  await every(
    [next],
    async (node) => (await node.control()).nodes.includes(admitted),
    'a newcomer',
  );
  await sleep(systemClock, Math.max(0, STOPPED_MS - (systemClock.now() - since)));
  const decided = await next.control();
  t.true(decided.term > term);
  stopped.signal('SIGCONT');
  await every(
    [stopped],
    async (node) => {
      const row = await node.control();
      return row.role === 'follower' && row.term >= decided.term;
    },
    'it to step down',
  );
  await cluster.complete();
  const now = await (await cluster.leader()).control();
  t.true(now.nodes.includes(admitted), 'a stale order took effect');
  // Only voters hear of every decision.
  await every(
    [await cluster.leader()],
    async (node) => (await node.control()).nodes.includes(stoppedId),
    'the one that was stopped to be a node again',
  );
});
