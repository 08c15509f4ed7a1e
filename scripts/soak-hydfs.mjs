/**
 * `npm run soak:hydfs -- [seconds] [first seed]`: lives of replicated files full of faults, one seed
 * after the other, until the time is over. Ends with 1 and the seeds in which a promise was broken.
 */
import { chaos } from '../test/sim/hydfs-chaos.ts';

const REPORT_SEEDS = 100;

const seconds = Number(process.argv[2] ?? 60);
const first = Number(process.argv[3] ?? 1);
if (!(seconds > 0) || !Number.isSafeInteger(first)) {
  console.error('usage: npm run soak:hydfs -- [seconds] [first seed]');
  process.exit(2);
}
const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
const sums = {};
let seed = first;
let failures = 0;

for (; process.hrtime.bigint() < end; seed++) {
  try {
    const { trace: _, ...outcome } = await chaos(seed);
    for (const [name, n] of Object.entries(outcome)) sums[name] = (sums[name] ?? 0) + n;
  } catch (error) {
    console.error(`seed ${seed}: ${error}`);
    failures += 1;
  }
  if ((seed - first + 1) % REPORT_SEEDS === 0) report();
}
report();
process.exitCode = failures > 0 ? 1 : 0;

function report() {
  console.log(`seeds ${first} to ${seed}: ${failures} failed; ${JSON.stringify(sums)}`);
}
