/** Small pieces of a stream put together, so that a message is worth its cost. */
import { ITEM_BYTES } from './messages.ts';

/** Promises that are looked at again before an item is sent with what there is. */
const LOOKS = 16;

/**
 * Pieces of `source` in buffers of up to `ITEM_BYTES`; larger ones are cut. With `prompt` nothing is
 * held back: what comes without waiting is joined, and the rest goes on.
 */
export async function* gathered(
  source: AsyncIterable<Uint8Array>,
  prompt: boolean,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  const joined = (): Uint8Array => {
    const whole = held.length === 1 ? held[0] : Buffer.concat(held, bytes);
    held = [];
    bytes = 0;
    return whole;
  };
  for await (const piece of promptly(source, prompt)) {
    if (piece === null) {
      if (bytes > 0) yield joined();
      continue;
    }
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + ITEM_BYTES - bytes);
      held.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes === ITEM_BYTES) yield joined();
    }
  }
  if (bytes > 0) yield joined();
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
