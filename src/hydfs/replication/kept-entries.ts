/**
 * The newest entries of a file, kept for the replicas that do not have them yet.
 *
 * M1 Beyond a number of bytes the oldest go first, but none that could not be read back from the disk.
 * M2 What every replica has is not kept.
 */
import type { Payload } from '../../storage/index.ts';
import { BATCH_ENTRIES_MAX } from './messages.ts';

const DROPPED: Payload = { parts: [], bytes: 0, crc: 0 };

export class KeptEntries {
  readonly #bytesMax: number;
  #entries: Payload[] = [];
  /** Entries before this place are dropped. */
  #start = 0;
  #bytes = 0;
  #nextIndex: number;

  constructor(bytesMax: number, nextIndex: number) {
    this.#bytesMax = bytesMax;
    this.#nextIndex = nextIndex;
  }

  get firstIndex(): number {
    return this.#nextIndex - (this.#entries.length - this.#start);
  }

  /** Keeps the next entry. */
  add(entry: Payload, durableIndex: number): void {
    this.#entries.push(entry);
    this.#nextIndex += 1;
    this.#bytes += entry.bytes;
    while (this.#bytes > this.#bytesMax && this.firstIndex < durableIndex) this.#drop();
  }

  /** An entry that nobody waits for has its place; those before it are not kept either. */
  passOver(): void {
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#nextIndex += 1;
  }

  /** Every replica has the entries before `index`. */
  passed(index: number): void {
    while (this.#start < this.#entries.length && this.firstIndex < index) this.#drop();
  }

  /** How large entry `index` is; 0 when it is not kept. */
  bytesOf(index: number): number {
    if (index < this.firstIndex) return 0;
    return this.#entries.at(this.#start + index - this.firstIndex)?.bytes ?? 0;
  }

  /** Entries from `index` up to `limit`: one at least, `bytesMax` at most; null when it is not kept. */
  take(index: number, limit: number, bytesMax: number): Payload[] | null {
    if (index < this.firstIndex) return null;
    const taken: Payload[] = [];
    let bytes = 0;
    for (let i = index; i < Math.min(limit, index + BATCH_ENTRIES_MAX); i++) {
      const entry = this.#entries[this.#start + i - this.firstIndex];
      bytes += entry.bytes;
      if (taken.length > 0 && bytes > bytesMax) break;
      taken.push(entry);
    }
    return taken;
  }

  #drop(): void {
    this.#bytes -= this.#entries[this.#start].bytes;
    // its place stays for a while, its bytes do not
    this.#entries[this.#start] = DROPPED;
    this.#start += 1;
    if (this.#start < 1024 && this.#start < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }
}
