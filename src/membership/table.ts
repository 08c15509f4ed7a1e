/**
 * Everyone else that this node knows, by address and by key.
 *
 * Invariants
 *   T1  An address has one member. `live` holds those that are alive or suspected, each at its
 *       `place`, in an order without meaning.
 *   T2  `hash` depends on nothing but who is live in which incarnation, so that two members with the
 *       same hash need not compare their tables.
 */
import { assert, between, type Random } from '../core/index.ts';
import type { Member } from './member.ts';

export class MemberTable {
  readonly #byAddress = new Map<string, Member>();
  readonly #byKey = new Map<number, Member>();
  readonly #live: Member[] = [];

  get live(): readonly Member[] {
    return this.#live;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  all(): Iterable<Member> {
    return this.#byAddress.values();
  }

  at(address: string): Member | undefined {
    return this.#byAddress.get(address);
  }

  withKey(key: number): Member | undefined {
    return this.#byKey.get(key);
  }

  add(member: Member): void {
    assert(!this.#byAddress.has(member.address), 'an address has one member');
    this.#byAddress.set(member.address, member);
    this.#byKey.set(member.key, member);
  }

  remove(member: Member): void {
    this.setLive(member, false);
    this.#byAddress.delete(member.address);
    if (this.#byKey.get(member.key) === member) this.#byKey.delete(member.key);
  }

  /** Puts `member` among the live ones, or takes it out. */
  setLive(member: Member, live: boolean): void {
    if (live === member.place >= 0) return;
    if (live) {
      member.place = this.#live.push(member) - 1;
      return;
    }
    const last = this.#live.pop();
    assert(last !== undefined, 'a member with a place is in the list');
    if (last !== member) {
      this.#live[member.place] = last;
      last.place = member.place;
    }
    member.place = -1;
  }

  /** Up to `count` different live members, `except` not among them. */
  pick(random: Random, count: number, except?: Member): Member[] {
    const live = this.#live;
    const others = live.length - (except !== undefined && except.place >= 0 ? 1 : 0);
    const wanted = Math.min(count, others);
    if (wanted * 3 > live.length) return pickFromFew(random, live, wanted, except);
    const picked: Member[] = [];
    while (picked.length < wanted) {
      const member = live[between(random, 0, live.length)];
      if (member !== except && !picked.includes(member)) picked.push(member);
    }
    return picked;
  }

  /** T2, with `self` counted in. */
  hash(self: { readonly key: number; readonly incarnation: number }): number {
    let hash = mix(self.key, self.incarnation);
    for (const { key, incarnation } of this.#live) hash = (hash ^ mix(key, incarnation)) >>> 0;
    return hash;
  }
}

/** The beginning of a Fisher-Yates shuffle of a copy. */
function pickFromFew(
  random: Random,
  live: readonly Member[],
  wanted: number,
  except?: Member,
): Member[] {
  const pool = live.filter((member) => member !== except);
  for (let i = 0; i < wanted; i++) {
    const j = between(random, i, pool.length);
    [pool[i], pool[j]] = [pool[j], pool[i]];
  }
  pool.length = wanted;
  return pool;
}

/** Two 48-bit numbers as 32 well-mixed bits (the finaliser of murmur3). */
function mix(a: number, b: number): number {
  let h = (a ^ Math.floor(a / 2 ** 32) ^ Math.imul(b ^ Math.floor(b / 2 ** 32), 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
