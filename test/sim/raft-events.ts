/** Things that happen at a time; equal times in the order they were planned. */
interface Event {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

export class Events {
  now = 0;
  #planned = 0;
  readonly #heap: Event[] = [];

  plan(delay: number, run: () => void): void {
    this.#planned += 1;
    this.#heap.push({ at: this.now + delay, number: this.#planned, run });
    this.#up(this.#heap.length - 1);
  }

  /** Runs the next event, if it comes before `end`; false when there is none. */
  next(end: number): boolean {
    const first = this.#heap.at(0);
    if (first === undefined || first.at > end) {
      this.now = end;
      return false;
    }
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
    this.now = first.at;
    first.run();
    return true;
  }

  #up(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at], heap[parent])) return;
      [heap[at], heap[parent]] = [heap[parent], heap[at]];
      at = parent;
    }
  }

  #down(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const child = right < heap.length && before(heap[right], heap[left]) ? right : left;
      if (!before(heap[child], heap[at])) return;
      [heap[at], heap[child]] = [heap[child], heap[at]];
      at = child;
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
