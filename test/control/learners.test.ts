import test, { type ExecutionContext } from 'ava';
import { type Command, snapshot, type VoterOptions } from '../../src/control/index.ts';
import { memberOf } from '../../src/raft/index.ts';
import { type TestVoter, Voters } from './helpers/voters.ts';

const NODES = 9;
const FORGET_MS = 3000;
const more: Partial<VoterOptions> = {
  voters: 3,
  forgetAfterMs: FORGET_MS,
  compactEntries: 8,
  limits: { keepEntries: 2 },
};

function admit(term: number, k: number): Command {
  return { kind: 'node-admit', term, node: `h${k}:1#a`, address: `h${k}:1`, cores: k, at: 1 };
}

/** Says of every node whether it runs, as membership does. */
function note(group: Voters): void {
  for (const [name, { running }] of group.voters) {
    const node = { id: name, address: name, alive: running };
    for (const { log } of group.running) log.noteNode(node);
  }
}

async function start(t: ExecutionContext, seed: number): Promise<Voters> {
  const group = new Voters(seed);
  t.teardown(() => group.close());
  await group.add('v1', 'alone', more);
  await group.leader();
  for (let n = 2; n <= NODES; n++) await group.add(`v${n}`, 'joins', more);
  note(group);
  return group;
}

function voting(group: Voters): string[] {
  const { members } = (group.leaderBut() ?? group.running[0]).log;
  return members.filter(({ votes }) => votes).map(({ id }) => id);
}

function isComplete(group: Voters): boolean {
  const leader = group.leaderBut();
  return leader !== null && leader.log.members.length === NODES && voting(group).length === 3;
}

/** The last that came: it has no vote. */
function learner(group: Voters): TestVoter {
  return group.voter(`v${NODES}`);
}

async function agreed(group: Voters): Promise<void> {
  const states = (): Buffer[] => group.running.map(({ log }) => Buffer.from(snapshot(log.state)));
  await group.until(() => states().every((state) => state.equals(states()[0])));
}

async function decideMany(group: Voters, count: number): Promise<void> {
  const { log } = await group.leader();
  for (let k = 1; k <= count; k++) await group.value(log.propose(admit(log.term, k)));
}

test('the nodes of a new cluster become members one after the other, without pauses', async (t) => {
  const group = await start(t, 1);
  const took = await group.until(() => isComplete(group));
  t.log(`${NODES - 1} members and 2 votes in ${took} ms`);
  t.true(took < 1500);
  t.deepEqual(voting(group), ['v1', 'v2', 'v3']);
});

test('a node without a vote knows every decision, proposes and reads', async (t) => {
  const group = await start(t, 2);
  await group.until(() => isComplete(group));
  const { log } = learner(group);
  await group.until(() => memberOf(log.members, log.id)?.votes === false);
  t.deepEqual(await group.value(log.propose(admit(log.term, 1))), { ok: true, replaced: [] });
  const leader = await group.leader();
  await group.value(leader.log.propose(admit(leader.log.term, 2)));
  t.is((await group.value(log.read())).nodes.size, 2);
  await agreed(group);
});

test('a learner that restarts soon is the same member, and catches up', async (t) => {
  const group = await start(t, 3);
  await group.until(() => isComplete(group));
  await learner(group).kill();
  note(group);
  await decideMany(group, 30);
  const { members } = (await group.leader()).log;
  let jumps = 0;
  const log = await learner(group).open('joins', more);
  log.onRestore(() => {
    jumps += 1;
  });
  note(group);
  await agreed(group);
  t.is(log.state.nodes.size, 30);
  t.true(jumps > 0, 'what it lacked was not in the log any more');
  t.is((await group.leader()).log.members, members);
});

test('a learner that stays away is let go, and is a member again when it is back', async (t) => {
  const group = await start(t, 4);
  await group.until(() => isComplete(group));
  await learner(group).kill();
  note(group);
  const { log } = await group.leader();
  await group.pass(FORGET_MS / 2);
  t.is(log.members.length, NODES);
  await group.until(() => log.members.length === NODES - 1);
  await learner(group).open('joins', more);
  note(group);
  await group.until(() => isComplete(group));
  await decideMany(group, 3);
  await agreed(group);
  t.is(learner(group).log.state.nodes.size, 3);
});

test('when the leader dies, a node without a vote follows the next one', async (t) => {
  const group = await start(t, 5);
  await group.until(() => isComplete(group));
  const old = await group.leader();
  await old.kill();
  const next = await group.leader();
  t.true(['v1', 'v2', 'v3'].includes(next.name));
  const { log } = learner(group);
  t.true((await group.value(log.propose(admit(next.log.term, 1)))).ok);
  await agreed(group);
});
