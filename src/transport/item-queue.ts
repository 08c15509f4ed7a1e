import { fault } from '../core/index.ts';

type End = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly reason: unknown };

/** Items between a connection and one reader; the credit given bounds how many wait. */
export class ItemQueue implements AsyncIterable<unknown> {
  #items: unknown[] = [];
  #credit: number;
  #end: End | null = null;
  #changed: PromiseWithResolvers<void> | null = null;

  constructor(credit: number) {
    this.#credit = credit;
  }

  /** @throws fault WIRE_INVALID when the sender has no credit left */
  push(value: unknown): void {
    if (this.#credit === 0) throw fault('WIRE_INVALID', { problem: 'an item without credit' });
    this.#credit -= 1;
    this.#items.push(value);
    this.#wake();
  }

  allow(items: number): void {
    this.#credit += items;
  }

  end(): void {
    this.#finish({ kind: 'done' });
  }

  fail(reason: unknown): void {
    this.#finish({ kind: 'failed', reason });
  }

  /** Gives every item that came before the end, then ends or throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    while (true) {
      const batch = this.#items;
      this.#items = [];
      for (const value of batch) yield value;
      if (this.#items.length > 0) continue;
      if (this.#end?.kind === 'done') return;
      if (this.#end?.kind === 'failed') throw this.#end.reason;
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
  }

  #finish(end: End): void {
    this.#end ??= end;
    this.#wake();
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = null;
  }
}
