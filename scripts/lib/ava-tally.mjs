/**
 * Counts ava's events (see ava-config.mjs).
 *
 * 1. Only a `test-passed` event is a pass. Every selected test without one is a failure, and so is
 *    each uncaught exception, failed hook, time-out or file without tests.
 * 2. No `end` event, an exit code that contradicts the count, or no test at all: one failure more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './setup.mjs';

/** Events that are failures by themselves, and what to call them. */
const troubles = {
  'hook-failed': 'hook failed',
  'uncaught-exception': 'uncaught exception',
  'unhandled-rejection': 'unhandled rejection',
  'internal-error': 'internal error of ava',
  'shared-worker-error': 'shared worker failed',
  'missing-ava-import': 'no tests in the file',
  'process-exit': 'process.exit() was called',
  'worker-failed': 'the test process failed',
  timeout: 'timed out',
  interrupt: 'interrupted',
};

/** Reads the events file of a run that ended as `{ code, signal }`. */
export function readTally(path, ended) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const events = text.split('\n').filter(isWhole);
  return tallyOf(
    events.map((line) => JSON.parse(line)),
    ended,
  );
}

/** The last line may have been cut off by a kill. */
function isWhole(line) {
  return line.endsWith('}');
}

/** `{ passed, failed, failures, summary }` of a list of events. */
export function tallyOf(events, ended) {
  const waiting = new Map();
  const failures = [];
  const folders = new Map();
  let passed = 0;
  let skipped = 0;
  for (const event of events) {
    const name = `${fileOf(event)} › ${event.title ?? ''}`;
    if (event.type === 'selected-test') {
      if (event.skip || event.todo) skipped += 1;
      else waiting.set(name, true);
    } else if (event.type === 'test-passed') {
      waiting.delete(name);
      passed += 1;
      const folder = fileOf(event).split('/').slice(1, -1)[0] ?? 'rules';
      folders.set(folder, (folders.get(folder) ?? 0) + 1);
    } else if (event.type in troubles) {
      failures.push(`${fileOf(event)}: ${troubles[event.type]}`);
    }
  }
  failures.push(...waiting.keys());
  failures.push(...contradictions(events, ended, passed, failures.length));
  const parts = [...folders].sort().map(([folder, count]) => `${folder} ${count}`);
  if (skipped > 0) parts.push(`skipped ${skipped}`);
  return { passed, failed: failures.length, failures, summary: parts.join(', ') || 'none' };
}

function contradictions(events, { code, signal }, passed, failed) {
  const outcome = signal ?? `exit code ${code}`;
  if (!events.some(({ type }) => type === 'end')) return [`ava stopped in the middle (${outcome})`];
  if (code !== 0 && failed === 0) return [`ava failed without saying why (${outcome})`];
  if (passed === 0 && failed === 0) return ['no test was run'];
  return [];
}

function fileOf({ testFile }) {
  return testFile === undefined ? 'ava' : relative(root, testFile);
}
