/**
 * How much of a file may be told: the number of its entries and the bytes in them.
 *
 * T1 What was told once stays told: the place never moves back.
 * T2 The lengths after entries that may not be told yet are kept, so that the place can move to each
 *    of them.
 */
export interface Place {
  /** The index after the last entry that counts. */
  readonly index: number;
  /** The bytes before it. */
  readonly length: number;
}

/** Dropping one mark moves the others, so it is done for many at a time. */
const DROP_AT_ONCE = 1024;

export class ToldPlace {
  #place: Place = { index: 0, length: 0 };
  /** The places that may come (T2), in order; those before `#start` are behind. */
  #marks: Place[] = [];
  #start = 0;

  /** The place of now. */
  get now(): Place {
    return this.#place;
  }

  /** An entry has its place; the file with it ends at `place`. */
  mark(place: Place): void {
    this.#marks.push(place);
  }

  /** Entries before `index` may be told (T1). */
  upTo(index: number): Place {
    const from = this.#start;
    while (this.#start < this.#marks.length && this.#marks[this.#start].index <= index) {
      this.#start += 1;
    }
    if (this.#start > from) this.#place = this.#marks[this.#start - 1];
    this.#drop();
    return this.#place;
  }

  /** Of the places up to `index` only the last will be asked for: they are told together or not. */
  join(index: number): void {
    let last = this.#start - 1;
    while (last + 1 < this.#marks.length && this.#marks[last + 1].index <= index) last += 1;
    if (last > this.#start) this.#start = last;
    this.#drop();
  }

  #drop(): void {
    if (this.#start < DROP_AT_ONCE && this.#start < this.#marks.length) return;
    this.#marks.splice(0, this.#start);
    this.#start = 0;
  }
}
