/**
 * The follower's side of the log.
 *
 * F1 Entries are taken only behind an entry that is the leader's too; what contradicts them goes, and
 *    that is never a decided one.
 * F2 A positive reply names only what is durable here.
 * F3 A negative reply says where the logs may part, so that one round trip passes over a whole term
 *    (section 5.3 of the paper).
 */
import type { LogAppend } from '../wire/index.ts';
import { type Turn, truncate } from './turn.ts';
import type { Entry } from './types.ts';
import { entriesOf } from './wire-entry.ts';

/** An append of the present leader. A sign of life is answered at once, for what is durable. */
export function onAppend(t: Turn, message: LogAppend): void {
  const { log, rules } = t.state;
  const { prevIndex, prevTerm, from: to, round } = message;
  if (prevIndex < log.commit) {
    return acknowledge(t, { to, index: Math.min(log.commit, log.stable), round });
  }
  if (!rules.fits(log.termAt(prevIndex), prevTerm)) return reject(t, message);
  const entries = entriesOf(message);
  const news = take(t, entries);
  const last = prevIndex + entries.length;
  log.commit = Math.max(log.commit, Math.min(message.commit, last));
  if (news) confirm(t, { to, index: last, round });
  else acknowledge(t, { to, index: Math.min(last, log.stable), round });
}

interface Agreed {
  readonly to: string;
  readonly index: number;
  readonly round: number;
}

/** F2. */
function confirm(t: Turn, agreed: Agreed): void {
  t.sendWithLog(positive(t, agreed));
}

function acknowledge(t: Turn, agreed: Agreed): void {
  t.sendWithHard(positive(t, agreed));
}

function positive(t: Turn, { to, index, round }: Agreed) {
  const { term } = t.state;
  const none = { hintIndex: 0, hintTerm: 0 };
  return { kind: 'log-append-reply', to, term, ok: true, index, ...none, round } as const;
}

/** F3. */
function reject(t: Turn, { from, prevIndex, prevTerm, round }: LogAppend): void {
  const { log, term } = t.state;
  const hint = log.lastBelow(prevIndex, prevTerm);
  t.sendWithHard({
    kind: 'log-append-reply',
    to: from,
    term,
    ok: false,
    index: prevIndex,
    hintIndex: hint.index,
    hintTerm: hint.term,
    round,
  });
}

/** A leader of a past term learns of the present one. */
export function refuseAppend(t: Turn, from: string): void {
  const none = { ok: false, index: 0, hintIndex: 0, hintTerm: 0, round: 0 };
  t.sendWithHard({ kind: 'log-append-reply', to: from, term: t.state.term, ...none });
}

/** F1. True when something was new. */
function take(t: Turn, entries: readonly Entry[]): boolean {
  const { log } = t.state;
  const fresh = entries.findIndex(({ index, term }) => log.termAt(index) !== term);
  if (fresh < 0) return false;
  const { index } = entries[fresh];
  if (index <= log.last) truncate(t.state, index);
  log.append(entries.slice(fresh));
  return true;
}
