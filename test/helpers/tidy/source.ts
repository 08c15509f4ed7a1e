/**
 * Reads TypeScript as far as the rules need it: which characters are code, which are comment and
 * which are the inside of a string.
 *
 * 1. `code` has the length and the lines of `text`; comments and the insides of strings, templates
 *    and regular expressions are spaces there, quotes stay. So a position in one is one in the other.
 * 2. A slash begins a regular expression where an operand may stand: after an operator, an opening
 *    bracket or a keyword such as `return`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Source {
  /** From the top of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
}

/** What a gate found: how many things it looked at, and a sentence for each that breaks the rule. */
export interface Verdict {
  readonly checked: number;
  readonly problems: readonly string[];
}

const NOT_OURS = /^(node_modules|bin|dist|sample|\.git|\.rainstorm.*|\.tmp-.*|__pycache__)$/;

/** Every file of the project that people write, as paths from its top. */
export function projectFiles(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.test(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return projectFiles(root, path);
    return entry.isFile() ? [path] : [];
  });
}

export function readSource(root: string, path: string): Source {
  return sourceOf(path, readFileSync(join(root, path), 'utf8'));
}

export function sourceOf(path: string, text: string): Source {
  return { path, text, code: /\.(ts|mjs|js)$/.test(path) ? codeOf(text) : text };
}

/** The line number (from 1) of a position. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}

/** Every match of `pattern` in `code`, with its place for a message. */
export function matchesIn(
  source: Source,
  pattern: RegExp,
): { readonly match: RegExpExecArray; readonly place: string }[] {
  return [...source.code.matchAll(pattern)].map((match) => ({
    match,
    place: `${source.path}:${lineAt(source.code, match.index)}`,
  }));
}

/** The text of the string literal whose opening quote is at `quote`. */
export function stringAt(source: Source, quote: number): string {
  const end = source.code.indexOf(source.code[quote], quote + 1);
  return source.text.slice(quote + 1, end);
}

/** `text` with comments and the insides of literals blanked. */
export function codeOf(text: string): string {
  const out = text.split('');
  const open: number[] = [];
  let braces = 0;
  let at = 0;
  const blankTo = (end: number): void => {
    for (; at < end; at++) if (out[at] !== '\n') out[at] = ' ';
  };
  const template = (): void => {
    const end = endOfTemplatePart(text, at);
    blankTo(end);
    at = end + (text[end] === '$' ? 2 : 1);
    if (text[end] === '$') open.push(braces);
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const one = text[at];
    if (two === '//') blankTo(orEnd(text, text.indexOf('\n', at)));
    else if (two === '/*') blankTo(orEnd(text, text.indexOf('*/', at + 2) + 2, 1));
    else if (one === "'" || one === '"') {
      at += 1;
      blankTo(endOfQuoted(text, at, one));
      at += 1;
    } else if (one === '`') {
      at += 1;
      template();
    } else if (one === '/' && operandMayStand(out, at)) {
      at += 1;
      blankTo(endOfRegExp(text, at));
      at += 1;
    } else if (one === '}' && open.length > 0 && open[open.length - 1] === braces) {
      open.pop();
      at += 1;
      template();
    } else {
      if (one === '{') braces += 1;
      if (one === '}') braces -= 1;
      at += 1;
    }
  }
  return out.join('');
}

function orEnd(text: string, found: number, least = 0): number {
  return found <= least - 1 ? text.length : found;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n')
    at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Where the next `${` or the closing backtick is. */
function endOfTemplatePart(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`' && text.slice(at, at + 2) !== '${') {
    at += text[at] === '\\' ? 2 : 1;
  }
  return at;
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false;
  let at = from;
  for (; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '/' && !inClass) break;
  }
  return at;
}

function operandMayStand(out: readonly string[], slash: number): boolean {
  let at = slash - 1;
  while (at >= 0 && /\s/.test(out[at])) at -= 1;
  if (at < 0) return true;
  if (/[\w$]/.test(out[at])) {
    let start = at;
    while (start > 0 && /[\w$]/.test(out[start - 1])) start -= 1;
    const word = out.slice(start, at + 1).join('');
    return /^(return|typeof|case|in|of|await|yield|void|delete|throw|else)$/.test(word);
  }
  return !/[)\]}'"`]/.test(out[at]);
}
