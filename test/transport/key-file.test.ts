import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import { AssertionFailure, isFault, seededRandom } from '../../src/core/index.ts';
import { ClusterKey, makeKeyFile, parseKeyFile, readKeyFile } from '../../src/transport/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { clusterKey } from './helpers/keys.ts';

const hex = (letter: number): string => Buffer.from(seededRandom(letter).bytes(32)).toString('hex');
const refusal = (contents: string | Uint8Array): string => {
  try {
    parseKeyFile(Buffer.from(contents), 'k');
    return 'accepted';
  } catch (error) {
    return isFault(error, 'KEY_FILE_INVALID') ? String(error.parameters.reason) : 'a bug';
  }
};

test('a key file that was made can be read, by its user only, and has a key of its own', async (t) => {
  const dir = tmpDir(t);
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  const ids = [await makeKeyFile(one), await makeKeyFile(two)];
  t.not(ids[0], ids[1]);
  t.regex(ids[0], /^[0-9a-f]{16}$/);
  t.is(statSync(one).mode & 0o777, 0o600);
  const keys = await readKeyFile(one);
  t.is(keys.current.id, ids[0]);
  t.is(keys.other, null);
  t.true(readFileSync(one, 'utf8').includes(`key ${ids[0]}.`), 'the file says which key it is');
});

test('a key file is never overwritten', async (t) => {
  const path = join(tmpDir(t), 'key');
  await makeKeyFile(path);
  const before = readFileSync(path);
  const error = await t.throwsAsync(makeKeyFile(path));
  t.true(isFault(error, 'KEY_FILE_EXISTS'));
  t.deepEqual(readFileSync(path), before);
});

test('a place that cannot be written is told', async (t) => {
  const error = await t.throwsAsync(makeKeyFile(join(tmpDir(t), 'none', 'key')));
  t.true(isFault(error, 'KEY_FILE_UNWRITABLE'));
});

test('a key file that others may use is refused, with the command that helps', async (t) => {
  const path = join(tmpDir(t), 'key');
  await makeKeyFile(path);
  for (const mode of [0o644, 0o640, 0o620, 0o601, 0o604]) {
    chmodSync(path, mode);
    const error = await t.throwsAsync(readKeyFile(path));
    t.true(isFault(error, 'KEY_FILE_EXPOSED'), mode.toString(8));
    t.regex(error?.message ?? '', /its mode is 06.*chmod 600/);
  }
  for (const mode of [0o600, 0o400]) {
    chmodSync(path, mode);
    t.truthy((await readKeyFile(path)).current.id);
  }
});

test('what is no file is refused at once', async (t) => {
  const dir = tmpDir(t);
  mkdirSync(join(dir, 'folder'));
  symlinkSync('/dev/zero', join(dir, 'endless'));
  for (const name of ['missing', 'folder', 'endless']) {
    const error = await t.throwsAsync(readKeyFile(join(dir, name)));
    t.true(isFault(error, 'KEY_FILE_UNREADABLE'), String(error));
  }
});

test('a large file is not read to its end', async (t) => {
  const path = join(tmpDir(t), 'large');
  writeFileSync(path, Buffer.alloc(1_000_000, '#'), { mode: 0o600 });
  const error = await t.throwsAsync(readKeyFile(path));
  t.regex(error?.message ?? '', /more than 4096 bytes/);
});

test('one or two keys, comments, either case and either line end are read', (t) => {
  const { current, other } = parseKeyFile(
    Buffer.from(`# now\r\n${hex(1)}\r\n\n  # next\n ${hex(2).toUpperCase()}`),
    'k',
  );
  t.is(current.id, new ClusterKey(Buffer.from(hex(1), 'hex')).id);
  t.is(other?.id, new ClusterKey(Buffer.from(hex(2), 'hex')).id);
  const raw = parseKeyFile(Buffer.from(hex(1), 'hex'), 'k');
  t.is(raw.current.id, current.id, '32 bytes as they are');
});

test('what is no key is refused with the reason', (t) => {
  t.is(refusal(''), 'it is empty');
  t.is(refusal('# only words\n'), 'it has no line with a key');
  t.is(refusal(`${hex(1)}\n${hex(2)}\n${hex(3)}\n`), 'it has 3 keys, and two is the most');
  t.is(refusal(`${hex(1)}\n${hex(1)}\n`), 'both keys are the same');
  t.is(refusal(`${hex(1)}\n${hex(2).slice(1)}`), 'line 2 is not 64 hexadecimal digits');
  t.is(refusal('a'.repeat(32)), 'line 1 is not 64 hexadecimal digits');
  t.is(refusal('correct horse battery staple 123'), 'line 1 is not 64 hexadecimal digits');
  t.is(refusal('0'.repeat(64)), 'a key is a pattern and not random');
  t.is(refusal(new Uint8Array(32)), 'a key is a pattern and not random');
  t.is(refusal('0123456789abcdef'.repeat(4)), 'accepted', 'what looks random enough');
});

test('nothing that shows a key shows its secret', (t) => {
  const secret = Buffer.from(seededRandom(9).bytes(32));
  const key = new ClusterKey(secret);
  const shown = [
    inspect(key, { showHidden: true, depth: 9 }),
    JSON.stringify(key),
    String(key),
    JSON.stringify(structuredClone(key)),
  ].join(' ');
  t.true(shown.includes(key.id));
  for (const form of ['hex', 'base64', 'latin1'] as const)
    t.false(shown.includes(secret.toString(form).slice(0, 6)));
  t.false(secret.toString('hex').includes(key.id));
});

test('each use has a key of its own, the same on every node', (t) => {
  const key = clusterKey('a');
  const texts = [key.derive('one'), key.derive('two'), clusterKey('b').derive('one')].map((bytes) =>
    bytes.toString('hex'),
  );
  t.is(new Set(texts).size, 3);
  t.is(clusterKey('a').derive('one').toString('hex'), texts[0]);
  t.is(key.derive('one', 12).length, 12);
  t.throws(() => new ClusterKey(new Uint8Array(31)), { instanceOf: AssertionFailure });
});
