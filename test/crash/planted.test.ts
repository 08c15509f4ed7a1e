/**
 * Each guard taken out once: the same tests that pass with it must fail without it.
 *
 * One case again: npm test -- test/crash/planted --match='*<part of the title>*'
 */
import test, { type ExecutionContext } from 'ava';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { writeJob } from './jobs.ts';
import { KilledRun } from './kills.ts';
import { type Plant, plants } from './plants.ts';
import { type Patch, Workshop } from './program.ts';

const SEED = 7;
const workshop = new Workshop();
test.after.always(() => workshop.close());

for (const plant of plants) {
  test.serial(`noticed when it is gone: ${plant.guard}`, async (t) => {
    t.timeout(120_000);
    const { setting = [], patches } = plant;
    if (setting.length > 0) t.is(await outcome(t, plant, setting), 'exact');
    const said = await outcome(t, plant, [...setting, ...patches]);
    t.log(said.split('\n')[0].slice(0, 200));
    t.regex(said, plant.noticed);
  });
}

/** `exact`, or what was said instead. */
async function outcome(
  t: ExecutionContext,
  { job, kills, seed = SEED, source = '' }: Plant,
  patches: readonly Patch[],
): Promise<string> {
  const program = await workshop.build(patches);
  const padding = job === 'transform' || job === 'identity' ? 2000 : 500;
  const files = writeJob(tmpDir(t), job, { seed, padding, source });
  const run = new KilledRun(t, program, files, ['--quiet']);
  for (const [failpoint, pass] of kills) await run.diesAt(failpoint, pass);
  try {
    await run.finishes(20_000);
    await run.isExact();
    await run.isVerified();
    return 'exact';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
