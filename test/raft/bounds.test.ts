/** What is bounded, and who is answered when it is full. */
import test from 'ava';
import { seededRandom } from '../../src/core/index.ts';
import {
  type Effects,
  ENTRY_BYTES_MAX,
  type Entry,
  emptySnapshot,
  initialState,
  limitsWith,
  type RaftLimits,
  type RaftMessage,
  type RaftState,
  step,
} from '../../src/raft/index.ts';
import type { LogAppend } from '../../src/wire/index.ts';
import { encodeMessage } from '../../src/wire/index.ts';

const ids = ['1', '2', '3'];

function voter(limits: Partial<RaftLimits>, entries: readonly Entry[] = []): RaftState {
  const members = ids.map((id) => ({ id, address: id, votes: true }));
  const snapshot = { ...emptySnapshot, members };
  const hard = { term: entries.at(-1)?.term ?? 0, vote: null };
  return initialState({ id: '1', random: seededRandom(1), limits, hard, snapshot, entries });
}

/** Everything is durable at once. */
function take(state: RaftState, input: Parameters<typeof step>[1]): RaftMessage[] {
  const effects = step(state, input);
  const sent = messagesOf(effects);
  if (effects.persist === null) return sent;
  return [...sent, ...messagesOf(step(state, { kind: 'persisted', seq: effects.persist.seq }))];
}

function messagesOf({ send, held }: Effects): RaftMessage[] {
  return [...send, ...held.map(({ message }) => message)];
}

/** Voter 1 as the leader of its next term, to which 2 has answered that it has `match`. */
function leader(limits: Partial<RaftLimits>, match = 1): RaftState {
  const state = voter(limits);
  take(state, { kind: 'campaign' });
  for (const pre of [true, false]) {
    const message = { kind: 'vote', from: '2', to: '1', term: 1, pre, granted: true } as const;
    take(state, { kind: 'message', message });
  }
  take(state, { kind: 'message', message: has('2', match) });
  return state;
}

function has(from: string, index: number): RaftMessage {
  const none = { hintIndex: 0, hintTerm: 0, round: 0 };
  return { kind: 'log-append-reply', from, to: '1', term: 1, ok: true, index, ...none };
}

function appendsTo(to: string, messages: readonly RaftMessage[]): LogAppend[] {
  return messages.flatMap((m) => (m.kind === 'log-append' && m.to === to ? [m] : []));
}

test('messages under way to a member are bounded in number and in bytes', (t) => {
  const data = new Uint8Array(100);
  for (const bound of [{ inflightAppends: 3 }, { inflightBytes: 300 }]) {
    const state = leader({ appendBytes: 1, ...bound });
    const sent: LogAppend[] = [];
    for (let id = 1; id <= 10; id++) {
      sent.push(...appendsTo('2', take(state, { kind: 'propose', id, data })));
    }
    t.is(sent.length, 3);
    const more = appendsTo('2', take(state, { kind: 'message', message: has('2', 3) }));
    t.is(more.filter(({ entries }) => entries.length > 0).length, 2);
  }
});

test('what is not decided is bounded, and more is refused until something is', (t) => {
  const state = leader({ uncommittedBytes: 250 });
  const data = new Uint8Array(100);
  const said = [1, 2, 3].map((id) => step(state, { kind: 'propose', id, data }).answers[0]);
  t.deepEqual(
    said.map(({ kind }) => kind),
    ['accepted', 'accepted', 'refused'],
  );
  t.deepEqual(said[2], { kind: 'refused', id: 3, why: 'busy' });
  const seq = state.lastSeq;
  step(state, { kind: 'persisted', seq });
  take(state, { kind: 'message', message: has('2', 3) });
  t.is(step(state, { kind: 'propose', id: 4, data }).answers[0].kind, 'accepted');
});

test('an entry that no frame can carry is refused, the largest one and many small ones go', (t) => {
  const state = leader({});
  const large = new Uint8Array(ENTRY_BYTES_MAX + 1);
  const [answer] = step(state, { kind: 'propose', id: 1, data: large }).answers;
  t.deepEqual(answer, { kind: 'refused', id: 1, why: 'too-large' });
  const sent = take(state, { kind: 'propose', id: 2, data: large.subarray(1) });
  for (const message of appendsTo('2', sent)) t.notThrows(() => encodeMessage(message));
  const many = Array.from({ length: 30_000 }, (_, i): Entry => {
    return { index: i + 1, term: 1, type: 'empty', data: new Uint8Array(0) };
  });
  const old = voter({}, many);
  const [first] = old.log.slice(1, old.limits.appendBytes);
  t.is(first.index, 1);
  const some = old.log.slice(1, old.limits.appendBytes).map(({ term, data }) => {
    return [term, 0, data] as [number, number, Uint8Array];
  });
  const head = { kind: 'log-append', from: '1', to: '2', term: 1, prevIndex: 0 } as const;
  t.notThrows(() => encodeMessage({ ...head, prevTerm: 0, commit: 0, round: 0, entries: some }));
  t.true(some.length > 1000);
});

test('a leader that hears no quorum steps down, and one that does stays', (t) => {
  const lonely = leader({});
  for (let n = 0; n < 25; n++) take(lonely, { kind: 'tick' });
  t.is(lonely.role.kind, 'follower');
  const heard = leader({});
  for (let n = 0; n < 100; n++) {
    take(heard, { kind: 'tick' });
    if (n % 5 === 0) take(heard, { kind: 'message', message: has('3', 1) });
  }
  t.is(heard.role.kind, 'leader');
});

test('limits that contradict each other are refused', (t) => {
  t.throws(() => limitsWith({ heartbeatTicks: 5, electionTicks: 10 }));
  t.throws(() => limitsWith({ chunkBytes: 1024 * 1024 }));
  t.throws(() => limitsWith({ appendBytes: 1024 * 1024 }));
});

test('a snapshot larger than is taken in is not gathered', (t) => {
  const state = voter({ snapshotBytes: 10 });
  const head = { kind: 'log-snapshot', from: '2', to: '1', term: 1 } as const;
  const piece = { ...head, index: 5, lastTerm: 1, members: [], offset: 0 };
  const data = new Uint8Array(5);
  take(state, { kind: 'message', message: { ...piece, size: 11, data } });
  t.is(state.incoming, null);
  take(state, { kind: 'message', message: { ...piece, size: 10, data } });
  t.is(state.incoming?.received, 5);
});
