/** `npm run demo:count`: filter by a word, then count by a column, on 3 nodes. */
import { checkCounts, demonstrate } from './lib/demonstration.mjs';

await demonstrate({
  title: 'count: signs on a "Punched Telspar" post, counted by category',
  name: 'count',
  lines: 20_000,
  stages: [
    ['filter.py', "'Punched Telspar'", 'filter'],
    // column 8 (Category) becomes the key, so that each category is counted in one task
    ['project.py', '--key 8 3 8', 'transform'],
    ['count_by_key.py', 'none', 'aggregate'],
  ],
  rate: 0,
  check: checkCounts,
});
