/**
 * SIGKILL at every named failpoint, in three seeds; the same command again until it ends; the
 * destination compared with the oracle and the logs with `rainstorm verify`.
 *
 * One case again: npm test -- test/crash/failpoints --match='*<its title>*'
 */
import test from 'ava';
import { allFailpoints } from '../helpers/failpoints.ts';
import { projectRoot } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { type Chain, chainsOf, inWords, places, placesOfReplication } from './failpoint-plan.ts';
import { writeJob } from './jobs.ts';
import { KilledRun } from './kills.ts';
import { smallLimits, Workshop } from './program.ts';
import { Turns } from './turns.ts';

const SEEDS = [1, 2, 3];
const workshop = new Workshop();
const asIs = workshop.build();
const small = workshop.build(smallLimits);
const turns = new Turns(2);

test.after.always(() => workshop.close());

for (const seed of SEEDS) {
  for (const chain of chainsOf(seed)) {
    test(`seed ${seed}, ${chain.job}: exact after kills at ${inWords(chain)}`, (t) => {
      t.timeout(600_000); // most of it is waiting for its turn
      return turns.take(() => survives(t, chain));
    });
  }
}

async function survives(t: Parameters<typeof tmpDir>[0], chain: Chain): Promise<void> {
  const { seed, job, kills } = chain;
  const program = await (job === 'identity' ? asIs : small);
  // A source that is longer than its queue logs positions before it ends.
  const padding = job === 'transform' || job === 'identity' ? 2000 : 500;
  const files = writeJob(tmpDir(t), job, { seed, padding });
  const run = new KilledRun(t, program, files, ['--quiet']);
  for (const { failpoint, pass } of kills) await run.diesAt(failpoint, pass);
  await run.finishes();
  t.log(await run.isExact());
  await run.isVerified();
  t.is(run.kills, kills.length);
}

test('every failpoint of the program is in the plan, with every seed', (t) => {
  const all = allFailpoints(projectRoot).map(({ name }) => name);
  t.deepEqual([...Object.keys(places), ...placesOfReplication].sort(), all.sort());
  const named = Object.keys(places);
  for (const seed of SEEDS) {
    const killed = chainsOf(seed).flatMap(({ kills }) => kills.map(({ failpoint }) => failpoint));
    t.deepEqual(killed.sort(), [...named].sort());
  }
});
