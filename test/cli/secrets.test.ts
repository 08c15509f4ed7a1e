import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { processIo } from '../../src/cli/io.ts';
import { CliSecrets, readSecretFile } from '../../src/cli/secrets.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

test('a secret is the first line of a file that only its user may read', async (t) => {
  const path = join(tmpDir(t), 'secret');
  writeFileSync(path, 'open sesame\r\nsecond\n', { mode: 0o600 });
  t.is(await readSecretFile(path), 'open sesame');
  chmodSync(path, 0o640);
  await t.throwsAsync(readSecretFile(path), { message: /its mode is 0640/ });
  writeFileSync(path, '\n');
  chmodSync(path, 0o600);
  await t.throwsAsync(readSecretFile(path), { message: /first line is empty/ });
  await t.throwsAsync(readSecretFile(`${path}.gone`), { message: /no such file/ });
});

/** A terminal that is typed at; it notes whether what is typed is shown. */
function typing(): { readonly stdin: PassThrough; readonly raw: boolean[] } {
  const stdin = new PassThrough();
  const raw: boolean[] = [];
  Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  return { stdin, raw };
}

function secretsAt(stdin: unknown, stderr: PassThrough, env = {}): CliSecrets {
  const io = Object.create(
    processIo(() => undefined),
    {
      stdin: { value: stdin },
      stderr: { value: stderr },
    },
  );
  const { flags } = readCommandLine(['up']);
  return new CliSecrets({ flags, io, env, interrupt: () => stderr.write('<interrupt>') });
}

test('a secret is asked for once at a terminal, unseen, and not at all elsewhere', async (t) => {
  const { stdin, raw } = typing();
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  const secrets = secretsAt(stdin, stderr);
  const both = Promise.all([secrets.password('me@web1'), secrets.password('me@web1')]);
  stdin.write('pax\x7f');
  stdin.write('ss\r');
  t.deepEqual(await both, ['pass', 'pass']);
  t.deepEqual(raw, [true, false]);
  t.is(String(stderr.read()), '\rPassword of me@web1: \n');
  t.is(await secretsAt(new PassThrough(), stderr).password('me@web1'), null);
});

test('Ctrl-C at a question for a secret interrupts the command', async (t) => {
  const { stdin } = typing();
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  const asked = secretsAt(stdin, stderr).passphrase('/home/me/key');
  stdin.write('half\x03');
  t.is(await asked, null);
  t.true(String(stderr.read()).includes('<interrupt>'));
});

test('a passphrase may come from the environment', async (t) => {
  const secrets = secretsAt(new PassThrough(), new PassThrough(), {
    RAINSTORM_SSH_PASSPHRASE: 'from there',
  });
  t.is(await secrets.passphrase('/home/me/key'), 'from there');
});
