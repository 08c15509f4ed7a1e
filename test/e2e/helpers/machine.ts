/** What this machine has. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of `program`, or null when it is not on the PATH. */
export function findProgram(program: string): string | null {
  const places = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, program));
  return places.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
