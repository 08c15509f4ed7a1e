/** Whom to probe next. */
import { between, type Random } from '../core/index.ts';
import type { Member } from './member.ts';

export interface ProbeOrder {
  /** The next of `live`, or null when there is nobody. */
  next(live: readonly Member[], random: Random): Member | null;
  /** `member` has come to be known. */
  added(member: Member, random: Random): void;
}

/** Uniformly random with replacement: the basic protocol (SWIM, section 3.1). */
export class RandomOrder implements ProbeOrder {
  next(live: readonly Member[], random: Random): Member | null {
    return live.length === 0 ? null : live[between(random, 0, live.length)];
  }

  added(): void {}
}

/**
 * Each in turn, in an order that is shuffled anew after each round; who is new gets a random place
 * in what is left of the round (SWIM, section 4.3). So nobody waits longer than two rounds.
 */
export class ShuffledOrder implements ProbeOrder {
  readonly #round: Member[] = [];

  next(live: readonly Member[], random: Random): Member | null {
    if (live.length === 0) return null;
    while (true) {
      if (this.#round.length === 0) this.#refill(live, random);
      const member = this.#round.pop();
      if (member?.isLive) return member;
    }
  }

  added(member: Member, random: Random): void {
    const round = this.#round;
    const at = between(random, 0, round.length + 1);
    round.push(member);
    if (at < round.length - 1) [round[at], round[round.length - 1]] = [member, round[at]];
  }

  #refill(live: readonly Member[], random: Random): void {
    const round = this.#round;
    round.push(...live);
    for (let i = round.length - 1; i > 0; i--) {
      const j = between(random, 0, i + 1);
      [round[i], round[j]] = [round[j], round[i]];
    }
  }
}
