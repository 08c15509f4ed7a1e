/**
 * `npm run soak:cluster [-- ROUNDS [FIRST]]`: the scenarios of jobs on six real nodes that are killed,
 * stopped, cut off for 20 and 30 seconds, and die at every failpoint, over and over until one fails.
 * The number of a round is the seed of its failpoints.
 */
import { join } from 'node:path';
import { run } from './lib/children.mjs';
import { environment, root, setUp, withComplaints } from './lib/setup.mjs';

const FILES = ['jobs-killed.test.ts', 'jobs-cut.test.ts', 'jobs-failpoints.test.ts'];

await withComplaints(async () => {
  await setUp();
  const [rounds = 1, first = 1] = process.argv.slice(2).map(Number);
  for (let round = first; round < first + rounds; round++) {
    for (const file of FILES) {
      const path = join('test', 'cluster', file);
      const { code } = await run('ava', ['--serial', '--timeout=900s', path], {
        cwd: root,
        env: environment({ RAINSTORM_SOAK_CUTS: '1', RAINSTORM_SOAK_FAILPOINTS: String(round) }),
        onText: (text) => process.stdout.write(text),
      });
      if (code === 0) continue;
      console.log(`failed: ${file}, round ${round}; again: npm run soak:cluster -- 1 ${round}`);
      return 1;
    }
  }
  console.log(`${rounds} rounds passed`);
  return 0;
});
