import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  checkNode,
  checkPlatform,
  checkPython,
  checkPythonVersion,
  whatIsOutdated,
} from '../../scripts/lib/setup.mjs';
import { tmpDir } from '../helpers/tmp-dir.ts';

test('an old node, an old or absent python and a strange machine are refused in a sentence', (t) => {
  t.notThrows(() => checkNode('20.0.0'));
  t.throws(() => checkNode('18.20.1'), { message: /^Node 20 or newer is needed, but this is 18/ });
  t.notThrows(() => checkPythonVersion('3.8.0'));
  t.throws(() => checkPythonVersion('3.7.9'), { message: /^Python 3\.8 .* python3 is 3\.7\.9; / });
  t.throws(() => checkPythonVersion('2.7.18'), { message: /^Python 3\.8 or newer/ });
  t.notThrows(() => checkPlatform('linux', 'x64'));
  t.throws(() => checkPlatform('darwin', 'arm64'), {
    message: /this machine is darwin arm64; use/,
  });
  t.throws(() => checkPython('python-that-is-not-there'), { message: /was not found; install/ });
});

interface Entry {
  readonly version?: string;
  readonly optional?: boolean;
  readonly link?: boolean;
}

function project(
  dir: string,
  wanted: Record<string, Entry>,
  installed?: Record<string, Entry>,
): string {
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  if (installed === undefined) return dir;
  mkdirSync(join(dir, 'node_modules'));
  const record = join(dir, 'node_modules', '.package-lock.json');
  writeFileSync(record, JSON.stringify({ packages: installed }));
  return dir;
}

test('packages are installed when none are, when one is missing and when one has another version', (t) => {
  const wanted = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };
  t.is(whatIsOutdated(project(tmpDir(t), wanted)), 'nothing is installed yet');
  t.is(whatIsOutdated(project(tmpDir(t), wanted, {})), 'node_modules/a is not 1.0.0');
  t.is(
    whatIsOutdated(project(tmpDir(t), wanted, { 'node_modules/a': { version: '0.9.0' } })),
    'node_modules/a is not 1.0.0',
  );
  t.is(whatIsOutdated(project(tmpDir(t), wanted, a)), null, 'an optional one may be absent');
  t.is(
    whatIsOutdated(project(tmpDir(t), wanted, { ...a, 'node_modules/b': { version: '1.0.0' } })),
    'node_modules/b is not 2.0.0',
  );
});

test('a lockfile that is cut off is refused with its path', (t) => {
  const dir = project(tmpDir(t), {}, {});
  writeFileSync(join(dir, 'package-lock.json'), '{"packages": {');
  t.throws(() => whatIsOutdated(dir), {
    message: /package-lock\.json cannot be read .*; restore it/,
  });
});
