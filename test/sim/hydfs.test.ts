/**
 * Replicated files under thousands of faults; `npm run soak:hydfs` lives through more of them.
 */
import test from 'ava';
import { type Bug, bugs } from './hydfs-bugs.ts';
import { type ChaosOptions, chaos, type Outcome } from './hydfs-chaos.ts';
import { Broken } from './raft-checks.ts';

const SEEDS = 24;
const SEEDS_PER_BUG = 25;
/** Of wall time; a busy machine takes its time. */
const TEST_MS = 600_000;

test.serial(
  'replicated files keep every promise through faults of all kinds, and come to rest',
  async (t) => {
    t.timeout(TEST_MS);
    const sums: Record<string, number> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { trace: _, ...outcome } = await chaos(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error}`, { cause: error });
      });
      for (const [name, n] of Object.entries(outcome)) sums[name] = (sums[name] ?? 0) + n;
    }
    t.log(JSON.stringify(sums));
    // A harness in which nothing happens keeps every promise too.
    const least = { acked: 60, read: 10_000, delivered: 500, changes: 10, broken: 2, fenced: 1 };
    for (const [name, each] of Object.entries(least)) {
      t.true(sums[name] >= each * SEEDS, `${name} ${sums[name]}`);
    }
  },
);

test.serial('the same seed gives the same life of the files', async (t) => {
  const runs: Outcome[] = [];
  for (const seed of [7, 7, 9]) runs.push(await chaos(seed));
  t.deepEqual(runs[0], runs[1]);
  t.not(runs[0].trace, runs[2].trace);
});

async function problemOf(seed: number, options: ChaosOptions): Promise<unknown> {
  return chaos(seed, options).then(
    () => null,
    (error: unknown) => error,
  );
}

for (const [name, bug] of Object.entries<Bug>(bugs)) {
  test.serial(`the simulator of files notices when ${name}`, async (t) => {
    t.timeout(TEST_MS);
    const { from = 1, plant } = bug;
    for (let seed = from; seed < from + SEEDS_PER_BUG; seed++) {
      const problem = await problemOf(seed, { plant });
      if (problem === null) continue;
      // What stops a node may be something else; then it does so without the bug too.
      if (!(problem instanceof Broken) && (await problemOf(seed, {})) !== null) continue;
      t.log(`seed ${seed}: ${problem}`);
      return t.pass();
    }
    return t.fail(`nothing found in ${SEEDS_PER_BUG} seeds`);
  });
}
