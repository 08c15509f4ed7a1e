/**
 * The operators that come with the program, as files that Python can open.
 *
 * In the source tree they are the files of `operators/`. The packaged executable carries them as
 * texts, which are written once into a private directory given by the caller.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embedded } from '../core/index.ts';

/** Name of the shim among the bundled files. */
export const SHIM = 'rainstorm_shim.py';
const PREFIX = 'operators/';

/** Where bundled files are. */
export interface BundledOperators {
  /** Names that a job may use, without `.py`, sorted. */
  names(): readonly string[];
  /** The absolute path of the file `name` (with `.py`), or null when there is none. */
  path(name: string): string | null;
}

/**
 * The bundled operators of this program.
 * @param directory a private directory, made if missing; only the packaged program writes there
 */
export function bundledOperators(directory: string): BundledOperators {
  if (embedded === null) {
    return operatorsIn(fileURLToPath(new URL('../../operators', import.meta.url)));
  }
  return writtenOperators(embedded, directory);
}

/** The operators in the folder `folder`, as they are. */
export function operatorsIn(folder: string): BundledOperators {
  const files = new Set(readdirSync(folder).filter((name) => name.endsWith('.py')));
  return {
    names: () => publicNames(files),
    path: (name) => (files.has(name) ? join(folder, name) : null),
  };
}

/**
 * Writes the texts named `operators/*.py` into `directory` (mode 0700) and serves them from there.
 * Files are replaced by rename, so processes of several tasks may do this at the same time.
 */
export function writtenOperators(
  texts: Readonly<Record<string, string>>,
  directory: string,
): BundledOperators {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // By name: texts that are not asked for need not be read.
  for (const name of Object.keys(texts)) {
    if (!name.startsWith(PREFIX) || !name.endsWith('.py')) continue;
    const text = texts[name];
    const path = join(directory, name.slice(PREFIX.length));
    if (textOf(path) === text) continue;
    const fresh = `${path}.${process.pid}`;
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, path);
  }
  return operatorsIn(directory);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not written yet, or not readable: written again
  }
}

function publicNames(files: ReadonlySet<string>): string[] {
  return [...files]
    .filter((name) => name !== SHIM && name !== 'rainstorm.py')
    .map((name) => name.slice(0, -'.py'.length))
    .sort();
}
