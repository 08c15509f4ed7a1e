/**
 * What is to be done when: a heap of deadlines. A cancelled one stays in the heap until its time.
 */
import type { Member } from './member.ts';
import type { Probe, Relay } from './probe-detector.ts';

export type Duty =
  | { readonly kind: 'probe-period' }
  | { readonly kind: 'probe-indirect'; readonly probe: Probe }
  | { readonly kind: 'probe-fail'; readonly probe: Probe }
  | { readonly kind: 'relay-nack'; readonly relay: Relay }
  | { readonly kind: 'relay-end'; readonly relay: Relay }
  | { readonly kind: 'suspicion-end'; readonly member: Member }
  | { readonly kind: 'beat-period' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'join' }
  | { readonly kind: 'forget'; readonly member: Member }
  | { readonly kind: 'leave' };

/** A duty and its time; `cancelled` ones are passed over. */
export interface Appointment {
  at: number;
  /** of two at the same time, the one made first */
  readonly order: number;
  readonly duty: Duty;
  cancelled: boolean;
}

export class Agenda {
  readonly #heap: Appointment[] = [];
  #order = 0;

  add(at: number, duty: Duty): Appointment {
    const appointment: Appointment = { at, order: this.#order, duty, cancelled: false };
    this.#order += 1;
    this.#heap.push(appointment);
    this.#rise(this.#heap.length - 1);
    return appointment;
  }

  /** When the next duty is due, or Infinity. */
  get dueAt(): number {
    this.#dropCancelled();
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0].at;
  }

  /** Takes the next appointment that is due at `now`, or null. */
  take(now: number): Appointment | null {
    this.#dropCancelled();
    if (this.#heap.length === 0 || this.#heap[0].at > now) return null;
    return this.#pop();
  }

  /** Puts everything off by `delayMs`. */
  postpone(delayMs: number): void {
    for (const appointment of this.#heap) appointment.at += delayMs;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0].cancelled) this.#pop();
  }

  #pop(): Appointment {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const item = heap[from];
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const item = heap[from];
    let at = from;
    while (true) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (!isBefore(heap[child], item)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  }
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}
