/**
 * What this node believes: claims go in, events and news come out.
 *
 * Invariants
 *   L1  A claim that is not higher than what is known (claim.ts C1) changes nothing; the one
 *       exception is another accuser of a suspicion that stands, which confirms it.
 *   L2  What changes the table is passed on, once per change, and is an event at once.
 *   L3  A claim against this node is refuted in a higher incarnation, unless it is leaving.
 *   L4  A suspicion ends with a refutation, a death, or its time; the time shrinks with each
 *       confirmation by another first-hand accuser, of whom at most `wanted` count.
 *   L5  Who is gone stays in the table for `tombstoneMs`, so that older news of its life is refused.
 */
import type { Claim, Status } from './claim.ts';
import type { DeathCause } from './effects.ts';
import type { Ground } from './ground.ts';
import { MEMBERS_MAX } from './limits.ts';
import { Member } from './member.ts';
import { suspicionSpan } from './rules.ts';

export class Ledger {
  readonly #ground: Ground;
  /** set once this node leaves: then nothing is refuted (L3) */
  leaving = false;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Takes in what another node says. With `quietly`, others are not told of new members. */
  hear(claim: Claim, quietly = false): void {
    const { self, table, rules } = this.#ground;
    if (claim.address === self.address) return this.#hearOfSelf(claim);
    const member = table.at(claim.address);
    if (member === undefined) return this.#meet(claim, quietly);
    if (!rules.supersedes(claim, asStanding(member))) return this.#confirm(member, claim);
    if (claim.boot !== member.boot) return this.#supersede(member, claim, quietly);
    member.incarnation = claim.incarnation;
    this.#become(member, claim.status, claim.by, 'told');
    this.#ground.news.push(claim, claim.status === 'alive');
  }

  /** This node's own detector finds that `member` does not answer. */
  accuse(member: Member): void {
    if (!member.isLive) return;
    const { key, mode } = this.#ground;
    if (!mode.suspicion) return this.#declareDead(member);
    const { address, boot, incarnation } = member;
    this.hear({ address, boot, incarnation, status: 'suspect', by: key });
  }

  /** The time of a suspicion is over. */
  suspicionOver(member: Member): void {
    if (member.standing.kind === 'suspect') this.#declareDead(member);
  }

  /** Gives a suspect `delayMs` from now. */
  prolong(member: Member, delayMs: number): void {
    const { standing } = member;
    if (standing.kind !== 'suspect') return;
    standing.end.cancelled = true;
    standing.end = this.#ground.in(delayMs, { kind: 'suspicion-end', member });
  }

  /** Forgets a member that has been gone for long (L5). */
  forget(member: Member): void {
    this.#ground.table.remove(member);
  }

