/**
 * `npm test`: sets up, then every gate in order, then one line `N passed, N failed`.
 *
 * `npm test -- <patterns>` runs only the ava files whose path holds one of the patterns (or matches
 * it as a glob); arguments that begin with `-` (as `--name=value`) go to ava.
 *
 * 1. The numbers are ava's tests plus the gates. Ava's own events are counted, not its output; when
 *    they end before ava said `end`, ava itself counts as failed, and so does a run of no tests.
 * 2. A process that a gate leaves running fails the gate `no process left` and is ended.
 * 3. Ctrl-C ends everything that was started.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTally } from './lib/ava-tally.mjs';
import { leftovers, run } from './lib/children.mjs';
import { environment, root, setUp, withComplaints } from './lib/setup.mjs';
import { selectTests } from './lib/test-files.mjs';

/** Test processes at a time: more than a few only slow down the tests that start clusters. */
const CONCURRENCY_MAX = 4;
const AVA_NOTICES =
  /^.*(?:Experiments are enabled\. These are unsupported|Using configuration from ).*\n\n?/gm;

const total = { passed: 0, failed: 0 };
const failures = [];

await withComplaints(async () => {
  await setUp();
  const args = process.argv.slice(2);
  const selection = selectTests(join(root, 'test'), args);
  if (!selection.narrowed) {
    await gate('format and lint', 'biome', ['check', '--error-on-warnings', '.']);
    await gate('types', 'tsc', ['-p', '.']);
  }
  await ava(selection);
  for (const failure of failures) console.log(`failed: ${failure}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
});

/** Runs a check whose output matters only when it fails. */
async function gate(name, command, args) {
  const started = process.hrtime.bigint();
  const ended = await run(command, args, { cwd: root, env: environment() });
  if (ended.code !== 0) process.stdout.write(ended.output);
  report(name, ended.code === 0, seconds(started));
  reportLeftovers(name, ended.session);
}

async function ava({ patterns, flags }) {
  const started = process.hrtime.bigint();
  const folder = mkdtempSync(join(tmpdir(), 'rainstorm-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const events = join(folder, 'events.jsonl');
    const ended = await run('ava', avaArguments(patterns, flags), {
      cwd: root,
      env: environment({
        RAINSTORM_TEST_EVENTS: events,
        ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
      }),
      onText: (text) => process.stdout.write(text.replace(AVA_NOTICES, '')),
    });
    const tally = readTally(events, ended);
    total.passed += tally.passed;
    total.failed += tally.failed;
    failures.push(...tally.failures);
    show(`tests (${tally.summary})`, tally.failed === 0, seconds(started));
    reportLeftovers('tests', ended.session);
  } finally {
    remove();
  }
}

function avaArguments(patterns, flags) {
  const concurrency = Math.min(availableParallelism(), CONCURRENCY_MAX);
  return [
    '--config=scripts/lib/ava-config.mjs',
    `--concurrency=${concurrency}`,
    ...flags,
    ...patterns,
  ];
}

function reportLeftovers(name, session) {
  const left = leftovers(session);
  for (const { pid, command } of left) console.log(`  still running: ${pid} ${command}`);
  if (left.length > 0) report(`no process left by ${name}`, false, '');
}

function report(name, ok, time) {
  total[ok ? 'passed' : 'failed'] += 1;
  if (!ok) failures.push(name);
  show(name, ok, time);
}

function show(name, ok, time) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}${time === '' ? '' : ` (${time} s)`}`);
}

function seconds(started) {
  return (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1);
}
