/** Small pieces of a stream put together, so that a message, or a write, is worth its cost. */
import { fault, inOnePiece } from '../../core/index.ts';
import { Bulk } from '../../transport/index.ts';
import { ITEM_BYTES } from './messages.ts';

/** Promises that are looked at again before an item is sent with what there is. */
const LOOKS = 16;
/** Smaller pieces are copied together. */
const SMALL_BYTES = 4 * 1024;

/**
 * The bytes of `source` in items of up to `ITEM_BYTES`, each in pieces none of which is small but the
 * last of a row of small ones. With `prompt` nothing is held back: what comes without waiting is
 * joined, and the rest goes on.
 */
export async function* gathered(
  source: AsyncIterable<Uint8Array>,
  prompt: boolean,
): AsyncGenerator<readonly Uint8Array[]> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  const item = (): readonly Uint8Array[] => {
    const whole = withoutSmall(held);
    held = [];
    bytes = 0;
    return whole;
  };
  for await (const piece of promptly(source, prompt)) {
    if (piece === null) {
      if (bytes > 0) yield item();
      continue;
    }
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + ITEM_BYTES - bytes);
      held.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes === ITEM_BYTES) yield item();
    }
  }
  if (bytes > 0) yield item();
}

/** `pieces` with those that are small, where several follow each other, in one. */
function withoutSmall(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const join = (): void => {
    if (small.length > 0) joined.push(inOnePiece(small));
    small = [];
  };
  for (const piece of pieces) {
    if (piece.length < SMALL_BYTES) {
      small.push(piece);
      continue;
    }
    join();
    joined.push(piece);
  }
  join();
  return joined;
}

/** The pieces of `items` one after the other. */
export async function* flat(
  items: AsyncIterable<readonly Uint8Array[]>,
): AsyncGenerator<Uint8Array> {
  for await (const pieces of items) yield* pieces;
}

/** As `gathered`, for a method that answers with bytes item by item. */
export async function* bulkItems(
  source: AsyncIterable<Uint8Array>,
  prompt = false,
): AsyncGenerator<Bulk> {
  for await (const pieces of gathered(source, prompt)) yield new Bulk(null, pieces);
}

/** What `bulkItems` gave a method at the other end. @throws WIRE_INVALID for any other item */
export async function* bulkBytes(items: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const item of items) {
    if (!(item instanceof Bulk)) throw fault('WIRE_INVALID', { problem: 'an item has no bytes' });
    yield* item.parts;
  }
}

/** The items of `source`, and null wherever the next one takes its time, if that is asked for. */
export async function* promptly<T>(
  source: AsyncIterable<T>,
  prompt: boolean,
): AsyncGenerator<T | null> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = iterator.next();
      if (prompt && !(await settlesSoon(next))) yield null;
      const { done, value } = await next;
      if (done === true) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await iterator.return?.();
  }
}

async function settlesSoon(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let look = 0; look < LOOKS && !settled; look++) await null;
  return settled;
}
