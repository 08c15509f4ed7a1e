/** The leader's side of a snapshot: one piece is under way, the next is sent when it is asked for. */
import type { LogSnapshotAck } from '../wire/index.ts';
import type { Mode } from './progress.ts';
import type { Turn } from './turn.ts';

type Sending = Extract<Mode, { kind: 'snapshot' }>;

/** Sends the piece that the member lacks. */
export function sendPiece(t: Turn, to: string, mode: Sending): void {
  const { term, limits } = t.state;
  const { snapshot, offset } = mode;
  mode.idle = 0;
  t.send({
    kind: 'log-snapshot',
    to,
    term,
    index: snapshot.index,
    lastTerm: snapshot.term,
    members: snapshot.members.map(({ id, address, votes }) => [id, address, votes]),
    offset,
    size: snapshot.data.length,
    data: snapshot.data.subarray(offset, offset + limits.chunkBytes),
  });
}

export function onSnapshotAck(t: Turn, { from, index, offset }: LogSnapshotAck): void {
  const { role } = t.state;
  if (role.kind !== 'leader') return;
  const progress = role.progress.get(from);
  if (progress === undefined) return;
  progress.active = true;
  const { mode } = progress;
  if (mode.kind !== 'snapshot' || mode.snapshot.index !== index) return;
  // An offset that goes back is a member that has begun anew; one that stays is a doubled message.
  if (offset === mode.offset || offset > mode.snapshot.data.length) return;
  mode.offset = offset;
  if (offset < mode.snapshot.data.length) sendPiece(t, from, mode);
}
