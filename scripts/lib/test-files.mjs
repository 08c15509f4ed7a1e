/** Which test files `npm test -- <arguments>` means. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Complaint } from './setup.mjs';

/**
 * Splits the arguments into file patterns and flags for ava. A word without glob characters means
 * every test file whose path holds it.
 * @throws Complaint when no test file matches a pattern
 */
export function selectTests(folder, args) {
  const files = testFilesUnder(folder);
  const flags = args.filter((arg) => arg.startsWith('-'));
  const words = args.filter((arg) => !arg.startsWith('-'));
  const patterns = words.flatMap((word) => expand(word, files));
  return { patterns: [...new Set(patterns)], flags, narrowed: args.length > 0 };
}

function expand(word, files) {
  if (/[*?{}[\]!]/.test(word)) return [word];
  const matching = files.filter((file) => file.includes(word.replace(/^\.\//, '')));
  if (matching.length > 0) return matching;
  throw new Complaint(
    `no test file has ${JSON.stringify(word)} in its path; give a part of a path under test/, such as test/core`,
  );
}

function testFilesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(join(folder, '..'), join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
