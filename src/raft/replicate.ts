/**
 * The leader's side of the log (section 5.3 of the paper; flow control after the dissertation,
 * section 10.2).
 *
 * R1 An entry is decided when a quorum of the voters in force has it durable, the leader counted like
 *    any other, and it, or one behind it, is of the leader's own term.
 * R2 A message lost, doubled or late costs time only: whatever a reply says is true of the moment it
 *    was sent, and the next heartbeat finds what is missing.
 * R3 What is under way to a member is bounded in messages and bytes.
 */
import { assert } from '../core/index.ts';
import type { LogAppendReply } from '../wire/index.ts';
import { follow } from './election.ts';
import { agree, isVoter, memberOf, quorumOf, votersOf } from './members.ts';
import { matched, newProgress, type Progress, probe, stream } from './progress.ts';
import { confirmReads, earlyReads } from './reads.ts';
import { sendPiece } from './send-snapshot.ts';
import type { Leading } from './state.ts';
import type { Turn } from './turn.ts';
import type { Entry } from './types.ts';
import { wireType } from './wire-entry.ts';

/** Why something is sent: `data` there may be new entries, `commit` more is decided. */
export type Reason = 'data' | 'commit' | 'heartbeat';

export function leading(t: Turn): Leading {
  const { role } = t.state;
  assert(role.kind === 'leader', 'only a leader sends the log');
  return role;
}

export function broadcast(t: Turn, reason: Reason): void {
  for (const id of [...leading(t).progress.keys()]) sendTo(t, id, reason);
}

/** Sends to member `id` what may be sent now. */
export function sendTo(t: Turn, id: string, reason: Reason): void {
  const progress = leading(t).progress.get(id);
  if (progress === undefined) return;
  const { mode } = progress;
  if (mode.kind === 'snapshot') return whileSnapshot(t, id, progress, reason);
  if (t.state.log.termAt(progress.next - 1) === null) {
    const { snapshot } = t.state.log;
    progress.mode = { kind: 'snapshot', snapshot, offset: 0, idle: 0 };
    return sendPiece(t, id, progress.mode);
  }
  if (mode.kind === 'probe') return probing(t, id, progress, reason);
  if (streaming(t, id, progress) === 0 && reason !== 'data') append(t, id, progress, []);
}

function whileSnapshot(t: Turn, id: string, progress: Progress, reason: Reason): void {
  const { mode } = progress;
  if (mode.kind !== 'snapshot' || reason !== 'heartbeat') return;
  signOfLife(t, id);
  mode.idle += 1;
  const { electionTicks, heartbeatTicks } = t.state.limits;
  if (mode.idle * heartbeatTicks >= electionTicks) sendPiece(t, id, mode);
}

function probing(t: Turn, id: string, progress: Progress, reason: Reason): void {
  const { mode } = progress;
  if (mode.kind !== 'probe') return;
  if (!mode.sent) {
    mode.sent = true;
    append(t, id, progress, t.state.log.slice(progress.next, t.state.limits.appendBytes));
  } else if (reason === 'heartbeat') append(t, id, progress, []);
}

/** R3. Returns how many messages were sent. */
function streaming(t: Turn, id: string, progress: Progress): number {
  const { log, limits } = t.state;
  const { mode } = progress;
  if (mode.kind !== 'stream') return 0;
  const { inflight } = mode;
  let bytes = inflight.reduce((sum, each) => sum + each.bytes, 0);
  let sent = 0;
  while (progress.next <= log.last) {
    if (inflight.length >= limits.inflightAppends || bytes >= limits.inflightBytes) break;
    const entries = log.slice(progress.next, limits.appendBytes);
    append(t, id, progress, entries);
    const size = sizeOf(entries);
    bytes += size;
    progress.next += entries.length;
    inflight.push({ last: progress.next - 1, bytes: size });
    sent += 1;
  }
  return sent;
}

function append(t: Turn, to: string, progress: Progress, entries: readonly Entry[]): void {
  const { log, term } = t.state;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  assert(prevTerm !== null, 'what is sent is in the log');
  t.send({
    kind: 'log-append',
    to,
    term,
    prevIndex,
    prevTerm,
    commit: log.commit,
    round: leading(t).round,
    entries: entries.map(({ term: of, type, data }) => [of, wireType(type), data]),
  });
}

/** A heartbeat that fits any log. */
function signOfLife(t: Turn, to: string): void {
  const { term } = t.state;
  const { round } = leading(t);
  const none = { prevIndex: 0, prevTerm: 0, commit: 0, entries: [] };
  t.send({ kind: 'log-append', to, term, ...none, round });
}

/** Bytes of data. */
export function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}

