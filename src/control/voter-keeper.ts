/**
 * Who should vote next, and who should hear of every decision, decided by the leader, one change at a
 * time.
 *
 * 1. There are as many voters as wanted (1, 3 or 5), or the largest odd number that there are nodes
 *    for; the first nodes that came. Numbers grow by two and only when both newcomers have caught up
 *    and answer, because two voters endure less than one: between the first and the second there is
 *    one decision, and a cut of just that length stops decisions until it heals.
 * 2. Whoever has been dead for `replaceAfterMs` is replaced, when somebody living has caught up.
 * 3. Every living node is a member: without a vote it learns what is decided, and proposes as all do.
 * 4. A learner that has been dead for `forgetAfterMs` is let go: it costs a try to reach it now and
 *    then, and coming back only a change. A member that has moved is told to the others.
 * 5. Voters who have been dead for so long, with nobody to take the place, are let go while three or
 *    more remain: of five with two dead none more may die, of three that live one may. Each step is
 *    decided by more than half of those before and of those after it, so nothing that was decided is
 *    lost, whoever comes back. Three stay three: two endure no more, and keep less.
 */
import {
  type Change,
  MEMBERS_MAX,
  type Member,
  type Members,
  memberOf,
  votersOf,
} from '../raft/index.ts';

/** Fewer voters than these are never made of more because some have died (5). */
const KEPT_VOTERS = 3;

/** A node that could vote. */
export interface VoterNode {
  /** The id of its voter's log. */
  readonly id: string;
  readonly address: string;
  /** Since when it counts as dead, by the leader's clock; null while it lives. */
  readonly deadSince: number | null;
}

export interface KeeperView {
  readonly members: Members;
  readonly self: string;
  /** In the order in which they came. */
  readonly nodes: ReadonlyMap<string, VoterNode>;
  /** True when that learner lacks little of the log, and answers. */
  readonly caughtUp: (id: string) => boolean;
  /** How many voters are wanted. */
  readonly voters: 1 | 3 | 5;
  readonly replaceAfterMs: number;
  readonly forgetAfterMs: number;
  readonly now: number;
}

/** The next change, or null when all is as it should be or nothing can be done. */
export function nextChange(view: KeeperView): Change | null {
  return (
    moved(view) ??
    surplus(view) ??
    growth(view) ??
    replacement(view) ??
    deadLearner(view) ??
    newLearner(view)
  );
}

function moved({ members, nodes }: KeeperView): Change | null {
  for (const { id, address } of members) {
    const node = nodes.get(id);
    if (node === undefined || node.deadSince !== null || node.address === address) continue;
    return { kind: 'add', id, address: node.address };
  }
  return null;
}

function deadLearner(view: KeeperView): Change | null {
  const { forgetAfterMs } = view;
  const gone = view.members.find((each) => !each.votes && isGone(view, each, forgetAfterMs));
  return gone === undefined ? null : { kind: 'remove', id: gone.id };
}

/** 3. Who came first is added first. */
function newLearner(view: KeeperView): Change | null {
  if (view.members.length >= MEMBERS_MAX) return null;
  const next = candidates(view).find(({ id }) => memberOf(view.members, id) === null);
  return next === undefined ? null : { kind: 'add', id: next.id, address: next.address };
}

/** How many should vote: of those that are wanted, as many as there are (1); up to three the dead count. */
function wantedVoters(view: KeeperView): number {
  const voters = votersOf(view.members);
  const kept = voters.filter((voter) => !isGone(view, voter, view.replaceAfterMs));
  const able = Math.max(kept.length, Math.min(KEPT_VOTERS, voters.length));
  const most = Math.min(view.voters, able + candidates(view).length);
  return most % 2 === 0 ? most - 1 : most;
}

/** More voters than there should be (5): the dead go first, then the last that came. */
function surplus(view: KeeperView): Change | null {
  const voters = votersOf(view.members);
  const most = Math.min(view.voters, Math.max(KEPT_VOTERS, wantedVoters(view)));
  if (voters.length <= most) return null;
  const others = voters.filter(({ id }) => id !== view.self);
  const order = [...view.nodes.keys()];
  const last = others.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)).at(-1);
  const out =
    others.find((member) => isGone(view, member, view.replaceAfterMs)) ??
    others.find((member) => !isLiving(view, member)) ??
    last;
  return out === undefined ? null : { kind: 'remove', id: out.id };
}

/** From an odd number two at a time; what has been begun is finished with one. */
function growth(view: KeeperView): Change | null {
  const { length } = votersOf(view.members);
  return wantedVoters(view) > length ? newcomers(view, length % 2 === 0 ? 1 : 2) : null;
}

function replacement(view: KeeperView): Change | null {
  const { replaceAfterMs } = view;
  const gone = votersOf(view.members).find((voter) => isGone(view, voter, replaceAfterMs));
  return gone === undefined || readyLearners(view).length === 0
    ? null
    : { kind: 'remove', id: gone.id };
}

/** A step towards `count` new voters; null while they catch up. */
function newcomers(view: KeeperView, count: number): Change | null {
  const ready = readyLearners(view);
  return ready.length >= count ? { kind: 'promote', id: ready[0].id } : null;
}

/** Learners that could vote, in the order in which they came. */
function readyLearners(view: KeeperView): VoterNode[] {
  return candidates(view).filter(
    ({ id }) => memberOf(view.members, id) !== null && view.caughtUp(id),
  );
}

/** Living nodes without a vote, learners among them. */
function candidates({ nodes, members }: KeeperView): VoterNode[] {
  return [...nodes.values()].filter(
    ({ id, deadSince }) => deadSince === null && memberOf(members, id)?.votes !== true,
  );
}

function isLiving({ nodes, self }: KeeperView, { id }: Member): boolean {
  return id === self || nodes.get(id)?.deadSince === null;
}

function isGone({ nodes, now, self }: KeeperView, { id }: Member, afterMs: number): boolean {
  const since = nodes.get(id)?.deadSince ?? null;
  return id !== self && since !== null && now - since >= afterMs;
}
