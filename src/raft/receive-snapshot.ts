/**
 * The follower's side of a snapshot.
 *
 * S1 Pieces are put together in order; one of another snapshot begins anew.
 * S2 A log that has the snapshot's last entry is not replaced: all up to it is decided, that is all.
 * S3 The leader hears of a complete snapshot when it is durable.
 */
import type { LogSnapshot } from '../wire/index.ts';
import { restore, type Turn } from './turn.ts';
import type { Snapshot } from './types.ts';

/** A piece from the present leader. */
export function onSnapshot(t: Turn, piece: LogSnapshot): void {
  const { state } = t;
  const { log } = state;
  const { from, index, lastTerm, size } = piece;
  if (index <= log.commit) return settled(t, from);
  if (log.termAt(index) === lastTerm) {
    log.commit = index;
    return settled(t, from);
  }
  if (size > state.limits.snapshotBytes) return;
  const { incoming } = state;
  if (incoming === null || incoming.index !== index || incoming.term !== lastTerm) {
    state.incoming = { index, term: lastTerm, size, pieces: [], received: 0 };
  }
  gather(t, piece);
}

/** S1. */
function gather(t: Turn, piece: LogSnapshot): void {
  const { state } = t;
  const { incoming } = state;
  if (incoming === null || incoming.size !== piece.size) return;
  const fits = piece.offset === incoming.received;
  if (fits && incoming.received + piece.data.length <= incoming.size) {
    incoming.pieces.push(Uint8Array.from(piece.data));
    incoming.received += piece.data.length;
  }
  if (incoming.received < incoming.size) {
    const { from: to, index } = piece;
    const { term } = state;
    t.sendWithHard({ kind: 'log-snapshot-ack', to, term, index, offset: incoming.received });
    return;
  }
  state.incoming = null;
  const { index, lastTerm: term } = piece;
  const members = piece.members.map(([id, address, votes]) => ({ id, address, votes }));
  install(t, piece.from, { index, term, members, data: Buffer.concat(incoming.pieces) });
}

function install(t: Turn, leader: string, snapshot: Snapshot): void {
  restore(t.state, snapshot);
  settled(t, leader);
}

/** S3. */
function settled(t: Turn, to: string): void {
  const { term, log } = t.state;
  const none = { hintIndex: 0, hintTerm: 0, round: 0 };
  t.sendWithLog({ kind: 'log-append-reply', to, term, ok: true, index: log.commit, ...none });
}
