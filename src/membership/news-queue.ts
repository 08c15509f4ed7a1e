/**
 * The claims that this node still passes on, attached to whatever it sends.
 *
 * Invariants
 *   N1  A claim is sent a bounded number of times (`Rules.retransmissions`), then retired.
 *   N2  What was sent least goes first; among those what is most urgent, then what is newest
 *       (SWIM, section 4.1: younger news first).
 *   N3  About one address only claims of the same standing wait: a higher one replaces them. A
 *       suspicion waits once per first-hand accuser, because others count accusers.
 */
import { type Claim, nodeIdOf, type Status } from './claim.ts';
import { claimBytes } from './codec.ts';
import { CLAIMS_MAX } from './limits.ts';

interface Waiting {
  readonly claim: Claim;
  readonly bytes: number;
  readonly urgency: number;
  readonly born: number;
  sent: number;
}

/** Refutations are urgent through `push`; a join can wait longest. */
const urgencyOf: Readonly<Record<Status, number>> = { dead: 3, left: 3, suspect: 2, alive: 1 };
const REFUTATION_URGENCY = 4;
const NONE: readonly Claim[] = [];

export class NewsQueue {
  #waiting: Waiting[] = [];
  #born = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Passes `claim` on; with `refutes`, before all others. */
  push(claim: Claim, refutes = false): void {
    const kept = this.#waiting.filter((waiting) => !isReplaced(waiting.claim, claim));
    this.#born += 1;
    const urgency = refutes ? REFUTATION_URGENCY : urgencyOf[claim.status];
    kept.push({ claim, bytes: claimBytes(claim), urgency, born: this.#born, sent: 0 });
    this.#waiting = kept;
  }

  /** Stops passing on anything about `address`. */
  drop(address: string): void {
    this.#waiting = this.#waiting.filter(({ claim }) => claim.address !== address);
  }

  /**
   * The claims for the next packet, counted as sent.
   * @param room bytes that the packet has left
   * @param limit how often each is sent in all
   * @param first a claim that goes into the packet in any case, or null
   */
  take(room: number, limit: number, first: Claim | null): readonly Claim[] {
    if (this.#waiting.length === 0) return first === null ? NONE : [first];
    const taken: Claim[] = first === null ? [] : [first];
    let left = first === null ? room : room - claimBytes(first);
    this.#waiting.sort(byTurn);
    let retired = false;
    for (const waiting of this.#waiting) {
      if (taken.length === CLAIMS_MAX || waiting.bytes > left) break;
      if (first !== null && isSame(waiting.claim, first)) continue;
      taken.push(waiting.claim);
      left -= waiting.bytes;
      waiting.sent += 1;
      retired ||= waiting.sent >= limit;
    }
    if (retired) this.#waiting = this.#waiting.filter(({ sent }) => sent < limit);
    return taken;
  }
}

function byTurn(a: Waiting, b: Waiting): number {
  return a.sent - b.sent || b.urgency - a.urgency || b.born - a.born;
}

function isSame(a: Claim, b: Claim): boolean {
  return a.by === b.by && a.status === b.status && sameNode(a, b);
}

/** Whether `old` has no place beside `fresh` (N3). */
function isReplaced(old: Claim, fresh: Claim): boolean {
  if (old.address !== fresh.address) return false;
  return !sameNode(old, fresh) || old.status !== fresh.status || old.by === fresh.by;
}

function sameNode(a: Claim, b: Claim): boolean {
  return a.incarnation === b.incarnation && nodeIdOf(a) === nodeIdOf(b);
}
