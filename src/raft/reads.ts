/**
 * Reads that are as new as the moment they were asked for (dissertation, section 6.4).
 *
 * I1 The index of a read is what was decided when it came, known to a leader only after it has
 *    decided an entry of its own term.
 * I2 The read is answered after a quorum confirmed a round that was sent after it came: nobody else
 *    had been elected by then, so nothing more had been decided.
 * I3 Reads that come while a round is under way share the next one.
 */
import type { ReadIndex, ReadIndexReply } from '../wire/index.ts';
import { quorumOf, votersOf } from './members.ts';
import { broadcast, leading } from './replicate.ts';
import type { PendingRead } from './state.ts';
import type { Turn } from './turn.ts';

/** The owner asks. */
export function read(t: Turn, id: number): void {
  const { state } = t;
  if (state.role.kind === 'leader') return begin(t, id, state.id);
  const { leader, term, forwarded, limits } = state;
  if (leader === null) return t.answer({ kind: 'refused', id, why: 'no-leader' });
  if (forwarded.size >= limits.waiting) return t.answer({ kind: 'refused', id, why: 'busy' });
  forwarded.set(id, 0);
  t.sendWithHard({ kind: 'read-index', to: leader, term, id });
}

/** Another member asks. */
export function onReadIndex(t: Turn, { from, id }: ReadIndex): void {
  if (t.state.role.kind === 'leader') begin(t, id, from);
  else refuseRead(t, { from, id });
}

export function refuseRead(t: Turn, { from, id }: Pick<ReadIndex, 'from' | 'id'>): void {
  const { term } = t.state;
  t.sendWithHard({ kind: 'read-index-reply', to: from, term, id, index: null });
}

export function onReadIndexReply(t: Turn, { id, index }: ReadIndexReply): void {
  if (!t.state.forwarded.delete(id)) return;
  t.answer(index === null ? { kind: 'lost', id } : { kind: 'readable', id, index });
}

function begin(t: Turn, id: number, from: string): void {
  const role = leading(t);
  const { log, limits } = t.state;
  if (role.reads.length + role.early.length >= limits.waiting) {
    if (from === t.state.id) t.answer({ kind: 'refused', id, why: 'busy' });
    else refuseRead(t, { from, id });
  } else if (role.begun > log.commit) {
    role.early.push({ id, from });
  } else {
    const underWay = role.reads.some(({ round }) => round === role.round);
    role.reads.push({ id, from, index: log.commit, round: role.round + 1 });
    if (!underWay) nextRound(t);
  }
}

/** I1. The first own entry is decided: reads that waited for it begin. */
export function earlyReads(t: Turn): void {
  const role = leading(t);
  const early = role.early;
  role.early = [];
  for (const { id, from } of early) begin(t, id, from);
}

function nextRound(t: Turn): void {
  leading(t).round += 1;
  broadcast(t, 'heartbeat');
  confirmReads(t);
}

/** I2. */
export function confirmReads(t: Turn): void {
  const { state } = t;
  const role = leading(t);
  if (role.reads.length === 0) return;
  const { members } = state.log;
  const voters = votersOf(members);
  const ready = (read: PendingRead): boolean => {
    if (read.round > role.round) return false;
    const voices = voters.filter(
      ({ id }) => id === state.id || (role.progress.get(id)?.round ?? 0) >= read.round,
    );
    return state.rules.heard(voices.length, quorumOf(members));
  };
  const answered = role.reads.filter(ready);
  if (answered.length === 0) return;
  role.reads = role.reads.filter((read) => !answered.includes(read));
  for (const { id, from, index } of answered) {
    if (from === state.id) t.answer({ kind: 'readable', id, index });
    else t.send({ kind: 'read-index-reply', to: from, term: state.term, id, index });
  }
  if (role.reads.length > 0) nextRound(t);
}
