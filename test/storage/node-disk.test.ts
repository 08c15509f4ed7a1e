import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { nodeDisk } from '../../src/storage/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { appendEach, openLog, textsOf } from './helpers.ts';

test('a log on a real disk comes back', async (t) => {
  const dir = join(tmpDir(t), 'deep', 'log');
  const log = await openLog(nodeDisk, { dir, segmentBytes: 200 });
  const texts = Array.from({ length: 20 }, (_, i) => `entry ${i}`);
  await appendEach(log, texts);
  await log.append([Buffer.alloc(20_000, 'a'), Buffer.alloc(30_000, 'b')]).durable;
  await log.close();
  const again = await openLog(nodeDisk, { dir, segmentBytes: 200 });
  const found = await textsOf(again.read(0));
  t.deepEqual(found.slice(0, 20), texts);
  t.is(found[20], 'a'.repeat(20_000) + 'b'.repeat(30_000));
  await again.trim(15);
  t.is(again.firstIndex, again.segmentStarts[0]);
  await again.remove();
  t.false(existsSync(dir));
});

test('files are made for their owner alone', async (t) => {
  const dir = join(tmpDir(t), 'd');
  await nodeDisk.mkdir(dir);
  const file = await nodeDisk.open(join(dir, 'f'), 'create');
  t.is(statSync(dir).mode & 0o777, 0o700);
  t.is(statSync(join(dir, 'f')).mode & 0o777, 0o600);
  await file.close();
});

test('a full device is an error with a code', async (t) => {
  const full = await nodeDisk.open('/dev/full', 'write');
  await t.throwsAsync(full.writev([Buffer.from('x')], 0), { code: 'ENOSPC' });
  await full.close();
});

test('reading stops at the end of the file, and lists of missing directories are empty', async (t) => {
  const dir = tmpDir(t);
  const file = await nodeDisk.open(join(dir, 'f'), 'create');
  t.is(await file.writev([Buffer.from('ab'), Buffer.from('cde')], 0), 5);
  const into = Buffer.alloc(10);
  t.is(await file.read(into, 1), 4);
  t.is(into.subarray(0, 4).toString(), 'bcde');
  await file.truncate(2);
  t.is(await file.size(), 2);
  await file.datasync();
  await file.close();
  t.deepEqual(await nodeDisk.list(join(dir, 'missing')), []);
  await t.throwsAsync(nodeDisk.open(join(dir, 'missing'), 'read'), { code: 'ENOENT' });
  await nodeDisk.rmdir(join(dir, 'missing'));
});
