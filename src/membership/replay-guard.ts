/**
 * Which sealed packets have been seen.
 *
 * Invariants
 *   R1  A counter of a boot id is accepted once. Packets may overtake each other by WINDOW counters;
 *       what is older is refused.
 *   R2  The first packet of a boot id must have been sent within CLOCK_TOLERANCE_S of our clock. So
 *       what was recorded long ago, of a node that is forgotten here or before this node was started,
 *       is refused. After that clocks do not matter and may jump.
 *   R3  A boot id is forgotten only when it has been silent for so long that R2 refuses whatever it
 *       has sent before.
 */
import { assert } from '../core/index.ts';
import { MEMBERS_MAX } from './limits.ts';

/** Packets by which one may overtake another. */
const WINDOW = 1024;
const WORDS = WINDOW / 32;
/** How far two clocks may be apart for their nodes to meet. */
export const CLOCK_TOLERANCE_S = 120;
const FORGET_S = 600;
const SENDERS_MAX = 2 * MEMBERS_MAX;

assert(FORGET_S > 2 * CLOCK_TOLERANCE_S, 'a forgotten boot id is stale');

interface Window {
  highest: number;
  heardAt: number;
  readonly seen: Uint32Array;
}

export type Freshness = 'fresh' | 'replayed' | 'stale';

export class ReplayGuard {
  readonly #windows = new Map<string, Window>();

  /** Whether a packet that opened is new; it is remembered when it is. `now` in wall seconds. */
  check(stamp: { boot: string; counter: number; sentAt: number }, now: number): Freshness {
    const window = this.#windows.get(stamp.boot) ?? this.#meet(stamp, now);
    if (window === null) return 'stale';
    if (!mark(window, stamp.counter)) return 'replayed';
    window.heardAt = now;
    return 'fresh';
  }

  #meet({ boot, sentAt }: { boot: string; sentAt: number }, now: number): Window | null {
    if (Math.abs(now - sentAt) > CLOCK_TOLERANCE_S) return null;
    if (this.#windows.size >= SENDERS_MAX) this.#forget(now);
    if (this.#windows.size >= SENDERS_MAX) return null;
    const window = { highest: -1, heardAt: now, seen: new Uint32Array(WORDS) };
    this.#windows.set(boot, window);
    return window;
  }

  #forget(now: number): void {
    for (const [boot, { heardAt }] of this.#windows)
      if (now - heardAt > FORGET_S) this.#windows.delete(boot);
  }
}

/** Marks `counter` as seen; false when it was, or is too old to tell. */
function mark(window: Window, counter: number): boolean {
  const { seen } = window;
  if (counter <= window.highest - WINDOW) return false;
  if (counter > window.highest) {
    const from = Math.max(window.highest + 1, counter - WINDOW + 1);
    for (let skipped = from; skipped <= counter; skipped++) clear(seen, skipped);
    window.highest = counter;
  }
  const [word, bit] = place(counter);
  if ((seen[word] & bit) !== 0) return false;
  seen[word] |= bit;
  return true;
}

function clear(seen: Uint32Array, counter: number): void {
  const [word, bit] = place(counter);
  seen[word] &= ~bit;
}

function place(counter: number): [word: number, bit: number] {
  const at = counter % WINDOW;
  return [at >>> 5, 1 << (at & 31)];
}
