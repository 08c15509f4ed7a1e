/**
 * The `shell-quote` library, used in this one place: one text of quoted words becomes arguments, as
 * a shell would split it, but nothing is ever expanded.
 *
 * The library drops a quote that is never closed and empties unknown variables; both would change
 * an argument without a word, so they are looked for here and refused.
 */
import { parse } from 'shell-quote';

/** The words of a text, or why it has none, as the end of a sentence with a remedy. */
export type ShellWords =
  | { readonly kind: 'words'; readonly words: string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** Splits `text` at unquoted blanks; quotes and backslashes work as in a shell. */
export function splitShellWords(text: string): ShellWords {
  const open = openQuote(text);
  if (open !== null) return refused(`the quote ${open} is never closed`);
  let variable: string | null = null;
  const entries = parse(text, (name) => {
    if (name !== '') variable = name;
    return name === '' ? undefined : '';
  });
  if (variable !== null) {
    return refused(`$${variable} would be a variable; put it in single quotes`);
  }
  const words: string[] = [];
  for (const entry of entries) {
    if (typeof entry !== 'string') return refused(operatorReason(entry));
    if (entry.includes('\0')) return refused('it contains a NUL character');
    words.push(entry);
  }
  return { kind: 'words', words };
}

/** The text that `splitShellWords` splits into `words`. */
export function joinShellWords(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function refused(reason: string): ShellWords {
  return { kind: 'refused', reason };
}

function operatorReason(entry: object): string {
  if ('pattern' in entry) return `the pattern ${String(entry.pattern)} is not expanded; quote it`;
  if ('comment' in entry) return 'a # begins a comment; quote it';
  const op = 'op' in entry ? String(entry.op) : '?';
  return `${op} is a shell operator, and no shell is run; quote it`;
}

/** The quote or backslash that `text` leaves open, or null. */
function openQuote(text: string): string | null {
  let quote: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\' && quote !== "'") {
      if (i === text.length - 1) return '\\';
      i += 1;
    } else if (quote === null && (c === "'" || c === '"')) quote = c;
    else if (c === quote) quote = null;
  }
  return quote;
}
