import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isFault } from '../../src/core/index.ts';
import { chooseKey } from '../../src/provision/key-choice.ts';
import { parseKeyFile } from '../../src/transport/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

test('a key is made once, private, when nodes can be reached from elsewhere and nobody gave one', async (t) => {
  const usual = join(tmpDir(t), 'config', 'cluster.key');
  t.is(await chooseKey({ given: null, usual }, false), null, 'loopback needs none');
  const made = await chooseKey({ given: null, usual }, true);
  t.is(made?.made, true);
  t.is(statSync(usual).mode & 0o777, 0o600);
  t.notThrows(() => parseKeyFile(readFileSync(usual), usual));
  const again = await chooseKey({ given: null, usual }, true);
  t.is(again?.made, false);
  t.deepEqual(again?.bytes, made?.bytes);
});

test('a key that somebody named is never made', async (t) => {
  const given = join(tmpDir(t), 'absent.key');
  const error = await t.throwsAsync(chooseKey({ given, usual: given }, true));
  t.true(isFault(error, 'KEY_FILE_UNREADABLE'), String(error));
});
