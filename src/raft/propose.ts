/**
 * What owners ask for: commands, changes of the members, another leader.
 *
 * C1 Only a leader appends. Others send proposals on, once; they are never sent again, so a lost one
 *    is decided once or not at all.
 * C2 What is not decided yet is bounded; more is refused.
 * C3 Members change one vote at a time, and the next change waits until the one before is decided
 *    and the leader has decided an entry of its own term (Ongaro, "bug in single-server membership
 *    changes", 2015): else two leaders could have quorums that do not meet.
 */
import type { LogPropose, LogProposeReply } from '../wire/index.ts';
import { ENTRY_BYTES_MAX } from './limits.ts';
import { changed, encodeMembers, isVoter, memberOf, votersOf } from './members.ts';
import { broadcast, followMembers, leading, sendTo } from './replicate.ts';
import type { Turn } from './turn.ts';
import type { Change, Members, Refused } from './types.ts';

export function propose(t: Turn, id: number, data: Uint8Array): void {
  const { state } = t;
  if (state.role.kind === 'leader') {
    const why = obstacle(t, data);
    if (why !== null) return t.answer({ kind: 'refused', id, why });
    return t.answer({ kind: 'accepted', id, index: appendOwn(t, data), term: state.term });
  }
  const { leader, term, forwarded, limits } = state;
  const why = leader === null ? 'no-leader' : tooLarge(data);
  if (leader === null || why !== null) {
    return t.answer({ kind: 'refused', id, why: why ?? 'no-leader' });
  }
  if (forwarded.size >= limits.waiting) return t.answer({ kind: 'refused', id, why: 'busy' });
  forwarded.set(id, 0);
  t.sendWithHard({ kind: 'log-propose', to: leader, term, id, data });
}

/** C1. */
export function onPropose(t: Turn, message: LogPropose): void {
  const { state } = t;
  const { from: to, id } = message;
  const { term } = state;
  if (state.role.kind !== 'leader') return refuseProposal(t, message, 'no-leader');
  const why = obstacle(t, message.data);
  if (why !== null) return refuseProposal(t, message, why);
  const index = appendOwn(t, Uint8Array.from(message.data));
  t.send({ kind: 'log-propose-reply', to, term, id, index, entryTerm: term, why: null });
}

type WireRefusal = 'no-leader' | 'busy' | 'too-large';

export function refuseProposal(
  t: Turn,
  { from, id }: Pick<LogPropose, 'from' | 'id'>,
  why: WireRefusal,
): void {
  const none = { index: null, entryTerm: 0, why };
  t.sendWithHard({ kind: 'log-propose-reply', to: from, term: t.state.term, id, ...none });
}

export function onProposeReply(t: Turn, reply: LogProposeReply): void {
  const { id, index, entryTerm, why } = reply;
  if (!t.state.forwarded.delete(id)) return;
  if (index !== null) t.answer({ kind: 'accepted', id, index, term: entryTerm });
  else t.answer({ kind: 'refused', id, why: why ?? 'no-leader' });
}

/** C2. */
function obstacle(t: Turn, data: Uint8Array): WireRefusal | null {
  const role = leading(t);
  if (role.transfer !== null) return 'no-leader';
  const full = role.uncommitted + data.length > t.state.limits.uncommittedBytes;
  return full && role.uncommitted > 0 ? 'busy' : tooLarge(data);
}

function tooLarge(data: Uint8Array): 'too-large' | null {
  return data.length > ENTRY_BYTES_MAX ? 'too-large' : null;
}

function appendOwn(t: Turn, data: Uint8Array): number {
  const { log, term } = t.state;
  const index = log.last + 1;
  log.append([{ index, term, type: 'command', data }]);
  leading(t).uncommitted += data.length;
  broadcast(t, 'data');
  return index;
}

/** C3. */
export function change(t: Turn, id: number, wish: Change): void {
  const { state } = t;
  const { log, term } = state;
  if (state.role.kind !== 'leader') return t.answer({ kind: 'refused', id, why: 'no-leader' });
  const members = changed(log.members, wish);
  const why = members === null ? 'no-such-member' : obstacleTo(t, wish, members);
  if (members === null || why !== null) {
    return t.answer({ kind: 'refused', id, why: why ?? 'no-such-member' });
  }
  const index = log.last + 1;
  const data = encodeMembers(members);
  log.append([{ index, term, type: 'members', data }]);
  state.role.uncommitted += data.length;
  followMembers(t);
  broadcast(t, 'data');
  t.answer({ kind: 'accepted', id, index, term });
}

function obstacleTo(t: Turn, wish: Change, members: Members): Refused | null {
  const { log, rules, limits } = t.state;
  const { begun, progress, transfer } = leading(t);
  if (transfer !== null) return 'busy';
  if (!rules.mayChange({ lastChange: log.membersIndex, begun, commit: log.commit })) {
    return 'change-pending';
  }
  if (votersOf(members).length === 0) return 'last-voter';
  if (wish.kind !== 'promote') return null;
  const match = progress.get(wish.id)?.match ?? 0;
  return match + limits.promoteLag < log.last ? 'not-caught-up' : null;
}

/** Hands over to the voter `to`, once it has the whole log; given up after `electionTicks`. */
export function transfer(t: Turn, to: string): void {
  const { state } = t;
  if (state.role.kind !== 'leader' || to === state.id) return;
  if (memberOf(state.log.members, to) === null || !isVoter(state.log.members, to)) return;
  state.role.transfer = { to, ticks: 0 };
  if (state.role.progress.get(to)?.match === state.log.last) {
    t.send({ kind: 'timeout-now', to, term: state.term });
  } else sendTo(t, to, 'data');
}
