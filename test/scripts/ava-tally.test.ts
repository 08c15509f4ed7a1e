import { join } from 'node:path';
import test from 'ava';
import { tallyOf } from '../../scripts/lib/ava-tally.mjs';
import { selectTests } from '../../scripts/lib/test-files.mjs';
import { projectRoot } from '../helpers/processes.ts';

const testFile = join(projectRoot, 'test', 'wire', 'a.test.ts');
const selected = (title: string) => ({ type: 'selected-test', testFile, title });
const passed = (title: string) => ({ type: 'test-passed', testFile, title });
const failed = (title: string) => ({ type: 'test-failed', testFile, title });
const end = { type: 'end' };
const fine = { code: 0, signal: null };
const bad = { code: 1, signal: null };

test('passed tests are counted by their folder', (t) => {
  const tally = tallyOf(
    [selected('one'), selected('two'), passed('one'), passed('two'), end],
    fine,
  );
  t.deepEqual(tally, { passed: 2, failed: 0, failures: [], summary: 'wire 2' });
});

test('a failed test is counted once and named', (t) => {
  const tally = tallyOf([selected('one'), selected('two'), passed('one'), failed('two'), end], bad);
  t.is(tally.failed, 1);
  t.deepEqual(tally.failures, ['test/wire/a.test.ts › two']);
});

test('a test that never ended is a failure, also when ava says nothing', (t) => {
  t.is(tallyOf([selected('one'), selected('two'), passed('one'), end], fine).failed, 1);
});

test('a crash of ava after passing tests is a failure', (t) => {
  const tally = tallyOf([selected('one'), passed('one')], { code: null, signal: 'SIGKILL' });
  t.deepEqual(tally.failures, ['ava stopped in the middle (SIGKILL)']);
  t.is(tallyOf([selected('one'), passed('one')], fine).failed, 1);
  t.is(tallyOf([selected('one'), passed('one'), end], bad).failed, 1);
});

test('a run of no tests is a failure', (t) => {
  t.deepEqual(tallyOf([end], fine).failures, ['no test was run']);
  t.is(tallyOf([], fine).failed, 1);
  t.is(tallyOf([{ ...selected('one'), skip: true }, end], fine).failed, 1);
});

test('an uncaught exception and a call of process.exit are failures', (t) => {
  const events = [selected('one'), passed('one'), { type: 'uncaught-exception', testFile }];
  t.is(tallyOf([...events, end], bad).failed, 1);
  t.is(tallyOf([...events, { type: 'process-exit', testFile }, end], bad).failed, 2);
});

test('a word selects the test files whose path holds it, and one that selects none is refused', (t) => {
  const folder = join(projectRoot, 'test');
  const { patterns, flags, narrowed } = selectTests(folder, ['scripts/ava', '--match=x']);
  t.deepEqual(patterns, ['test/scripts/ava-tally.test.ts']);
  t.deepEqual(flags, ['--match=x']);
  t.true(narrowed);
  t.false(selectTests(folder, []).narrowed);
  t.deepEqual(selectTests(folder, ['test/**/w*.ts']).patterns, ['test/**/w*.ts']);
  t.throws(() => selectTests(folder, ['no-such-thing']), { message: /no test file has "no-such/ });
});
