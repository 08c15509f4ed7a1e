import test, { type ExecutionContext } from 'ava';
import { type Command, snapshot, type VoterOptions } from '../../src/control/index.ts';
import { isFault } from '../../src/core/index.ts';
import { SleepyClock } from './helpers/sleepy-clock.ts';
import { Voters } from './helpers/voters.ts';

function admit(term: number, k: number): Command {
  return { kind: 'node-admit', term, node: `h${k}:1#a`, address: `h${k}:1`, cores: k, at: 1 };
}

async function start(
  t: ExecutionContext,
  seed: number,
  count: number,
  more: Partial<VoterOptions> = {},
): Promise<Voters> {
  const group = await Voters.start(seed, count, more);
  t.teardown(() => group.close());
  return group;
}

/** Lets time pass until all that run have the same state; returns it. */
async function agreed(group: Voters): Promise<Uint8Array> {
  const states = (): Buffer[] => group.running.map(({ log }) => Buffer.from(snapshot(log.state)));
  await group.until(() => states().every((state) => state.equals(states()[0])));
  return states()[0];
}

test('whoever is alone leads at once, and its decisions are there after a reopen', async (t) => {
  const group = new Voters(1);
  const voter = await group.add('v1', 'alone');
  t.true((await group.until(() => voter.log.role.kind === 'leader')) <= 50);
  t.is(voter.log.term, 1);
  t.deepEqual(await group.value(voter.log.propose(admit(1, 1))), { ok: true, replaced: [] });
  await group.close();
  await voter.open('alone');
  await group.until(() => voter.log.role.kind === 'leader');
  t.is(voter.log.term, 2);
  t.deepEqual([...voter.log.state.nodes.keys()], ['h1:1#a']);
  await group.close();
  t.deepEqual(voter.roles.at(-1), 'closed');
});

test('what is decided anywhere is decided everywhere, in the same order', async (t) => {
  const group = await start(t, 2, 3);
  const leader = await group.leader();
  const { term } = leader.log;
  const outcomes = group.running.map(({ log }, k) => group.value(log.propose(admit(term, k))));
  for (const outcome of await Promise.all(outcomes)) t.true(outcome.ok);
  await agreed(group);
  t.is(leader.log.state.nodes.size, 3);
  const followers = group.running.filter(({ log }) => log.role.kind === 'follower');
  t.deepEqual(
    followers.map(({ log }) => log.role),
    followers.map(() => ({ kind: 'follower', term, leader: leader.name })),
  );
});

test('a leader is replaced within two seconds in the median, and nothing decided is lost', async (t) => {
  const group = await start(t, 3, 3);
  const times: number[] = [];
  for (let round = 1; round <= 9; round++) {
    const leader = await group.leader();
    const { term } = leader.log;
    await group.value(leader.log.propose(admit(term, round)));
    await leader.kill(round % 2 === 0);
    times.push(await group.until(() => group.leaderBut() !== null));
    const next = await group.leader();
    t.true(next.log.term > term);
    t.is(next.log.state.nodes.size, round);
    await leader.open('joins');
    await agreed(group);
  }
  const median = times.toSorted((a, b) => a - b)[4];
  t.log(`a new leader after ${times.join(', ')} ms, median ${median} ms`);
  t.true(median < 2000);
});

test('a leader that was cut off decides nothing, and its orders are refused afterwards', async (t) => {
  const group = await start(t, 4, 3, { callMs: 3000 });
  const old = await group.leader();
  const { term } = old.log;
  await group.value(old.log.propose(admit(term, 1)));
  group.board.isolate(old.name, group.names);
  const stale = group.settle(old.log.propose(admit(term, 2)));
  const read = group.settle(old.log.read());
  const next = await group.leader(old.name);
  t.true(next.log.term > term);
  await group.value(next.log.propose(admit(next.log.term, 3)));
  for (const { status } of [await stale, await read]) t.is(status, 'rejected');
  t.is(old.log.role.kind, 'follower');
  group.board.heal();
  await agreed(group);
  t.deepEqual([...old.log.state.nodes.keys()], ['h1:1#a', 'h3:1#a']);
  const late = await group.value(old.log.propose(admit(term, 4)));
  t.deepEqual(late, { ok: false, why: 'stale-term', of: String(next.log.term) });
});

test('a read at any voter holds what was decided before it, also where the state lags', async (t) => {
  const group = await start(t, 5, 3);
  const leader = await group.leader();
  const lagging = group.running.find(({ name }) => name !== leader.name) ?? leader;
  for (let k = 1; k <= 5; k++) {
    // Entries reach it late: it is cut off while they are decided.
    group.board.cut(leader.name, lagging.name);
    await group.value(leader.log.propose(admit(leader.log.term, k)));
    t.true(lagging.log.state.nodes.size < k);
    group.board.heal();
    t.is((await group.value(lagging.log.read())).nodes.size, k);
  }
});

test('a voter that joins learns everything, from a snapshot when the log is gone', async (t) => {
  const group = await start(t, 6, 1, { compactEntries: 8, limits: { keepEntries: 2 } });
  const leader = await group.leader();
  for (let k = 1; k <= 30; k++) await group.value(leader.log.propose(admit(1, k)));
  const joining = await group.add('v2', 'joins');
  let jumps = 0;
  joining.log.onRestore(() => {
    jumps += 1;
  });
  await group.value(leader.log.change({ kind: 'add', id: 'v2', address: 'v2' }));
  await agreed(group);
  t.is(jumps, 1);
  t.is(joining.log.state.nodes.size, 30);
  await group.value(leader.log.change({ kind: 'promote', id: 'v2' }));
  await group.until(() => joining.log.members.filter(({ votes }) => votes).length === 2);
  const refused = await group.settle(leader.log.change({ kind: 'promote', id: 'v9' }));
  t.true(refused.status === 'rejected' && isFault(refused.reason, 'CONTROL_UNAVAILABLE'));
});

