import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { until, untilFile } from './poll.ts';
import { identify, isAlive } from './process-tree.ts';
import { nothingLeft, startProcess } from './processes.ts';
import { tmpDir } from './tmp-dir.ts';

const orphanMaker = `
  const { spawn } = require('node:child_process');
  const child = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
  console.error('child ' + child.pid);
  setInterval(() => {}, 1000);
`;

test('a child in a session of its own is found after its parent was killed', async (t) => {
  const running = startProcess(t, [process.execPath, '-e', orphanMaker], { cwd: tmpDir(t) });
  await running.untilStderr(/child \d+\n/);
  const pid = Number(running.stderr().match(/child (\d+)/)?.[1]);
  const child = identify(pid);
  t.truthy(child);
  process.kill(pid, 'SIGKILL');
  const ended = await running.kill('SIGKILL');
  t.is(ended.signal, 'SIGKILL');
  await until(() => child !== null && !isAlive(child), { what: 'the end of the child' });
});

test('what outlives its parent is named and ended', async (t) => {
  const dir = tmpDir(t);
  const running = startProcess(t, [process.execPath, '-e', orphanMaker], { cwd: dir });
  await running.untilStderr(/child \d+\n/);
  const { watchTree } = await import('./process-tree.ts');
  const tree = watchTree(running.pid);
  await running.kill('SIGKILL');
  const error = await t.throwsAsync(nothingLeft(tree, 100));
  t.regex(error?.message ?? '', /still running after the end of their parent: \d+ \(sleep 30\)/);
  await until(() => tree.alive().length === 0, { what: 'the end of the orphan' });
});

test('a condition that never holds is named when its deadline passes', async (t) => {
  await t.throwsAsync(
    until(() => null, { what: 'a miracle', deadlineMs: 30 }),
    { message: 'waited 30 ms in vain for a miracle' },
  );
});

test('a file is noticed when it appears', async (t) => {
  const path = join(tmpDir(t), 'ready');
  const seen = untilFile(path, () => existsSync(path), { what: 'the file' });
  writeFileSync(path, '');
  t.true(await seen);
});

test('a stream that ends before the text it should hold says what it gave', async (t) => {
  const running = startProcess(t, [process.execPath, '-e', 'console.error("no")'], {
    cwd: tmpDir(t),
  });
  await t.throwsAsync(running.untilStderr(/yes/), { message: /it gave: no/ });
});
