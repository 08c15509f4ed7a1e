/** Whom a command asks: a data directory, or a node over the network. */
import { join } from 'node:path';
import test from 'ava';
import { silentLog } from '../../src/core/index.ts';
import { ClusterNode } from '../../src/node/index.ts';
import { makeKeyFile } from '../../src/transport/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { command } from './helpers.ts';

test('a node is asked over the network, the next address when the first does not answer, with its key', async (t) => {
  const cwd = tmpDir(t);
  const keyFile = join(cwd, 'key');
  await makeKeyFile(keyFile);
  const node = await ClusterNode.open({
    data: join(cwd, 'data'),
    bind: '127.0.0.1',
    port: 0,
    join: [],
    keyFile,
    voters: 1,
    dropRate: 0,
    console: silentLog,
  });
  t.teardown(() => node.close());
  const list = `127.0.0.1:1,${node.address}`;
  const ask = (words: string[], env = {}) => command(cwd, words, { env });
  const reach = ['--cluster', list, '--key-file', 'key'];

  const members = await ask(['members', ...reach, '--json']);
  t.is(JSON.parse(members.stdout)[0].address, node.address, members.stderr);
  t.is((await ask(['fs', 'create', 'a', ...reach])).code, 0);
  const listed = await ask(['fs', 'ls', '--key-file', 'key', '--json'], {
    RAINSTORM_CLUSTER: list,
  });
  t.is(JSON.parse(listed.stdout)[0].name, 'a', listed.stderr);
  t.is((await ask(['jobs', ...reach])).code, 0);
  const points = await ask(['points', ...reach]);
  t.regex(points.stdout, new RegExp(`^NODE .*\n${node.address} +1024 +1024 +0\n`), points.stderr);
  t.regex(points.stdout, /\nall 1,024 points have one copy of the 3 that are wanted/);
  const row = JSON.parse((await ask(['points', ...reach, '--json'])).stdout);
  t.is(row.health.complete, 1024);

  const keyless = await ask(['members', '--cluster', node.address]);
  t.is(keyless.code, 3);
  t.regex(keyless.stderr, /--key-file/);
  const both = await ask(['jobs', '--data', 'data', ...reach]);
  t.is(both.code, 2);
  t.regex(both.stderr, /--cluster and --data both say whom to ask/);
});
