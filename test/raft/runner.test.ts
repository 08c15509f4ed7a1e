import test from 'ava';
import { seededRandom } from '../../src/core/index.ts';
import {
  type DurableLog,
  emptySnapshot,
  type Members,
  type Owner,
  type Persist,
  type RaftMessage,
  Runner,
  type Snapshot,
} from '../../src/raft/index.ts';

interface Placed {
  readonly persist: Persist;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
  /** What the owner's state was said to be at that moment. */
  readonly snapshot: Snapshot | null;
}

/** A runner over a disk that is told when to be done. */
function scripted(members: Members, id = 'a') {
  const placed: Placed[] = [];
  const said: string[] = [];
  const sent: RaftMessage[] = [];
  const store: DurableLog = {
    initial: {
      id,
      hard: { term: 0, vote: null },
      snapshot: { ...emptySnapshot, members },
      entries: [],
    },
    snapshot: () => null,
    append: (persist) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      placed.push({ persist, done: resolve, failed: reject, snapshot: store.snapshot() });
      return promise;
    },
  };
  const owner: Owner = {
    apply: ({ index }) => said.push(`apply ${index}`),
    restore: ({ index }) => said.push(`restore ${index}`),
    snapshot: () => Buffer.from('state'),
    answer: ({ kind }) => said.push(kind),
    send: (message) => sent.push(message),
    stepped: () => undefined,
    failed: (error) => said.push(`failed ${error}`),
  };
  const runner = new Runner({ store, owner, random: seededRandom(1), compactEntries: 2 });
  return { runner, placed, said, sent };
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await null;
};

const alone: Members = [{ id: 'a', address: 'a', votes: true }];
const two: Members = [...alone, { id: 'b', address: 'b', votes: true }];

test('nothing is said or applied before what it depends on is durable', async (t) => {
  const { runner, placed, said, sent } = scripted(two);
  const append = { kind: 'log-append', from: 'b', to: 'a', term: 1, round: 0 } as const;
  const entries: [number, number, Uint8Array][] = [[1, 1, Buffer.from('x')]];
  const message = { ...append, prevIndex: 0, prevTerm: 0, commit: 1, entries };
  runner.take({ kind: 'message', message });
  t.deepEqual([placed.length, said.length, sent.length], [1, 0, 0]);
  placed[0].done();
  await turns();
  t.deepEqual(said, ['apply 1']);
  t.deepEqual(
    sent.map((each) => [each.kind, each.to]),
    [['log-append-reply', 'b']],
  );
});

test('a voter whose disk fails neither speaks nor listens any more', async (t) => {
  const { runner, placed, said, sent } = scripted(two);
  runner.take({ kind: 'campaign' });
  const vote = { kind: 'vote', from: 'b', to: 'a', term: 1, pre: true, granted: true } as const;
  runner.take({ kind: 'message', message: vote });
  t.is(placed.length, 1);
  placed[0].failed(new Error('no'));
  await turns();
  t.deepEqual(said, ['failed Error: no']);
  const before = sent.length;
  for (let n = 0; n < 50; n++) runner.take({ kind: 'tick' });
  t.deepEqual([placed.length, sent.length], [1, before]);
});

test('inputs that come while effects are carried out wait for their turn', async (t) => {
  const { runner, placed, said } = scripted(alone);
  runner.take({ kind: 'tick' });
  placed[0].done();
  await turns();
  placed[1].done();
  await turns();
  for (let id = 1; id <= 3; id++) runner.take({ kind: 'propose', id, data: Buffer.from('x') });
  for (const { done } of placed) done();
  await turns();
  t.deepEqual(said, [
    'apply 1',
    'accepted',
    'accepted',
    'accepted',
    'apply 2',
    'apply 3',
    'apply 4',
  ]);
  t.true(runner.state.log.snapshot.index >= 2);
});

test('a snapshot that is not durable yet does not stand for the log before it', async (t) => {
  const { runner, placed, said } = scripted(two);
  const from = { from: 'b', to: 'a', term: 1 } as const;
  const entries: [number, number, Uint8Array][] = [1, 2, 3].map(() => [1, 1, Buffer.from('x')]);
  const append = { kind: 'log-append', ...from, prevIndex: 0, prevTerm: 0, commit: 1 } as const;
  runner.take({ kind: 'message', message: { ...append, round: 0, entries } });
  placed[0].done();
  await turns();
  const whole = { index: 3, lastTerm: 2, members: [], offset: 0, size: 5 };
  const data = Buffer.from('state');
  const piece = { kind: 'log-snapshot', ...from, term: 2, ...whole, data } as const;
  runner.take({ kind: 'message', message: piece });
  t.is(placed[1].persist.snapshot?.index, 3);
  // A segment that began now would hold this state, and the old entries after it.
  t.not(placed[1].snapshot?.index, 3);
  t.deepEqual(said, ['apply 1']);
  placed[1].done();
  await turns();
  t.deepEqual(said, ['apply 1', 'restore 3']);
});
