/**
 * The texts that travel inside the executable, by the names under which the program asks for them
 * (`embedded` of src/core): files go by their path in the tree, `version` is the program's own. The
 * packager adds the bundled pool worker.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/setup.mjs';

const plainFiles = ['native-proto/job.schema.json', 'src/provision/far-side.sh'];

export function embeddedTexts() {
  const { version } = JSON.parse(read('package.json'));
  const texts = { version };
  for (const path of [...plainFiles, ...pythonFiles()]) texts[path] = read(path);
  return texts;
}

function pythonFiles() {
  const names = readdirSync(join(root, 'operators')).filter((name) => name.endsWith('.py'));
  return names.sort().map((name) => `operators/${name}`);
}

function read(path) {
  return readFileSync(join(root, path), 'utf8');
}
