import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type FoundLines, searchFolder } from '../../src/node/log-search.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

async function found(folder: string, pattern: string): Promise<FoundLines[]> {
  const all: FoundLines[] = [];
  for await (const each of searchFolder(folder, { node: 'n1', pattern })) all.push(each);
  return all;
}

test('all logs of a node are searched, older parts first', async (t) => {
  const folder = tmpDir(t);
  mkdirSync(join(folder, 'job'));
  writeFileSync(join(folder, 'node.log'), 'newest word\nother\n');
  writeFileSync(join(folder, 'node.log.1'), 'newer word\r\n');
  writeFileSync(join(folder, 'node.log.2'), 'oldest word');
  writeFileSync(join(folder, 'job', '1-0.log'), 'a task’s word');
  t.deepEqual(
    (await found(folder, 'w.rd')).map(({ file, lines }) => [file, ...lines]),
    [
      ['job/1-0.log', 'a task’s word'],
      ['node.log.2', 'oldest word'],
      ['node.log.1', 'newer word'],
      ['node.log', 'newest word'],
    ],
  );
});

test('a search of a node ends after so many lines, and says so', async (t) => {
  const folder = tmpDir(t);
  writeFileSync(join(folder, 'node.log'), 'x\n'.repeat(12_000));
  const all = await found(folder, 'x');
  t.is(
    all.reduce((sum, { lines }) => sum + lines.length, 0),
    10_000,
  );
  t.regex(all.at(-1)?.problem ?? '', /ended after 10000 lines; narrow the pattern/);
});

test('a line without end does not fill the memory', async (t) => {
  const folder = tmpDir(t);
  writeFileSync(join(folder, 'node.log'), `${'a'.repeat(3_000_000)}\nshort\n`);
  const [{ lines }] = await found(folder, 'a|short');
  t.deepEqual(
    lines.map(({ length }) => length),
    [4_096, 5],
  );
});

test('a pattern that takes for ever is given up', async (t) => {
  const folder = tmpDir(t);
  writeFileSync(join(folder, 'node.log'), `${'a'.repeat(64)}!\n`);
  await t.throwsAsync(found(folder, '^(a+)+$'), { code: 'PATTERN_UNUSABLE' });
  await t.throwsAsync(found(folder, '('), { code: 'PATTERN_UNUSABLE' });
});
