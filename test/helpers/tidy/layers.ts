/** Which folder may import which, and through what. */
import { posix } from 'node:path';
import { matchesIn, type Source, stringAt, type Verdict } from './source.ts';

/** A folder of src imports only folders with a lower number. */
export const layers: Readonly<Record<string, number>> = {
  core: 0,
  wire: 1,
  plan: 1,
  kernels: 2,
  transport: 2,
  storage: 2,
  operator: 2,
  raft: 2.5,
  membership: 3,
  control: 3,
  hydfs: 4,
  worker: 5,
  leader: 5,
  verify: 6,
  provision: 6,
  dashboard: 6,
  node: 7,
  cli: 8,
  'main.ts': 9,
};

const IMPORT = /\bfrom\s*(['"])|\bimport\s*\(?\s*(['"])/g;

/** The imports of files under src go down, and into another folder only through its index.ts. */
export function checkLayers(files: readonly Source[]): Verdict {
  const problems: string[] = [];
  let checked = 0;
  for (const source of files) {
    const from = folderOf(source.path);
    if (layers[from] === undefined)
      problems.push(`${source.path}: src/${from} is not in the list of layers`);
    for (const { match, place } of matchesIn(source, IMPORT)) {
      const specifier = stringAt(source, match.index + match[0].length - 1);
      if (!specifier.startsWith('.')) continue;
      checked += 1;
      const target = posix.normalize(posix.join(posix.dirname(source.path), specifier));
      const problem = problemOf(from, target);
      if (problem !== null) problems.push(`${place}: ${problem}`);
    }
  }
  return { checked, problems };
}

function problemOf(from: string, target: string): string | null {
  if (!target.startsWith('src/')) return `imports ${target}, which is not in src`;
  const to = folderOf(target);
  if (to === from) return null;
  if (!(layers[to] < layers[from])) return `${from} may not import ${to}`;
  if (target !== `src/${to}/index.ts`) return `imports ${target} instead of src/${to}/index.ts`;
  return null;
}

function folderOf(path: string): string {
  return path.split('/')[1];
}