test('a voter whose place another one has is not waited for', async (t) => {
  const group = new Voters(8);
  t.teardown(() => group.close());
  const patient = { voters: 3, replaceAfterMs: 3_600_000 } as const;
  const first = await group.add('v1', 'alone', patient);
  await group.leader();
  for (const name of ['v2', 'v3', 'v4']) await group.add(name, 'joins', patient);
  const note = (dead: string, superseded: boolean): void => {
    for (const name of group.names) {
      const node = { id: name, address: name, alive: name !== dead, superseded };
      for (const { log } of group.running) log.noteNode(node);
    }
  };
  const voting = (): string[] => {
    const { members } = (group.leaderBut() ?? first).log;
    return members.filter(({ votes }) => votes).map(({ id }) => id);
  };
  note('', false);
  await group.until(() => voting().length === 3);
  const dead = voting().at(-1) ?? '';
  await group.voter(dead).kill();
  note(dead, false);
  await group.pass(3000);
  t.true(voting().includes(dead), 'the dead may come back');
  note(dead, true);
  await group.until(() => voting().length === 3 && !voting().includes(dead));
  t.pass();
});

test('voters grow with the nodes, and one that stays dead is replaced', async (t) => {
  const group = new Voters(7);
  t.teardown(() => group.close());
  const more = { voters: 3, replaceAfterMs: 3000 } as const;
  const first = await group.add('v1', 'alone', more);
  await group.leader();
  const others: readonly string[] = ['v2', 'v3', 'v4'];
  const note = (alive: (name: string) => boolean): void => {
    for (const name of group.names) {
      const node = { id: name, address: name, alive: alive(name) };
      for (const { log } of group.running) log.noteNode(node);
    }
  };
  const voting = (): string[] => {
    const { members } = (group.leaderBut() ?? first).log;
    return members.filter(({ votes }) => votes).map(({ id }) => id);
  };
  await group.add('v2', 'joins', more);
  note(() => true);
  await group.pass(3000);
  t.deepEqual(voting(), ['v1']);
  for (const name of others.slice(1)) await group.add(name, 'joins', more);
  note(() => true);
  await group.until(() => voting().length === 3);
  const dead = voting().at(-1) ?? '';
  await group.voter(dead).kill();
  note((name) => name !== dead);
  await group.until(() => voting().length === 3 && !voting().includes(dead));
  const leader = await group.leader();
  t.true((await group.value(leader.log.propose(admit(leader.log.term, 1)))).ok);
});

test('a leader that closes hands over first', async (t) => {
  const group = await start(t, 8, 3);
  const leader = await group.leader();
  await group.settle(leader.close());
  t.is(leader.roles.at(-1), 'closed');
  t.true((await group.until(() => group.leaderBut() !== null)) < 100);
});

test('a voter whose disk fails is one no more, and the others go on', async (t) => {
  const group = await start(t, 9, 3, { callMs: 2000 });
  const leader = await group.leader();
  leader.disk.failingSyncs = 1;
  const proposal = await group.settle(leader.log.propose(admit(leader.log.term, 1)));
  t.is(proposal.status, 'rejected');
  t.is(leader.log.role.kind, 'failed');
  await t.throwsAsync(leader.log.propose(admit(leader.log.term, 2)));
  const next = await group.leader(leader.name);
  t.true((await group.value(next.log.propose(admit(next.log.term, 2)))).ok);
});

test('a leader that was stopped for long knows at once that it may be none any more', async (t) => {
  const clocks = new Map<string, SleepyClock>();
  const group = new Voters(12);
  t.teardown(() => group.close());
  const names = ['v1', 'v2', 'v3'];
  const members = names.map((id) => ({ id, address: id, votes: true }));
  for (const name of names) {
    const clock = new SleepyClock(group.clock);
    clocks.set(name, clock);
    await group.add(name, members, { clock });
  }
  const leader = await group.leader();
  const clock = clocks.get(leader.name);
  clock?.sleep();
  group.board.isolate(leader.name, names);
  const next = await group.leader(leader.name);
  await group.pass(10_000);
  t.is(leader.log.role.kind, 'leader');
  clock?.wake();
  t.is(leader.log.role.kind, 'follower');
  group.board.heal();
  await agreed(group);
  t.is(leader.log.term, next.log.term);
});

test('without a quorum calls end with their time, and nobody leads', async (t) => {
  const group = await start(t, 10, 3, { callMs: 2000 });
  const leader = await group.leader();
  for (const { name } of group.running) {
    if (name !== leader.name) await group.voter(name).kill();
  }
  const calls = [leader.log.propose(admit(leader.log.term, 1)), leader.log.read()];
  for (const call of calls) {
    const { status } = await group.settle<unknown>(call);
    t.is(status, 'rejected');
  }
  t.is(leader.log.role.kind, 'follower');
});

test('a restarted voter asked in its old name keeps its vote and its log', async (t) => {
  const group = await start(t, 11, 3);
  const { log } = await group.leader();
  for (let k = 1; k <= 5; k++) await group.value(log.propose(admit(log.term, k)));
  for (const name of group.names) await group.voter(name).kill(true);
  for (const name of group.names) await group.voter(name).open('joins');
  const leader = await group.leader();
  t.is(leader.log.state.nodes.size, 5);
  await agreed(group);
});
