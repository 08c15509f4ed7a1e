/**
 * `npm start`: the main job on sample data; `npm start -- <args>` passes the arguments to rainstorm.
 *
 * Works on a clean checkout: installs what is missing, writes the sample, runs. A second start
 * replaces the finished destination of the first one; one that was cut off goes on where it was.
 */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { environment, node24, root, setUp, withComplaints } from './lib/setup.mjs';
import { makeSigns } from './make-signs.mjs';

const sample = join(root, 'sample', 'signs.csv');
const makers = ['scripts/make-signs.mjs', 'scripts/lib/sign-lines.mjs', 'scripts/lib/xoshiro.mjs'];
const demo = ['run', 'scripts/demo/signs.yaml', '--overwrite'];

await withComplaints(async () => {
  await setUp();
  const args = process.argv.slice(2);
  if (args.length > 0) return rainstorm(args);
  makeSample();
  return rainstorm(demo);
});

/** Writes the sample unless it is there and newer than what makes it. */
function makeSample() {
  if (existsSync(sample)) {
    const made = statSync(sample).mtimeMs;
    if (makers.every((maker) => statSync(join(root, maker)).mtimeMs < made)) return;
  }
  console.error('setting up: writing sample/signs.csv, 100000 lines');
  makeSigns({ lines: 100_000, seed: 1, out: sample });
}

/**
 * Runs rainstorm on this terminal. Ctrl-C reaches it from the terminal itself, a signal sent to this
 * process is passed on, and this process ends after it, with its exit code.
 */
function rainstorm(args) {
  const child = spawn(node24, [join(root, 'src', 'main.ts'), ...args], {
    cwd: root,
    env: environment(),
    stdio: 'inherit',
  });
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
