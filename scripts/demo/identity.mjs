/** `npm run demo:identity`: two stages that pass everything on, 100 tuples a second, on 3 nodes. */
import { readFileSync } from 'node:fs';
import { demonstrate } from './lib/demonstration.mjs';

await demonstrate({
  title: 'identity: every line arrives once, unchanged, at 100 tuples a second',
  name: 'identity',
  lines: 1500,
  stages: [
    ['identity.py', 'none', 'transform'],
    ['identity.py', 'none', 'transform'],
  ],
  rate: 100,
  check: eachLineOnce,
});

/** Compares as sets of lines with their keys: between tasks no order is promised. */
function eachLineOnce(source, output) {
  const lines = linesOf(source).map((line, number) => `signs.csv:${number}: ${line}`);
  const seen = linesOf(output);
  const left = new Set(lines);
  for (const line of seen) {
    if (!left.delete(line)) throw new Error(`${output} has a line too much: ${line}`);
  }
  if (left.size > 0) throw new Error(`${left.size} lines are missing, such as ${[...left][0]}`);
  return `${seen.length} lines, each once`;
}

function linesOf(path) {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
