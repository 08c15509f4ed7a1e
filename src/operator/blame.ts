/**
 * Finds the input that kills its operator. Pure bookkeeping over places (0, 1, 2, ... in a lane).
 *
 * 1. When a process dies, every input that it was given and did not answer is a suspect.
 * 2. Suspects are given to the next process in groups of 1, 2, 4, ..., each group waiting for the
 *    answers of the one before. If the death was an accident, a few round trips clear all.
 * 3. If a group dies too, its inputs are given one at a time. So an input is only ever convicted of
 *    deaths that happened while it was the only unanswered one, or when the shim told exactly which
 *    one it was; and the last of them always happened while it was alone.
 * 4. `limit` convictions make it dead. The others are free again: an operator that has two poisons
 *    in one group dies again and is asked again.
 */

/** Largest group of suspects; beyond that nothing is gained. */
const GROUP_MAX = 1024;

export interface Death {
  /** Place of the first unanswered input. */
  readonly first: number;
  /** Place after the last input that the process was given. */
  readonly end: number;
  /** True when the process itself handed over all answers first: then `first` did it. */
  readonly exact: boolean;
}

export class Blame {
  readonly #limit: number;
  /** Suspects are [#from, #to). The very first input is one until it is answered. */
  #from = 0;
  #to = 1;
  #group = 1;
  #growing = true;
  #strikes = 0;
  #strikePlace = -1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True while inputs are given with care. */
  get isCareful(): boolean {
    return this.#from < this.#to;
  }

  /** How many inputs from `place` on may be sent now, when all before `answered` are answered. */
  allowance(place: number, answered: number): number {
    if (answered >= this.#to) return Number.POSITIVE_INFINITY;
    if (place < this.#from) return this.#from - place;
    if (answered < place || place >= this.#to) return 0;
    return Math.min(this.#group, this.#to - place);
  }

  /** Every input sent so far, all before `answered`, has its answer. */
  cleared(answered: number): void {
    if (!this.isCareful || answered <= this.#from) return;
    this.#from = answered;
    if (this.#growing) this.#group = Math.min(GROUP_MAX, this.#group * 2);
  }

  /** A process died; `dead` when input `first` is to be given up. */
  died({ first, end, exact }: Death): 'retry' | 'dead' {
    if (end <= first) return 'retry';
    const alone = end - first === 1;
    if (alone || exact) this.#strike(first);
    if (alone && this.#strikes >= this.#limit) {
      this.#strikes = 0;
      this.#from = this.#to = 0;
      return 'dead';
    }
    this.#growing = !exact && !this.isCareful;
    this.#from = first;
    this.#to = exact ? first + 1 : end;
    this.#group = 1;
    return 'retry';
  }

  #strike(place: number): void {
    this.#strikes = this.#strikePlace === place ? this.#strikes + 1 : 1;
    this.#strikePlace = place;
  }
}
