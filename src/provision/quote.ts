/**
 * The one place where a command line for a far shell is made.
 *
 *   Q1  Whatever text goes in comes out of `sh` as one argument, byte for byte: a name can never become
 *       a command, an option of the shell or a file pattern.
 *   Q2  What no shell can carry (NUL) is refused, not dropped.
 */
import { assert } from '../core/index.ts';

/** `words` as a command line that a POSIX shell splits into exactly these words. */
export function shellCommand(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  assert(!word.includes('\0'), 'a word of a command line has no NUL');
  return `'${word.replaceAll("'", "'\\''")}'`;
}
