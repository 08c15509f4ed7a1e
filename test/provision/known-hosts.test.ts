import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Host } from '../../src/provision/host.ts';
import { HostTrust } from '../../src/provision/host-trust.ts';
import {
  fingerprintOf,
  judgeHostKey,
  keyTypeOf,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from '../../src/provision/known-hosts.ts';
import { testUnless } from '../helpers/skip.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { makeKey, whyNoSshd } from './helpers/sshd.ts';

/** A public key in its wire form. */
function keyOf(type: string, body: Buffer): Buffer {
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  return Buffer.concat([field(Buffer.from(type)), field(body)]);
}

function newKey(): Buffer {
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return keyOf('ssh-ed25519', Buffer.from(x ?? '', 'base64url'));
}

const mine = newKey();
const other = newKey();
const text = (key: Buffer): string => `${keyTypeOf(key)} ${key.toString('base64')}`;

function verdict(file: string, name: string, key = mine): string {
  return judgeHostKey(parseKnownHosts(file, 'known'), name, key).kind;
}

test('a key is known by host name, by port, and by pattern, and nowhere else', (t) => {
  t.is(verdict(`web1 ${text(mine)}`, 'web1'), 'known');
  t.is(verdict(`web1 ${text(mine)}`, 'web2'), 'unknown');
  t.is(verdict(`web1 ${text(mine)}`, '[web1]:2222'), 'unknown');
  t.is(verdict(`[web1]:2222,10.0.0.1 ${text(mine)} comment`, '[web1]:2222'), 'known');
  t.is(verdict(`*.example.org,!db.example.org ${text(mine)}`, 'web.example.org'), 'known');
  t.is(verdict(`*.example.org,!db.example.org ${text(mine)}`, 'db.example.org'), 'unknown');
  t.is(verdict(`web? ${text(mine)}`, 'web1'), 'known');
  t.is(verdict(`web. ${text(mine)}`, 'web1'), 'unknown', 'a dot is only a dot');
  t.is(knownHostName('WEB1', 22), 'web1');
  t.is(knownHostName('fe80::1', 22), 'fe80::1');
  t.is(knownHostName('web1', 2222), '[web1]:2222');
});

test('a host whose entries hold another key has changed, also when the type is another', (t) => {
  const ecdsa = keyOf('ecdsa-sha2-nistp256', Buffer.from('point'));
  t.is(verdict(`web1 ${text(other)}`, 'web1'), 'changed');
  t.is(verdict(`web1 ${text(ecdsa)}`, 'web1'), 'changed');
  t.is(verdict(`web1 ${text(other)}\nweb1 ${text(mine)}`, 'web1'), 'known');
  const entries = parseKnownHosts(`web1 ${text(ecdsa)}\nweb1 ${text(mine)}\n`, 'known');
  t.deepEqual(knownKeyTypes(entries, 'web1'), ['ecdsa-sha2-nistp256', 'ssh-ed25519']);
});

test('a revoked key is refused although another line knows it', (t) => {
  t.is(verdict(`web1 ${text(mine)}\n@revoked * ${text(mine)}`, 'web1'), 'revoked');
  t.is(verdict(`@revoked * ${text(other)}`, 'web1'), 'unknown');
  t.is(verdict(`@revoked * ${text(other)}\nweb1 ${text(mine)}`, 'web1'), 'known');
});

test('lines that cannot be read and authorities trust nobody', (t) => {
  const lines = [
    '# web1',
    'web1',
    `web1 ssh-rsa ${mine.toString('base64')}`,
    `web1 ssh-ed25519 ${Buffer.from('short').toString('base64')}`,
    `@cert-authority web1 ${text(mine)}`,
    `|1|AAAA ${text(mine)}`,
    `|2|AAAA|BBBB ${text(mine)}`,
  ];
  t.is(verdict(lines.join('\n'), 'web1'), 'unknown');
});

testUnless(
  whyNoSshd(),
  'entries that ssh-keygen has hashed are understood, and its fingerprints',
  (t) => {
    const dir = tmpDir(t);
    makeKey(join(dir, 'key'));
    const [type, base64] = readFileSync(join(dir, 'key.pub'), 'utf8').split(' ');
    const file = join(dir, 'known_hosts');
    writeFileSync(file, `web1,[10.0.0.1]:2222 ${type} ${base64}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const hashed = readFileSync(file, 'utf8');
    t.false(hashed.includes('web1'));
    const key = Buffer.from(base64, 'base64');
    for (const name of ['web1', '[10.0.0.1]:2222']) t.is(verdict(hashed, name, key), 'known');
    t.is(verdict(hashed, '10.0.0.1', key), 'unknown');
    t.is(verdict(hashed, 'web1', mine), 'changed');
    const shown = execFileSync('ssh-keygen', ['-l', '-f', join(dir, 'key.pub')], {
      encoding: 'utf8',
    });
    t.true(shown.includes(fingerprintOf(key)));
  },
);

const host: Host = {
  name: 'one',
  host: 'web1',
  port: 2222,
  user: 'me',
  identity: null,
  fingerprint: null,
  bind: null,
  nodePort: 7070,
  advertise: null,
  dir: '~/x',
};

test('each refusal says what was shown and what to do about it', (t) => {
  const trust = (file: string): HostTrust =>
    new HostTrust(parseKnownHosts(file, 'known'), ['known']);
  const unknown = trust('').problemOf(host, mine)?.message ?? '';
  t.true(unknown.includes(fingerprintOf(mine)));
  t.true(unknown.includes('ssh-keyscan -p 2222 web1 >> known'));
  const changed = trust(`[web1]:2222 ${text(other)}`).problemOf(host, mine);
  t.is(changed?.code, 'HOST_KEY_CHANGED');
  t.regex(changed?.message ?? '', /HAS CHANGED.*known:1/);
  t.is(trust(`@revoked * ${text(mine)}`).problemOf(host, mine)?.code, 'HOST_KEY_REVOKED');
  t.is(trust(`[web1]:2222 ${text(mine)}`).problemOf(host, mine), null);
});

test('a pinned fingerprint decides alone', (t) => {
  const trust = new HostTrust(parseKnownHosts(`[web1]:2222 ${text(mine)}`, 'known'), ['known']);
  const pinned = { ...host, fingerprint: fingerprintOf(other) };
  t.is(trust.problemOf(pinned, other), null);
  t.is(trust.problemOf(pinned, mine)?.code, 'HOST_KEY_CHANGED', 'known_hosts is not asked');
});
