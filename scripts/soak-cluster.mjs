/**
 * `npm run soak:cluster [-- ROUNDS]`: the scenarios of jobs on six real nodes that are killed, stopped
 * and cut off, with cuts of 20 and 30 seconds, over and over until one fails.
 */
import { join } from 'node:path';
import { run } from './lib/children.mjs';
import { environment, root, setUp, withComplaints } from './lib/setup.mjs';

const FILES = ['jobs-killed.test.ts', 'jobs-cut.test.ts'];

await withComplaints(async () => {
  await setUp();
  const rounds = Number(process.argv[2] ?? 1);
  for (let round = 1; round <= rounds; round++) {
    for (const file of FILES) {
      const path = join('test', 'cluster', file);
      const { code } = await run('ava', ['--serial', '--timeout=900s', path], {
        cwd: root,
        env: environment({ RAINSTORM_SOAK_CUTS: '1' }),
        onText: (text) => process.stdout.write(text),
      });
      if (code === 0) continue;
      console.log(`failed: ${file}, round ${round}`);
      return 1;
    }
  }
  console.log(`${rounds} rounds passed`);
  return 0;
});
