import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fileLog, plainLog, severalLogs, systemClock } from '../../src/core/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

test('a log file is rotated by size, and only so many are kept', (t) => {
  const dir = tmpDir(t);
  const path = join(dir, 'node.log');
  const log = fileLog(path, { bytesMax: 500, kept: 2 });
  for (let i = 0; i < 40; i++) log.info('a line that is about sixty bytes long', { i });
  t.deepEqual(readdirSync(dir).sort(), ['node.log', 'node.log.1', 'node.log.2']);
  const last = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
  t.is((JSON.parse(last) as { i: number }).i, 39);
});

test('a log goes on in the file that an earlier process left', (t) => {
  const path = join(tmpDir(t), 'node.log');
  fileLog(path).info('first');
  fileLog(path).child({ task: 'a' }).warn('second');
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['first', 'second'],
  );
});

test('people read plain lines, files get the facts', (t) => {
  const said: string[] = [];
  const path = join(tmpDir(t), 'node.log');
  const log = severalLogs(
    plainLog({ write: (text) => said.push(text) }, systemClock),
    fileLog(path),
  );
  log.warn('the disk is slow', { ms: 7 });
  t.regex(said.join(''), /^\d\d:\d\d:\d\d\.\d{3} warning: the disk is slow\n$/);
  t.true(readFileSync(path, 'utf8').includes('"ms":7'));
});
