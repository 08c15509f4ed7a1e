import type { JobSpec } from '../plan/index.ts';
import { type Io, write } from './io.ts';

/** Says what a job that needs Python packages waits for, since pip is silent and may take minutes. */
export async function tellOfPackages({ requirements }: JobSpec, io: Io): Promise<void> {
  if (requirements === '') return;
  const what = `the Python packages of ${requirements} are installed where they are not yet`;
  await write(io.stderr, `${what}; the first time this may take minutes\n`);
}
