/** The shape of the tree: lengths, names, openings, words that must not be there. */
import { lineAt, type Source, type Verdict } from './source.ts';

export const FILE_LINES_MAX = 500;
export const FUNCTION_LINES_MAX = 70;

export function checkFileLength(files: readonly Source[]): Verdict {
  const problems = files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${FILE_LINES_MAX}`);
  return { checked: files.length, problems };
}

export interface FunctionSpan {
  readonly place: string;
  readonly lines: number;
}

/** At most `allowed` functions are longer than FUNCTION_LINES_MAX lines; lower it as they shrink. */
export function checkFunctionLength(files: readonly Source[], allowed = 0): Verdict {
  const functions = files.flatMap(functionsOf);
  const long = functions.filter(({ lines }) => lines > FUNCTION_LINES_MAX);
  const problems = long.map(({ place, lines }) => `${place}: a function of ${lines} lines`);
  return { checked: functions.length, problems: long.length > allowed ? problems : [] };
}

/** Every function body of a file, found by its braces. */
export function functionsOf(source: Source): FunctionSpan[] {
  const { code, path } = source;
  const spans: FunctionSpan[] = [];
  const open: number[] = [];
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '{') open.push(at);
    if (code[at] !== '}') continue;
    const start = open.pop();
    if (start === undefined || !opensFunction(code, start)) continue;
    const first = lineAt(code, start);
    spans.push({ place: `${path}:${first}`, lines: lineAt(code, at) - first + 1 });
  }
  return spans;
}

const CONTROL = /^(if|for|while|switch|catch|with|await|return)$/;

/** True when the brace follows `=>` or a parameter list, with or without a result type. */
function opensFunction(code: string, brace: number): boolean {
  let at = brace - 1;
  while (at >= 0 && /\s/.test(code[at])) at -= 1;
  if (code.slice(at - 1, at + 1) === '=>') return true;
  while (at >= 0 && /[\w$\s<>[\]|&,.:'"?}]/.test(code[at])) {
    at = code[at] === '}' ? opening(code, at, '{', '}') - 1 : at - 1;
  }
  if (code[at] !== ')') return false;
  const between = code.slice(at + 1, brace).trim();
  if (/\b(class|interface|namespace)\b/.test(between)) return false;
  if (between !== '' && !between.startsWith(':')) return false;
  const head = code.slice(0, opening(code, at, '(', ')')).trimEnd();
  const word = head.match(/[\w$#]+$/)?.[0];
  return word === undefined ? /[>\]]$/.test(head) : !CONTROL.test(word);
}

function opening(code: string, closing: number, left: string, right: string): number {
  let depth = 0;
  for (let at = closing; at >= 0; at--) {
    if (code[at] === right) depth += 1;
    if (code[at] === left) depth -= 1;
    if (depth === 0) return at;
  }
  return 0;
}

const NAMES: readonly (readonly [RegExp, RegExp])[] = [
  [/\.(ts|mjs|js)$/, /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|mjs|js)$/],
  [/\.py$/, /^_{0,2}[a-z0-9]+(_[a-z0-9]+)*_{0,2}\.py$/],
];

export function checkFileNames(paths: readonly string[]): Verdict {
  let checked = 0;
  const problems: string[] = [];
  for (const path of paths) {
    const name = path.split('/').at(-1) ?? path;
    const rule = NAMES.find(([kind]) => kind.test(name));
    if (rule === undefined) continue;
    checked += 1;
    if (!rule[1].test(name))
      problems.push(`${path} is not in ${name.endsWith('.py') ? 'snake_case' : 'kebab-case'}`);
  }
  return { checked, problems };
}

const word = (...parts: string[]): string => parts.join('');

/** Spelled in pieces, so that this file does not break its own rule. */
const LEFTOVERS = new RegExp(
  [
    `\\b${word('TO', 'DO')}\\b`,
    `\\b${word('FIX', 'ME')}\\b`,
    `\\b${word('XX', 'X')}\\b`,
    `\\b${word('HA', 'CK')}\\b`,
    word('not ', 'implemented'),
  ].join('|'),
);
const PRIVATE = new RegExp(
  [
    word('/wo', 'rk/'),
    word('/fa', 'rm/'),
    word('\\.lib', 'rary/'),
    word('shared/', 'hooks'),
    word('registry\\.', 'npmjs'),
    word('\\b[Ii]ss', 'ue #?\\d'),
  ].join('|'),
);

/** Nothing is left for later. */
export function checkLeftovers(files: readonly Source[]): Verdict {
  return checkWords(files, LEFTOVERS, 'was left for later');
}

/** Nothing names the machine or the place where it was written. */
export function checkPrivateWords(files: readonly Source[]): Verdict {
  return checkWords(files, PRIVATE, 'means nothing to a reader elsewhere');
}

function checkWords(files: readonly Source[], pattern: RegExp, why: string): Verdict {
  const problems = files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const match = line.match(pattern);
      return match === null ? [] : [`${path}:${index + 1}: ${JSON.stringify(match[0])} ${why}`];
    }),
  );
  return { checked: files.length, problems };
}

const ESSAY = /^\/\*\*\n([\s\S]*?)\n \*\//;
const ESSAY_LINES_MIN = 3;

/** Every folder of src has an index.ts that begins with an essay holding an example. */
export function checkIndexes(files: readonly Source[]): Verdict {
  const folders = new Set(
    files.filter(({ path }) => path.split('/').length > 2).map(({ path }) => path.split('/')[1]),
  );
  const problems = [...folders].flatMap((folder) => {
    const index = files.find(({ path }) => path === `src/${folder}/index.ts`);
    if (index === undefined) return [`src/${folder} has no index.ts`];
    const essay = index.text.match(ESSAY)?.[1].split('\n') ?? [];
    if (essay.length < ESSAY_LINES_MIN) return [`${index.path} does not begin with an essay`];
    const example = essay.some((line) => /^ \* {3,}\S/.test(line));
    return example ? [] : [`${index.path} has no usage example (indented lines) in its essay`];
  });
  return { checked: folders.size, problems };
}
