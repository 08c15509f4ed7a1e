/**
 * `npm run soak:raft -- [seconds] [first seed]`: lives full of faults, one seed after the other, until
 * the time is over. Ends with 1 and the seed when a promise is broken.
 */
import { chaos } from '../test/sim/raft-chaos.ts';

const seconds = Number(process.argv[2] ?? 60);
const first = Number(process.argv[3] ?? 1);
const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
const sums = {};
let seed = first;

for (; process.hrtime.bigint() < end; seed++) {
  try {
    const { trace: _, ...outcome } = await chaos(seed);
    for (const [name, n] of Object.entries(outcome)) sums[name] = (sums[name] ?? 0) + n;
  } catch (error) {
    console.error(`seed ${seed}: ${error}`);
    process.exitCode = 1;
    break;
  }
}
console.log(`seeds ${first} to ${seed - 1}: ${JSON.stringify(sums)}`);
