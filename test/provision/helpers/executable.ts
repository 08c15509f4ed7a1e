/** Executables to be deployed: the packaged program, and small stand-ins made of the same bundle. */
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../../../scripts/packaging/bundle.mjs';
import { embeddedTexts } from '../../../scripts/packaging/embedded-texts.mjs';
import { projectRoot } from '../../helpers/processes.ts';

const NODE_MAJOR = 24;

/** `bin/rainstorm` when it is what this tree makes; null when it is absent or older. */
export function packagedProgram(): string | null {
  const path = join(projectRoot, 'bin', 'rainstorm');
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return made < newest(['src', 'scripts', 'operators']) ? null : path;
}

function newest(folders: readonly string[]): number {
  const times = folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  return Math.max(...times);
}

/** The bundled program as a script for the Node of this process; a few megabytes instead of a hundred. */
export async function scriptProgram(path: string, version = '0.0.1'): Promise<string> {
  const text = await bundle(
    join(projectRoot, 'src', 'main.ts'),
    { ...embeddedTexts(), version },
    NODE_MAJOR,
  );
  writeFileSync(path, `#!${process.execPath}\n${text}`);
  chmodSync(path, 0o755);
  return path;
}
