/**
 * `npm run soak:crash [-- SEEDS [FIRST_SEED]]`: the crash test with random kills, over and over with
 * other seeds, until one fails. Each seed is 60 kills over a million lines.
 *
 * RAINSTORM_SOAK_KILLS and RAINSTORM_SOAK_LINES change that; a seed that failed is run again with
 * `npm run soak:crash -- 1 SEED`.
 */
import { join } from 'node:path';
import { run } from './lib/children.mjs';
import { environment, root, setUp, withComplaints } from './lib/setup.mjs';

const DEFAULTS = { RAINSTORM_SOAK_KILLS: '60', RAINSTORM_SOAK_LINES: '1000000' };

await withComplaints(async () => {
  await setUp();
  const [seeds = 5, first = 1] = process.argv.slice(2).map(Number);
  for (let seed = first; seed < first + seeds; seed++) {
    const ended = await run('ava', [join('test', 'crash', 'random-kills.test.ts')], {
      cwd: root,
      env: environment({ ...DEFAULTS, ...soakSettings(), RAINSTORM_SOAK_SEED: String(seed) }),
      onText: (text) => process.stdout.write(text),
    });
    if (ended.code === 0) continue;
    console.log(`failed: seed ${seed}; again: npm run soak:crash -- 1 ${seed}`);
    return 1;
  }
  console.log(`${seeds} seeds passed`);
  return 0;
});

function soakSettings() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith('RAINSTORM_SOAK_')),
  );
}
