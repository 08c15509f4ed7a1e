import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A new empty directory that is removed, with everything in it, when the test has ended. */
export function tmpDir(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'rainstorm-t-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
