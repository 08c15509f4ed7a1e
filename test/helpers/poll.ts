/**
 * Waiting in tests for what other processes do: always for a condition, with a deadline and a name,
 * never for a time. What this process itself does is awaited through its promises instead.
 */
import { once } from 'node:events';
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { sleep, systemClock } from '../../src/core/index.ts';

const DEADLINE_MS = 20_000;
const PAUSE_MS = 10;

export interface Wait {
  /** What is waited for, for the message when it does not come. */
  readonly what: string;
  readonly deadlineMs?: number;
}

/**
 * Resolves with the first value of `look` that is neither false, null nor undefined.
 * @throws Error naming `what` when the deadline passes first
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { what, deadlineMs = DEADLINE_MS }: Wait,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = systemClock.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (systemClock.now() >= deadline) throw late(what, deadlineMs);
    await sleep(systemClock, PAUSE_MS);
  }
}

/** Like `until`, but looks again whenever something changes in the directory of `path`. */
export async function untilFile<T>(
  path: string,
  look: () => T,
  { what, deadlineMs = DEADLINE_MS }: Wait,
): Promise<Exclude<T, false | null | undefined>> {
  const watcher = watch(dirname(path));
  const expired = AbortSignal.timeout(deadlineMs);
  try {
    for (;;) {
      const changed = once(watcher, 'change', { signal: expired });
      const seen = look();
      if (isThere(seen)) {
        changed.catch(() => 'the watcher is closed with nobody waiting');
        return seen;
      }
      await changed;
    }
  } catch (error) {
    throw expired.aborted ? late(what, deadlineMs) : error;
  } finally {
    watcher.close();
  }
}

/**
 * Resolves with the match once the text that `stream` gives from now on, after what it gave
 * `already`, matches `pattern`.
 * @throws Error naming `what` when the stream ends or the deadline passes first
 */
export async function untilText(
  stream: Readable,
  pattern: RegExp,
  { what, deadlineMs = DEADLINE_MS }: Wait,
  already = '',
): Promise<RegExpMatchArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
  let text = already;
  const take = (chunk: Buffer | string): void => {
    text += chunk.toString();
    const match = text.match(pattern);
    if (match !== null) resolve(match);
  };
  const ended = (): void => reject(new Error(`the stream ended before ${what}; it gave: ${text}`));
  const timer = systemClock.timer(deadlineMs, () => reject(late(what, deadlineMs)));
  stream.on('data', take).once('end', ended);
  take('');
  try {
    return await promise;
  } finally {
    timer.cancel();
    stream.off('data', take).off('end', ended);
  }
}

function isThere<T>(value: T): value is Exclude<T, false | null | undefined> {
  return value !== false && value !== null && value !== undefined;
}

function late(what: string, deadlineMs: number): Error {
  return new Error(`waited ${deadlineMs} ms in vain for ${what}`);
}
