/** Links of the documentation lead somewhere. */
import { posix } from 'node:path';
import type { Source, Verdict } from './source.ts';

const LINK = /\[[^\]\n]*\]\(([^)\s]+)\)/g;

/** Every relative link of a Markdown file names a file, and a heading of it when it has a `#`. */
export function checkLinks(documents: readonly Source[], paths: readonly string[]): Verdict {
  const known = new Set(paths.flatMap((path) => [path, ...foldersOf(path)]));
  const texts = new Map(documents.map(({ path, text }) => [path, text]));
  const problems: string[] = [];
  let checked = 0;
  for (const { path, text } of documents) {
    for (const [, target] of withoutCode(text).matchAll(LINK)) {
      checked += 1;
      if (/^[a-z]+:/.test(target)) continue;
      const [file, heading] = target.split('#');
      const to = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (!known.has(to.replace(/\/$/, ''))) problems.push(`${path}: there is no ${target}`);
      else if (heading !== undefined && !headingsOf(texts.get(to) ?? '').has(heading)) {
        problems.push(`${path}: ${to} has no heading #${heading}`);
      }
    }
  }
  return { checked, problems };
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

function headingsOf(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ +(.*)$/gm);
  return new Set([...headings].map(([, title]) => slugOf(title)));
}

function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
