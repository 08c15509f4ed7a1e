/**
 * Who should vote next, and who should hear of every decision, decided by the leader, one change at a
 * time.
 *
 * 1. There are as many voters as wanted (1, 3 or 5), the first nodes that came; numbers grow by two
 *    and only when both newcomers have caught up, because two voters endure less than one.
 * 2. Whoever has been dead for `replaceAfterMs` is replaced, when somebody living has caught up; with
 *    nobody to take the place nothing is changed, the dead may come back.
 * 3. Every living node is a member: without a vote it learns what is decided, and proposes as all do.
 * 4. A learner that has been dead for `forgetAfterMs` is let go: it costs a try to reach it now and
 *    then, and coming back only a change. A member that has moved is told to the others.
 */
import {
  type Change,
  MEMBERS_MAX,
  type Member,
  type Members,
  memberOf,
  votersOf,
} from '../raft/index.ts';

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
  /** True when that learner lacks little of the log. */
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

/** More voters than wanted: the dead go first, then the last that came. */
function surplus(view: KeeperView): Change | null {
  const voters = votersOf(view.members);
  if (voters.length <= view.voters) return null;
  const others = voters.filter(({ id }) => id !== view.self);
  const order = [...view.nodes.keys()];
  const last = others.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)).at(-1);
  const out = others.find((member) => !isLiving(view, member)) ?? last;
  return out === undefined ? null : { kind: 'remove', id: out.id };
}

function growth(view: KeeperView): Change | null {
  const voters = votersOf(view.members);
  const able = voters.filter((voter) => isLiving(view, voter)).length + candidates(view).length;
  const most = Math.min(view.voters, able + voters.filter((v) => !isLiving(view, v)).length);
  const wanted = most % 2 === 0 ? most - 1 : most;
  return wanted > voters.length ? newcomers(view, wanted - voters.length) : null;
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