  #declareDead(member: Member): void {
    this.#become(member, 'dead', 0, 'unanswered');
    this.#ground.news.push(member.claim());
  }

  #meet(claim: Claim, quietly: boolean): void {
    const { table, order, random, news, now } = this.#ground;
    if (table.size >= MEMBERS_MAX) return;
    const member = new Member(claim, now);
    table.add(member);
    if (claim.status === 'dead' || claim.status === 'left') return this.#bury(member, claim.status);
    table.setLive(member, true);
    order.added(member, random);
    this.#ground.event({ kind: 'joined', node: refOf(member) });
    if (claim.status === 'suspect') this.#suspect(member, claim.by);
    if (!quietly) news.push(claim);
  }

  #hearOfSelf(claim: Claim): void {
    const ground = this.#ground;
    const { self, rules } = ground;
    if (this.leaving) return;
    const own = { ...self, status: 'alive' as const };
    const isPredecessor = claim.boot !== self.boot;
    const same = claim.boot === self.boot && claim.status === 'alive';
    if (same && claim.incarnation <= self.incarnation) return;
    if (!rules.supersedes(claim, own) && !(isPredecessor && claim.incarnation >= self.incarnation))
      return;
    const incarnation = rules.refutation(self.incarnation, claim.incarnation);
    ground.self = { ...self, incarnation };
    ground.news.push(ground.claim(), true);
    if (isPredecessor) return;
    ground.health.change(1);
    ground.event({ kind: 'refuted', node: ground.self, accused: claim.status });
  }

  /** Another first-hand accuser of the same suspicion (L4). */
  #confirm(member: Member, claim: Claim): void {
    const { standing } = member;
    if (standing.kind !== 'suspect' || claim.status !== 'suspect') return;
    if (claim.incarnation !== member.incarnation || claim.boot !== member.boot) return;
    const { accusers } = standing;
    const { wanted } = this.#span();
    if (accusers.length > wanted || accusers.includes(claim.by)) return;
    accusers.push(claim.by);
    this.#ground.news.push(claim);
    this.prolong(member, standing.since + this.#suspicionMs(accusers.length) - this.#ground.now);
  }

  /** A node that was started again takes the address of its predecessor. */
  #supersede(member: Member, claim: Claim, quietly: boolean): void {
    const { table, news } = this.#ground;
    if (member.isLive)
      this.#ground.event({ kind: 'dead', node: refOf(member), cause: 'superseded' });
    this.#settle(member);
    table.remove(member);
    news.drop(member.address);
    this.#meet(claim, quietly);
  }

  #become(member: Member, status: Status, by: number, cause: DeathCause): void {
    const was = member.standing.kind;
    this.#settle(member);
    if (status === 'dead' || status === 'left') {
      this.#bury(member, status);
      // Who was dead already and is now known to have left, left: that is no second end.
      const node = refOf(member);
      if (was === 'dead' || was === 'left') return;
      if (status === 'left') return this.#ground.event({ kind: 'left', node });
      return this.#ground.event({ kind: 'dead', node, cause });
    }
    this.#revive(member);
    if (was !== 'alive' && (status === 'alive' || was !== 'suspect'))
      this.#ground.event({ kind: 'alive', node: refOf(member), was });
    if (status === 'suspect') this.#suspect(member, by);
  }

  #revive(member: Member): void {
    const { table, order, random, now } = this.#ground;
    member.standing = { kind: 'alive' };
    if (member.place >= 0) return;
    member.heardAt = now;
    table.setLive(member, true);
    order.added(member, random);
  }

  #suspect(member: Member, by: number): void {
    const ground = this.#ground;
    const end = ground.in(this.#suspicionMs(1), { kind: 'suspicion-end', member });
    member.standing = { kind: 'suspect', since: ground.now, accusers: [by], end };
    ground.event({ kind: 'suspected', node: refOf(member), by, first: by === ground.key });
  }

  #bury(member: Member, kind: 'dead' | 'left'): void {
    const { table, config, now } = this.#ground;
    table.setLive(member, false);
    const forget = this.#ground.in(config.tombstoneMs, { kind: 'forget', member });
    member.standing = { kind, since: now, forget };
  }

  /** Ends what belongs to the member's standing. */
  #settle({ standing }: Member): void {
    if (standing.kind === 'suspect') standing.end.cancelled = true;
    if (standing.kind === 'dead' || standing.kind === 'left') standing.forget.cancelled = true;
  }

  #span(): ReturnType<typeof suspicionSpan> {
    return suspicionSpan(this.#ground.config, this.#ground.count);
  }

  #suspicionMs(accusers: number): number {
    return this.#ground.rules.suspicionMs(this.#span(), accusers - 1);
  }
}

function asStanding(member: Member): Pick<Claim, 'boot' | 'incarnation' | 'status'> {
  return { boot: member.boot, incarnation: member.incarnation, status: member.status };
}

function refOf({
  address,
  boot,
  incarnation,
}: Member): Pick<Claim, 'address' | 'boot' | 'incarnation'> {
  return { address, boot, incarnation };
}
