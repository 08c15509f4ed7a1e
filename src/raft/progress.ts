/**
 * What a leader knows of one member.
 *
 *   probe      it is not known where the logs part: one message at a time
 *   stream     all of `match` and below is equal: entries are sent ahead, `inflight` are unanswered
 *   snapshot   what comes next is not in the log any more: a snapshot is sent piece by piece
 *
 * P1 `match < next`, and both only grow while streaming.
 * P2 `match` was durable at the member when it said so, in this leader's term.
 */
import type { Snapshot } from './types.ts';

export type Mode =
  | { readonly kind: 'probe'; sent: boolean }
  | {
      readonly kind: 'stream';
      readonly inflight: { readonly last: number; readonly bytes: number }[];
    }
  | {
      readonly kind: 'snapshot';
      readonly snapshot: Snapshot;
      offset: number;
      /** Heartbeats since the last piece was sent. */
      idle: number;
    };

export interface Progress {
  match: number;
  next: number;
  mode: Mode;
  /** Heard of since the leader last counted its voters. */
  active: boolean;
  /** The newest round it answered. */
  round: number;
}

export function newProgress(next: number): Progress {
  return { match: 0, next, mode: { kind: 'probe', sent: false }, active: true, round: 0 };
}

export function probe(progress: Progress, next: number): void {
  progress.next = Math.max(next, progress.match + 1);
  progress.mode = { kind: 'probe', sent: false };
}

export function stream(progress: Progress): void {
  progress.next = progress.match + 1;
  progress.mode = { kind: 'stream', inflight: [] };
}

/** Notes that the member's log is durable and equal up to `match`; true when that is news. */
export function matched(progress: Progress, match: number): boolean {
  const { mode } = progress;
  if (mode.kind === 'stream') {
    while (mode.inflight.length > 0 && mode.inflight[0].last <= match) mode.inflight.shift();
  }
  progress.next = Math.max(progress.next, match + 1);
  if (match <= progress.match) return false;
  progress.match = match;
  return true;
}
