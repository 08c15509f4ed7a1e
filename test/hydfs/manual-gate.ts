import { fault } from '../../src/core/index.ts';
import type { ReplicaGate } from '../../src/hydfs/replication/index.ts';
import type { Payload } from '../../src/storage/index.ts';

interface Waiter {
  readonly index: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** A gate that the test opens, closes and moves. */
export class ManualGate implements ReplicaGate {
  open = true;
  committedIndex = 0;
  readonly entries: { readonly index: number; readonly payload: Uint8Array }[] = [];
  #waiters: Waiter[] = [];

  admit(): void {
    if (!this.open) throw fault('NOT_PRIMARY', { point: 1, version: 1 });
  }

  placed(index: number, { parts }: Payload): void {
    this.entries.push({ index, payload: Buffer.concat(parts) });
  }

  committed(index: number): Promise<void> {
    if (index < this.committedIndex) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ index, resolve, reject });
    return promise;
  }

  /** The entries before `index` are everywhere. */
  commit(index: number): void {
    this.committedIndex = Math.max(this.committedIndex, index);
    for (const waiter of this.#waiters) if (waiter.index < index) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => waiter.index >= index);
  }

  /** Nobody is told anything any more. */
  end(): void {
    this.open = false;
    const reason = fault('REPLICA_NOT_READY', { name: 'f', reason: 'the test says so' });
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }
}
