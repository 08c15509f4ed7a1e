/**
 * What members say about each other.
 *
 * Invariants
 *   C1  Claims about one address are totally ordered: by incarnation, then boot id, then status. A
 *       table keeps the highest it has heard, so the order and number of deliveries do not matter.
 *   C2  Only a member itself raises its incarnation. It does so to refute: nothing else brings a
 *       member back from suspicion or death.
 *   C3  Incarnations begin at the wall clock of the start, so that a node that was started again is
 *       above its predecessor at the address. Where a clock went back, the node hears of the
 *       predecessor from whoever it joins, and goes above it.
 */

export type Status = 'alive' | 'suspect' | 'dead' | 'left';

/** One statement about one node; `by` is the key of the first-hand accuser of a suspicion, or 0. */
export interface Claim {
  /** "host:port" */
  readonly address: string;
  /** 32 hexadecimal digits, random at each start */
  readonly boot: string;
  readonly incarnation: number;
  readonly status: Status;
  readonly by: number;
}

export const statuses: readonly Status[] = ['alive', 'suspect', 'dead', 'left'];
export const rankOf: Readonly<Record<Status, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

/** What of a claim, or of what is known, decides which of two is higher. */
export type Precedence = Pick<Claim, 'boot' | 'incarnation' | 'status'>;

/** Whether `claim` says more than what is known about the same address (C1). */
export function supersedes(claim: Precedence, known: Precedence): boolean {
  if (claim.incarnation !== known.incarnation) return claim.incarnation > known.incarnation;
  if (claim.boot !== known.boot) return claim.boot > known.boot;
  return rankOf[claim.status] > rankOf[known.status];
}

/** The first 48 bits of a boot id: how members are named where bytes count. */
export function keyOf(boot: string): number {
  return Number.parseInt(boot.slice(0, 12), 16);
}

/** The node id as people see it. */
export function nodeIdOf({ address, boot }: Pick<Claim, 'address' | 'boot'>): string {
  return `${address}#${boot}`;
}
