/**
 * The agreement under thousands of faults; `npm run soak:raft` lives through more of them.
 */
import test from 'ava';
import { present } from '../../src/core/index.ts';
import type { Rules } from '../../src/raft/index.ts';
import { type Bug, bugs, votesForgotten } from './raft-bugs.ts';
import { chaos, type Outcome } from './raft-chaos.ts';
import { Broken } from './raft-checks.ts';
import { inconsistency, type Operation } from './raft-history.ts';
import type { RaftNode } from './raft-node.ts';
import { RaftWorld } from './raft-world.ts';

const SEEDS = 120;
const SEEDS_PER_BUG = 300;

test('voters keep every promise through faults of all kinds, and recover from them', async (t) => {
  const sums: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { trace: _, ...outcome } = await chaos(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    });
    for (const [name, n] of Object.entries(outcome)) sums[name] = (sums[name] ?? 0) + n;
  }
  t.log(JSON.stringify(sums));
  // A harness in which nothing happens keeps every promise too.
  for (const [name, least] of Object.entries({ decided: 20, elections: 2, answered: 20 })) {
    t.true(sums[name] >= least * SEEDS, `${name} ${sums[name]}`);
  }
  for (const name of ['snapshots', 'members']) t.true(sums[name] >= SEEDS, `${name} ${sums[name]}`);
});

test('the same seed gives the same life of the voters', async (t) => {
  const runs: Outcome[] = [];
  for (const seed of [7, 7, 9]) runs.push(await chaos(seed));
  t.deepEqual(runs[0], runs[1]);
  t.not(runs[0].trace, runs[2].trace);
});

for (const [name, bug] of Object.entries<Bug>(bugs)) {
  test(`the simulator notices when ${name}`, async (t) => {
    const { from = 1 } = bug;
    for (let seed = from; seed < from + SEEDS_PER_BUG; seed++) {
      const broken = await chaos(seed, bug).then(
        () => null,
        (error: unknown) => error,
      );
      if (broken === null) continue;
      t.log(`seed ${seed}: ${broken}`);
      return t.true(broken instanceof Error);
    }
    return t.fail(`nothing found in ${SEEDS_PER_BUG} seeds`);
  });
}

async function settled(world: RaftWorld): Promise<RaftNode> {
  await world.until(() => world.leader !== null, 10_000);
  await world.run(500);
  return present(world.leader, 'three healthy voters have a leader');
}

/** One voter votes, loses its power and is asked again, by another candidate of the same term. */
async function askedTwice(bug: Bug): Promise<void> {
  const world = new RaftWorld({ seed: 3, voters: 3, ...bug, rules: { asksFirst: () => false } });
  const voter = await settled(world);
  const [first, second] = world.ids.filter((id) => id !== voter.id).map((id) => world.node(id));
  world.stop(voter, true);
  voter.start();
  world.network.split([second.id], [first.id, second.id]);
  first.take({ kind: 'campaign' });
  // Its vote arrives, but not the entry that the new leader begins with.
  await world.until(() => voter.runner?.state.vote === first.id, 200);
  world.network.cut(first.id, voter.id);
  await world.until(() => first.runner?.state.role.kind === 'leader', 200);
  world.stop(voter, true);
  voter.start();
  await world.run(1);
  second.take({ kind: 'campaign' });
  await world.run(100);
  world.heal();
  await world.recover();
}

test('a voter asked twice in a term votes once, also when its power fails in between', async (t) => {
  await t.notThrowsAsync(askedTwice({}));
  const broken = await t.throwsAsync(askedTwice(votesForgotten), { instanceOf: Broken });
  t.regex(broken.message, /election safety/);
});

/** Whether the same leader leads the same term after voter `id` was cut off and came back. */
async function undisturbed(rules: Partial<Rules>, oneWay: boolean): Promise<boolean> {
  const world = new RaftWorld({ seed: 5, voters: 3, rules });
  const leader = await settled(world);
  const term = leader.runner?.state.term;
  const other = present(
    world.ids.find((id) => id !== leader.id),
    'there are three',
  );
  if (oneWay) world.network.cut(leader.id, other);
  else world.network.split([other], world.ids);
  await world.run(5000);
  world.heal();
  await world.run(3000);
  return world.leader?.id === leader.id && leader.runner?.state.term === term;
}

test('a voter that was away deposes nobody when it comes back', async (t) => {
  t.true(await undisturbed({}, false));
  t.false(await undisturbed({ asksFirst: () => false }, false));
});

test('a voter that alone does not hear the leader deposes nobody', async (t) => {
  t.true(await undisturbed({}, true));
  t.false(await undisturbed({ keepsLeader: () => false }, true));
});

test('histories that no list could have shown are told from those that one could', (t) => {
  const never = Number.POSITIVE_INFINITY;
  const write = (item: number, began: number, ended = never): Operation => {
    return { kind: 'write', item, began, ended, length: 0 };
  };
  const read = (length: number, began: number, ended: number): Operation => {
    return { kind: 'read', item: 0, began, ended, length };
  };
  t.is(inconsistency([write(1, 1, 2), read(1, 3, 4), write(2, 5), read(2, 6, 7)], [1, 2]), null);
  t.is(inconsistency([write(1, 1, 4), read(0, 2, 3)], [1]), null);
  t.regex(inconsistency([write(1, 1, 2)], []) ?? '', /is gone/);
  t.regex(inconsistency([write(1, 1, 2), read(0, 3, 4)], [1]) ?? '', /misses/);
  t.regex(inconsistency([write(1, 1), read(1, 2, 3), read(0, 4, 5)], [1]) ?? '', /came after/);
  t.regex(inconsistency([read(1, 1, 2), write(1, 3)], [1]) ?? '', /before it was written/);
  t.regex(inconsistency([write(1, 1, 2), write(2, 3, 4)], [2, 1]) ?? '', /overtook/);
});
