/**
 * Text in columns. User data is shown here, so control characters are made visible first: neither a
 * file name nor a tuple may move the cursor or colour the screen.
 */

const CONTROLS = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const ZERO_WIDTH = /^(?:\p{M}|\p{Cf})$/u;
const DOUBLE_WIDTH =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;
const NAMED: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** `text` with control and direction characters written out as escapes. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (c) => {
    return NAMED[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Terminal columns that `text` (visible, without colour codes) takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const c of text) width += charWidth(c);
  return width;
}

function charWidth(c: string): number {
  if (c < '\u0300') return 1;
  if (ZERO_WIDTH.test(c)) return 0;
  return DOUBLE_WIDTH.test(c) ? 2 : 1;
}

/** `text` in at most `width` columns; what is cut is marked by `…` at the end, or at the start. */
export function fitText(text: string, width: number, keep: 'start' | 'end' = 'start'): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  const characters = keep === 'start' ? [...text] : [...text].reverse();
  const kept: string[] = [];
  let used = 1;
  for (const c of characters) {
    used += charWidth(c);
    if (used > width) break;
    kept.push(c);
  }
  return keep === 'start' ? `${kept.join('')}…` : `…${kept.reverse().join('')}`;
}
