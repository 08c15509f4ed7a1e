/**
 * Kills at random moments, measured by what the job has written so far and by the time since its
 * start, over one long job with a count at its end.
 *
 * RAINSTORM_SOAK_SEED, RAINSTORM_SOAK_KILLS and RAINSTORM_SOAK_LINES change the run
 * (`npm run soak:crash`).
 */
import { statSync } from 'node:fs';
import test from 'ava';
import { between, seededRandom, sleep, systemClock, unit } from '../../src/core/index.ts';
import { until } from '../helpers/poll.ts';
import type { Running } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { countedBytes, writeJob } from './jobs.ts';
import { KilledRun } from './kills.ts';
import { Workshop } from './program.ts';

const setting = (name: string, otherwise: number): number =>
  Number(process.env[`RAINSTORM_SOAK_${name}`] ?? otherwise);
const SEED = setting('SEED', 1);
const KILLS = setting('KILLS', 30);
const LINES = setting('LINES', 300_000);
/** Every so manieth kill falls at a random time after the start, most often into a recovery. */
const BLIND_EVERY = 3;
const BLIND_MS_MAX = 2500;
const JITTER_MS_MAX = 60;
/** Of the output, after which no kill is aimed: what is left must last longer than the jitter. */
const LAST_KILL_AT = 0.85;

const workshop = new Workshop();
test.after.always(() => workshop.close());

test(`${KILLS} kills at random moments over ${LINES} lines leave exact running counts (seed ${SEED})`, async (t) => {
  t.timeout(1_800_000);
  const random = seededRandom(SEED);
  const options = { seed: SEED, lines: LINES, padding: 20, tasks: 2 };
  const job = writeJob(tmpDir(t), 'count', options);
  const total = countedBytes(options);
  const run = new KilledRun(t, await workshop.build(), job, ['--quiet']);
  const resumed: number[] = [];
  let kills = 0;
  for (let attempt = 1; kills < KILLS; attempt++) {
    const running = run.start('', 300_000);
    // Moments are spread over the output, so that the job always gets on between two kills.
    const goal = ((kills + unit(random)) / KILLS) * LAST_KILL_AT * total;
    const blind = attempt % BLIND_EVERY === 0;
    const most = blind ? between(random, 0, BLIND_MS_MAX) : Number.POSITIVE_INFINITY;
    await wroteAtLeast(goal, job.destination, running, most);
    await sleep(systemClock, between(random, 0, JITTER_MS_MAX));
    const ended = await running.kill('SIGKILL');
    t.is(ended.signal, 'SIGKILL', `the job ended before kill ${kills + 1}: ${ended.stderr}`);
    const from = /is resumed; reading goes on at in\.csv line (\d+)/.exec(ended.stderr);
    if (from !== null) resumed.push(Number(from[1]));
    kills += 1;
  }
  const ended = await run.finishes();
  // A kill after the end of the job and before the end of its export leaves only the export.
  t.regex(
    ended.stderr,
    /is resumed; reading goes on at in\.csv line \d+|its output is being completed/,
  );
  t.log(`resumed at lines ${resumed.join(' ')}`);
  t.deepEqual(
    resumed,
    resumed.toSorted((a, b) => a - b),
    'a resumed job never falls back',
  );
  t.true(Math.max(...resumed) > 1, 'a resumed job does not begin at the first line each time');
  t.log(await run.isExact());
  t.log((await run.isVerified()).trim().split('\n').at(-1) ?? '');
});

/** Resolves when the destination has `bytes`, `mostMs` have passed, or the process has ended. */
async function wroteAtLeast(
  bytes: number,
  path: string,
  running: Running,
  mostMs: number,
): Promise<void> {
  const latest = systemClock.now() + mostMs;
  let over = false;
  void running.ended.then(() => {
    over = true;
  });
  const wrote = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  await until(() => over || wrote() >= bytes || systemClock.now() >= latest, {
    what: `${Math.round(bytes)} bytes of output`,
    deadlineMs: 120_000,
  });
}
