/**
 * Becoming and ceasing to be a leader (Ongaro and Ousterhout, "In Search of an Understandable
 * Consensus Algorithm", 2014, sections 5.2 and 5.4; Ongaro's dissertation, sections 4.2.3 and 9.6).
 *
 * E1 A voter votes once in a term, for a candidate whose log lacks nothing it might have to keep. The
 *    vote is durable before it is sent, the own one before it is counted.
 * E2 Before it stands a voter asks whether it would win; asking changes nobody's term.
 * E3 Who heard its leader within `electionTicks` answers no candidate, unless that leader sent it.
 * E4 Members without a vote never stand. They answer as voters do: a candidate may know of a vote
 *    that they have been given since. Who is being removed still stands, without a vote for itself,
 *    until that is decided: it may be the only one whose log can win.
 */
import type { LogAppend, TimeoutNow, Vote, VoteRequest } from '../wire/index.ts';
import { agree, votersOf } from './members.ts';
import { newProgress } from './progress.ts';
import { broadcast, sizeOf } from './replicate.ts';
import { become, hardIsDurable, type Leading, losePatience, type RaftState } from './state.ts';
import type { Turn } from './turn.ts';

/** Leaves whatever role it has; `leader` is null when it is not known. */
export function follow(t: Turn, term: number, leader: string | null): void {
  const { state } = t;
  if (state.role.kind === 'leader') abandon(t, state.role);
  if (term > state.term) {
    state.term = term;
    state.vote = null;
  }
  if (state.leader !== leader || state.role.kind !== 'follower') losePatience(state);
  if (state.leader !== leader) {
    for (const id of state.forwarded.keys()) t.answer({ kind: 'lost', id });
    state.forwarded.clear();
  }
  state.leader = leader;
  become(state, { kind: 'follower' });
}

/** Reads that the leader that is no more has promised an answer. */
function abandon(t: Turn, { reads, early }: Leading): void {
  const { state } = t;
  for (const { id, from } of [...reads, ...early]) {
    if (from === state.id) t.answer({ kind: 'lost', id });
    else t.send({ kind: 'read-index-reply', to: from, term: state.term, id, index: null });
  }
}

/** The time has come to look for a new leader. */
export function campaign(t: Turn, transfer = false): void {
  const { state } = t;
  if (!state.log.mayVote(state.id) || state.role.kind === 'leader') return;
  if (transfer || !state.rules.asksFirst()) stand(t, transfer);
  else canvass(t);
}

/** E2. */
function canvass(t: Turn): void {
  const { state } = t;
  forget(t);
  become(state, { kind: 'pre-candidate', votes: new Map([[state.id, true]]) });
  ask(t, { term: state.term + 1, pre: true, transfer: false });
  count(t);
}

function stand(t: Turn, transfer: boolean): void {
  const { state } = t;
  forget(t);
  state.term += 1;
  state.vote = state.id;
  become(state, { kind: 'candidate', votes: new Map(), transfer });
  ask(t, { term: state.term, pre: false, transfer });
}

function forget(t: Turn): void {
  const { state } = t;
  for (const id of state.forwarded.keys()) t.answer({ kind: 'lost', id });
  state.forwarded.clear();
  state.leader = null;
  losePatience(state);
}

function ask(
  t: Turn,
  what: { readonly term: number; readonly pre: boolean; readonly transfer: boolean },
): void {
  const { log, id } = t.state;
  for (const { id: to } of votersOf(log.members)) {
    if (to === id) continue;
    const { last: lastIndex, lastTerm } = log;
    t.sendWithHard({ kind: 'vote-request', to, ...what, lastIndex, lastTerm });
  }
}

/** E1, E3. Its term is not below the own one. */
export function onVoteRequest(t: Turn, request: VoteRequest): void {
  const { state } = t;
  const { from, pre, term } = request;
  if (!request.transfer && keepsLeader(state)) return;
  if (!pre && term > state.term) follow(t, term, null);
  const free = pre
    ? term > state.term
    : state.vote === from || (state.vote === null && state.leader === null);
  const granted = free && state.log.isUpToDate(request.lastIndex, request.lastTerm);
  if (granted && !pre) {
    state.vote = from;
    losePatience(state);
  }
  const said = granted ? term : state.term;
  t.sendWithHard({ kind: 'vote', to: from, term: said, pre, granted });
}

/** E3. */
function keepsLeader(state: RaftState): boolean {
  if (state.role.kind === 'leader') return true;
  return state.leader !== null && state.rules.keepsLeader(state.silent, state.limits);
}

/** Refuses a request of a past term, so that the asker learns of the present one. */
export function refuseVote(t: Turn, { from, pre }: VoteRequest): void {
  t.sendWithHard({ kind: 'vote', to: from, term: t.state.term, pre, granted: false });
}

/** A vote of the present attempt, or one that was refused. */
export function onVote(t: Turn, { from, pre, granted, term }: Vote): void {
  const { state } = t;
  const { role } = state;
  if (role.kind === 'pre-candidate') {
    if (!pre || (granted && term !== state.term + 1)) return;
  } else if (role.kind !== 'candidate' || pre) return;
  role.votes.set(from, granted);
  count(t);
}

/** The own vote has become durable, perhaps. */
export function countOwnVote(t: Turn): void {
  const { state } = t;
  const { role } = state;
  if (role.kind !== 'candidate' || role.votes.has(state.id) || !hardIsDurable(state)) return;
  role.votes.set(state.id, true);
  count(t);
}

function count(t: Turn): void {
  const { state } = t;
  const { role } = state;
  if (role.kind !== 'candidate' && role.kind !== 'pre-candidate') return;
  const { members } = state.log;
  if (agree(members, (id) => role.votes.get(id) === true)) {
    if (role.kind === 'candidate') lead(t);
    else stand(t, false);
  } else if (agree(members, (id) => role.votes.get(id) === false)) {
    follow(t, state.term, null);
  }
}

/** An entry of its own comes first: with it, all that earlier leaders left is decided. */
function lead(t: Turn): void {
  const { state } = t;
  const { log, term, id } = state;
  const begun = log.last + 1;
  const others = log.members.filter((member) => member.id !== id);
  become(state, {
    kind: 'leader',
    progress: new Map(others.map((member) => [member.id, newProgress(begun)])),
    begun,
    sinceHeartbeat: 0,
    sinceQuorum: 0,
    round: 0,
    reads: [],
    early: [],
    transfer: null,
    uncommitted: sizeOf(log.range(log.commit + 1, log.last)),
  });
  state.leader = id;
  log.append([{ index: begun, term, type: 'empty', data: new Uint8Array(0) }]);
  broadcast(t, 'data');
}

/** The leader wants this voter to be the next one. */
export function onTimeoutNow(t: Turn, { from }: TimeoutNow): void {
  if (t.state.leader === from) campaign(t, true);
}

/** A leader of this term, or a later one, has spoken. */
export function heardLeader(t: Turn, { from, term }: Pick<LogAppend, 'from' | 'term'>): void {
  const { state } = t;
  if (state.leader !== from || term > state.term || state.role.kind !== 'follower') {
    follow(t, term, from);
  }
  state.silent = 0;
}
