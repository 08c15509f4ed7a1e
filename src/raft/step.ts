/**
 * One input, its effects.
 *
 *   messages of a higher term make a follower; of a lower one they are refused or ignored
 *
 * 1. `step` is the only way a state changes, and depends on nothing but its arguments (the state's
 *    `Random` included): the same inputs give the same effects.
 * 2. A higher term is believed, except where someone only asks (`pre`).
 * 3. Messages for another voter, as after a change of address, are ignored.
 */
import { assert } from '../core/index.ts';
import type { LogAppend, LogSnapshot } from '../wire/index.ts';
import {
  campaign,
  countOwnVote,
  follow,
  heardLeader,
  onTimeoutNow,
  onVote,
  onVoteRequest,
  refuseVote,
} from './election.ts';
import { isVoter, votersOf } from './members.ts';
import { probe } from './progress.ts';
import { change, onPropose, onProposeReply, propose, refuseProposal, transfer } from './propose.ts';
import { onReadIndex, onReadIndexReply, read, refuseRead } from './reads.ts';
import { onAppend, refuseAppend } from './receive.ts';
import { onSnapshot } from './receive-snapshot.ts';
import { advance, onAppendReply, sendTo, tickLeader } from './replicate.ts';
import { onSnapshotAck } from './send-snapshot.ts';
import type { RaftState } from './state.ts';
import { persisted, Turn } from './turn.ts';
import type { Effects, Input, RaftMessage } from './types.ts';

/** Takes `input` and says what is to be done, in the order of `Effects`. */
export function step(state: RaftState, input: Input): Effects {
  const t = new Turn(state);
  take(t, input);
  return t.effects();
}

function take(t: Turn, input: Input): void {
  const { state } = t;
  switch (input.kind) {
    case 'tick':
      return tick(t);
    case 'message':
      return receive(t, input.message);
    case 'persisted':
      return onPersisted(t, input.seq);
    case 'propose':
      return propose(t, input.id, input.data);
    case 'change':
      return change(t, input.id, input.change);
    case 'read':
      return read(t, input.id);
    case 'transfer':
      return transfer(t, input.to);
    case 'campaign':
      return campaign(t);
    case 'compact':
      return state.log.compact(input.index, input.data, state.limits.keepEntries);
    case 'unreachable':
      return unreachable(t, input.id);
  }
}

function tick(t: Turn): void {
  const { state } = t;
  expire(t);
  if (state.role.kind === 'leader') return tickLeader(t);
  state.silent += 1;
  const alone = votersOf(state.log.members).length === 1 && isVoter(state.log.members, state.id);
  const idle = state.role.kind === 'follower';
  if (state.silent > state.patience || (alone && idle)) campaign(t);
}

/** What was sent on and never answered. */
function expire(t: Turn): void {
  const { forwarded, limits } = t.state;
  for (const [id, ticks] of forwarded) {
    forwarded.set(id, ticks + 1);
    if (ticks < 2 * limits.electionTicks) continue;
    forwarded.delete(id);
    t.answer({ kind: 'lost', id });
  }
}

function onPersisted(t: Turn, seq: number): void {
  persisted(t.state, seq);
  countOwnVote(t);
  if (t.state.role.kind === 'leader') advance(t);
}

/** Appends to `id` may be lost: what it has is found out anew. */
function unreachable(t: Turn, id: string): void {
  const { role } = t.state;
  const progress = role.kind === 'leader' ? role.progress.get(id) : undefined;
  if (progress?.mode.kind === 'stream') probe(progress, progress.match + 1);
  if (progress?.mode.kind === 'probe') sendTo(t, id, 'data');
}

function receive(t: Turn, message: RaftMessage): void {
  const { state } = t;
  if (message.to !== state.id) return;
  if (message.term < state.term) return onOld(t, message);
  if (message.term > state.term && !onlyAsked(message)) newTerm(t, message);
  current(t, message);
}

/** 2. */
function onlyAsked(message: RaftMessage): boolean {
  if (message.kind === 'vote-request') return true; // decides by itself: it may have a leader
  return message.kind === 'vote' && message.pre && message.granted;
}

function newTerm(t: Turn, message: RaftMessage): void {
  const leads = message.kind === 'log-append' || message.kind === 'log-snapshot';
  follow(t, message.term, leads ? message.from : null);
}

function onOld(t: Turn, message: RaftMessage): void {
  switch (message.kind) {
    case 'vote-request':
      return refuseVote(t, message);
    case 'log-append':
    case 'log-snapshot':
      return refuseAppend(t, message.from);
    case 'read-index':
      return refuseRead(t, message);
    case 'log-propose':
      return refuseProposal(t, message, 'no-leader');
    case 'log-propose-reply':
      return onProposeReply(t, message);
    default:
      return;
  }
}

function current(t: Turn, message: RaftMessage): void {
  switch (message.kind) {
    case 'vote-request':
      return onVoteRequest(t, message);
    case 'vote':
      return onVote(t, message);
    case 'log-append':
      fromLeader(t, message);
      return onAppend(t, message);
    case 'log-snapshot':
      fromLeader(t, message);
      return onSnapshot(t, message);
    case 'log-append-reply':
      return onAppendReply(t, message);
    case 'log-snapshot-ack':
      return onSnapshotAck(t, message);
    case 'timeout-now':
      return onTimeoutNow(t, message);
    case 'read-index':
      return onReadIndex(t, message);
    case 'read-index-reply':
      return onReadIndexReply(t, message);
    case 'log-propose':
      return onPropose(t, message);
    case 'log-propose-reply':
      return onProposeReply(t, message);
  }
}

function fromLeader(t: Turn, message: LogAppend | LogSnapshot): void {
  assert(t.state.role.kind !== 'leader', 'a term has one leader');
  heardLeader(t, message);
}
