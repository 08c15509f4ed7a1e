import { inOnePiece } from '../core/index.ts';

/**
 * A value and, beside it, bytes that travel as they are: neither copied nor bound to the limit of
 * messages. What a method returns or yields, and what its asker gets.
 */
export class Bulk {
  readonly value: unknown;
  /** In order; sent without being copied, so they must not change any more. */
  readonly parts: readonly Uint8Array[];

  constructor(value: unknown, parts: readonly Uint8Array[]) {
    this.value = value;
    this.parts = parts;
  }

  /** The bytes in one piece: copied when they came in several. */
  get data(): Uint8Array {
    return inOnePiece(this.parts);
  }
}
