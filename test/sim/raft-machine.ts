/** What the simulated voters agree on: a list of numbers, each once. */
import type { Snapshot } from '../../src/raft/index.ts';

export class ListMachine {
  items: number[] = [];
  #known = new Set<number>();
  /** Tells apart any two histories. */
  hash = 0;

  add(data: Uint8Array): void {
    const item = Number(Buffer.from(data).toString());
    this.hash = (Math.imul(this.hash ^ item, 0x01000193) + 1) >>> 0;
    if (this.#known.has(item)) return;
    this.#known.add(item);
    this.items.push(item);
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify({ items: this.items, hash: this.hash }));
  }

  restore({ data }: Snapshot): void {
    const { items, hash } = JSON.parse(Buffer.from(data).toString() || '{"items":[],"hash":0}');
    this.items = items;
    this.hash = hash;
    this.#known = new Set(items);
  }
}

/** The bytes that stand for `item`. */
export function itemBytes(item: number): Uint8Array {
  return Buffer.from(String(item));
}
