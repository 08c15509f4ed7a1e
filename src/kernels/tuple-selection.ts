import { assert } from '../core/index.ts';

/** Which tuples of a block were given to the operator. */
export interface TupleSelection {
  /** leading tuples that were consumed before (repeats) */
  readonly skip: number;
  /** indices of tuples left out, rising; usually none */
  readonly dead?: readonly number[] | undefined;
}

/** Walks the indices of the selected tuples: one call per tuple, nothing allocated. */
export class SelectionCursor {
  #next: number;
  #dead: readonly number[];
  #deadAt = 0;

  constructor({ skip, dead = [] }: TupleSelection) {
    this.#next = skip;
    this.#dead = dead;
    for (let i = 1; i < dead.length; i++) assert(dead[i - 1] < dead[i], 'dead indices rise');
    while (this.#deadAt < dead.length && dead[this.#deadAt] < skip) this.#deadAt += 1;
  }

  /** The index of the next selected tuple. */
  next(): number {
    while (this.#deadAt < this.#dead.length && this.#dead[this.#deadAt] === this.#next) {
      this.#deadAt += 1;
      this.#next += 1;
    }
    return this.#next++;
  }
}