/** R2. */
export function onAppendReply(t: Turn, reply: LogAppendReply): void {
  const { state } = t;
  const { role, log } = state;
  if (role.kind !== 'leader') return;
  const progress = role.progress.get(reply.from);
  if (progress === undefined) return;
  progress.active = true;
  progress.round = Math.max(progress.round, reply.round);
  if (reply.ok) accepted(t, progress, reply);
  else rejected(t, progress, reply);
  if (state.role !== role) return;
  confirmReads(t);
  if (role.transfer?.to === reply.from && progress.match === log.last) {
    t.send({ kind: 'timeout-now', to: reply.from, term: state.term });
  }
}

function accepted(t: Turn, progress: Progress, { from, index }: LogAppendReply): void {
  const { log } = t.state;
  const news = matched(progress, index);
  const { mode, match } = progress;
  const arrived =
    mode.kind === 'snapshot' &&
    (match >= mode.snapshot.index || (match > 0 && log.termAt(match) !== null));
  const placed = mode.kind === 'probe' || arrived;
  if (placed) stream(progress);
  // Whoever was being probed has not been told what is decided.
  if (!news || !advance(t)) sendTo(t, from, placed ? 'commit' : 'data');
}

function rejected(t: Turn, progress: Progress, reply: LogAppendReply): void {
  const { mode } = progress;
  const stale =
    mode.kind === 'snapshot' ||
    reply.index <= progress.match ||
    (mode.kind === 'probe' && reply.index !== progress.next - 1);
  if (stale) return;
  const { index } = t.state.log.lastBelow(reply.hintIndex, reply.hintTerm);
  probe(progress, Math.min(index, reply.index - 1) + 1);
  sendTo(t, reply.from, 'data');
}

/** Decides what a quorum has (R1); true when something was decided. */
export function advance(t: Turn): boolean {
  const { state } = t;
  const { log } = state;
  const { progress } = leading(t);
  const voters = votersOf(log.members);
  const matches = voters
    .map(({ id }) => (id === state.id ? log.stable : (progress.get(id)?.match ?? 0)))
    .sort((a, b) => b - a);
  const index = matches[quorumOf(log.members) - 1] ?? 0;
  if (index <= log.commit) return false;
  if (!state.rules.counts(log.termAt(index), state.term)) return false;
  decide(t, index);
  return true;
}

function decide(t: Turn, index: number): void {
  const { state } = t;
  const { log } = state;
  const role = leading(t);
  const before = log.commit;
  role.uncommitted -= sizeOf(log.range(before + 1, index));
  log.commit = index;
  broadcast(t, 'commit');
  if (role.begun > before && role.begun <= index) earlyReads(t);
  if (log.membersIndex > before && log.membersIndex <= index) settleMembers(t);
}

/** A change of members is decided: who has left hears no more, and a leader that left hands over. */
function settleMembers(t: Turn): void {
  const { state } = t;
  const { members } = state.log;
  const { progress } = leading(t);
  for (const id of [...progress.keys()]) if (memberOf(members, id) === null) progress.delete(id);
  if (isVoter(members, state.id)) return;
  const ready = votersOf(members)
    .map(({ id }) => ({ id, match: progress.get(id)?.match ?? 0 }))
    .sort((a, b) => b.match - a.match);
  if (ready.length > 0) t.send({ kind: 'timeout-now', to: ready[0].id, term: state.term });
  follow(t, state.term, null);
}

/** The members in force have changed: whoever is new is sent the log. */
export function followMembers(t: Turn): void {
  const { state } = t;
  const { progress } = leading(t);
  for (const { id } of state.log.members) {
    if (id === state.id || progress.has(id)) continue;
    progress.set(id, newProgress(state.log.last));
  }
}

/** Time passes for a leader: heartbeats, and whether a quorum is still there. */
export function tickLeader(t: Turn): void {
  const { state } = t;
  const role = leading(t);
  const { heartbeatTicks, electionTicks } = state.limits;
  role.sinceHeartbeat += 1;
  role.sinceQuorum += 1;
  if (role.transfer !== null && ++role.transfer.ticks >= electionTicks) role.transfer = null;
  if (role.sinceQuorum >= electionTicks) {
    role.sinceQuorum = 0;
    const { members } = state.log;
    const there = (id: string): boolean =>
      id === state.id || role.progress.get(id)?.active === true;
    if (!agree(members, there)) return follow(t, state.term, null);
    for (const each of role.progress.values()) each.active = false;
  }
  if (role.sinceHeartbeat >= heartbeatTicks) {
    role.sinceHeartbeat = 0;
    broadcast(t, 'heartbeat');
  }
}
