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

  /** The bytes in one piece; those that were received are in one already. */
  get data(): Uint8Array {
    return inOnePiece(this.parts);
  }
}

/** `parts` one behind the other, without a copy when there is one at most. */
export function inOnePiece(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length > 1) return Buffer.concat(parts);
  return parts.length === 1 ? parts[0] : NOTHING;
}

const NOTHING = new Uint8Array(0);
