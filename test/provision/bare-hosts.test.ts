/** Hosts that lack the tools that make a copy short or check it. */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import ssh2 from 'ssh2';
import { present, systemClock } from '../../src/core/index.ts';
import { FarHost } from '../../src/provision/far-host.ts';
import { HostTrust } from '../../src/provision/host-trust.ts';
import { parseKnownHosts } from '../../src/provision/known-hosts.ts';
import { Program } from '../../src/provision/program.ts';
import { UpWork } from '../../src/provision/up-work.ts';
import { testUnless } from '../helpers/skip.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { TestServer } from './helpers/ssh-server.ts';

/** What far-side.sh uses on every host. */
const TOOLS = [
  ...['sh', 'uname', 'mkdir', 'chmod', 'ls', 'cp', 'mv', 'rm', 'rmdir', 'ln', 'cat', 'tr', 'grep'],
  ...['head', 'tail', 'env'],
];

function find(tool: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = folders.map((folder) => join(folder, tool));
  return paths.find((path) => statSync(path, { throwIfNoEntry: false }) !== undefined) ?? null;
}

/** A folder with TOOLS and `more`, which is all that a host has. */
function pathWith(t: ExecutionContext, more: readonly string[]): string {
  const dir = join(tmpDir(t), 'bin');
  mkdirSync(dir);
  for (const tool of [...TOOLS, ...more]) {
    symlinkSync(present(find(tool), `${tool} is installed here`), join(dir, tool));
  }
  return dir;
}

/** A host with nothing but these tools, and what was said of the work on it. */
async function bareHost(t: ExecutionContext, more: readonly string[]) {
  const dir = tmpDir(t);
  const made = ssh2.utils.generateKeyPairSync('ed25519');
  const user = ssh2.utils.generateKeyPairSync('ed25519');
  const key = ssh2.utils.parseKey(user.private);
  const hostKey = ssh2.utils.parseKey(made.private);
  if (key instanceof Error || hostKey instanceof Error) throw new Error('a made key can be read');
  const server = await TestServer.start(t, {
    hostKeys: [made.private],
    userKey: key.getPublicSSH(),
    path: pathWith(t, more),
  });
  const identity = join(dir, 'user_key');
  writeFileSync(identity, user.private, { mode: 0o600 });
  const known = `[127.0.0.1]:${server.port} ssh-ed25519 ${hostKey.getPublicSSH().toString('base64')}`;
  const far = new FarHost(
    {
      ...{ name: 'bare', host: '127.0.0.1', port: server.port, user: 'me', identity },
      ...{ fingerprint: null, bind: '127.0.0.1', nodePort: 7070, advertise: null },
      dir: join(dir, 'far'),
    },
    {
      credentials: {
        secrets: { passphrase: async () => null, password: async () => null },
        agent: null,
        home: dir,
      },
      trust: new HostTrust(parseKnownHosts(known, 'known'), ['known']),
      clock: systemClock,
      signal: new AbortController().signal,
    },
  );
  t.teardown(() => far.close());
  const path = join(dir, 'program');
  writeFileSync(path, `#!/bin/sh\necho 1.2.3\n${'# as long as a chunk\n'.repeat(4000)}`);
  const program = await Program.read(path);
  const steps: string[] = [];
  const work = new UpWork(far, {
    ...{ program, restart: false, onlyMissing: false, voters: 1 },
    onProgress: ({ step }) => steps.push(step),
  });
  return { work, program, steps, far: join(dir, 'far'), server };
}

for (const [has, sums, packing] of [
  [['zstd', 'gzip'], 'sha256sum', 'zstd'],
  [['gzip'], 'shasum', 'gzip'],
  [[], 'openssl', 'plain'],
] as const) {
  const absent = [...has, sums].filter((tool) => find(tool) === null);
  const missing = absent.length === 0 ? null : `${absent.join(' and ')} are not installed`;
  const title = `a host with ${has.join(' and ') || 'neither zstd nor gzip'} and with ${sums} gets the program as ${packing}, whole`;
  testUnless(missing, title, async (t) => {
    // shasum is a script of perl
    const more = sums === 'shasum' ? [...has, sums, 'perl'] : [...has, sums];
    const { work, program, steps, far, server } = await bareHost(t, more);
    await work.look();
    await work.deploy(null);
    t.is(work.action, 'copied');
    t.is(steps.includes('packing'), packing !== 'plain');
    const there = readFileSync(join(far, 'versions', program.sha256, 'rainstorm'));
    t.true(there.equals(program.bytes));
    t.is(statSync(join(far, 'versions', program.sha256, 'rainstorm')).mode & 0o777, 0o700);
    const sent = (await program.packed(packing)).bytes.length;
    t.is(server.bytes, sent, 'what was sent is what the host can unpack');
    await work.look();
    await work.deploy(null);
    t.is(work.action, 'copied, up to date', 'its hash was read there');
  });
}

test('a host without any SHA-256 tool is refused before anything is made there', async (t) => {
  const { work, far } = await bareHost(t, ['zstd', 'gzip']);
  const error = await t.throwsAsync(work.look());
  t.regex(error?.message ?? '', /none of sha256sum, shasum and openssl is there; install one/);
  t.is(statSync(far, { throwIfNoEntry: false }), undefined);
});
