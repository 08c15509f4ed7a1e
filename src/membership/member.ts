/** One other node, as this one knows it. */
import type { Appointment } from './agenda.ts';
import { type Claim, keyOf, type Status } from './claim.ts';
import type { LoadClaim } from './load.ts';

/** A member's status with what belongs to it. */
export type Standing =
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'suspect';
      since: number;
      /** keys of the first-hand accusers that count, the first one first */
      readonly accusers: number[];
      end: Appointment;
    }
  | { readonly kind: 'dead'; readonly since: number; readonly forget: Appointment }
  | { readonly kind: 'left'; readonly since: number; readonly forget: Appointment };

export class Member {
  readonly address: string;
  readonly boot: string;
  readonly key: number;
  incarnation: number;
  standing: Standing = { kind: 'alive' };
  /** the highest heartbeat heard of, and when */
  heartbeat = 0;
  heardAt: number;
  load: LoadClaim | null = null;
  /** place in the table's list of those that live; -1 when it is gone */
  place = -1;

  constructor(claim: Pick<Claim, 'address' | 'boot' | 'incarnation'>, now: number) {
    this.address = claim.address;
    this.boot = claim.boot;
    this.key = keyOf(claim.boot);
    this.incarnation = claim.incarnation;
    this.heardAt = now;
  }

  get status(): Status {
    return this.standing.kind;
  }

  /** Alive or suspected. */
  get isLive(): boolean {
    return this.standing.kind === 'alive' || this.standing.kind === 'suspect';
  }

  /** Takes back `delayMs` that this node was stopped: it could not have heard anything then. */
  postpone(delayMs: number): void {
    this.heardAt += delayMs;
    if (this.standing.kind === 'suspect') this.standing.since += delayMs;
  }

  /** What this node would tell others about it; `by` is the first accuser of a suspicion. */
  claim(): Claim {
    const { address, boot, incarnation, standing } = this;
    const by = standing.kind === 'suspect' ? standing.accusers[0] : 0;
    return { address, boot, incarnation, status: standing.kind, by };
  }
}
