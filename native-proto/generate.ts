/**
 * Writes `rainstorm.cddl` and the files in `golden/`:  node native-proto/generate.ts
 *
 * Golden files only ever get company. When one that exists would change, an older reader could not
 * read what this program writes: that needs a new protocol version, and `--change` here.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { goldenFiles } from './golden.ts';
import { assembleGrammar } from './grammar.ts';

const mayChange = process.argv.includes('--change');

writeFileSync(join(import.meta.dirname, 'rainstorm.cddl'), assembleGrammar());
let written = 0;
for (const [name, text] of goldenFiles()) {
  const path = join(import.meta.dirname, 'golden', name);
  if (existsSync(path) && readFileSync(path, 'utf8') !== text && !mayChange)
    throw new Error(`${name} would change`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  written += 1;
}
process.stdout.write(`${written} golden files\n`);
