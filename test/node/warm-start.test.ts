import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { silentLog } from '../../src/core/index.ts';
import { ClusterNode } from '../../src/node/index.ts';
import { untilFile } from '../helpers/poll.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

test('a node of a cluster has tried its Python before any task asks for it', async (t) => {
  const dir = tmpDir(t);
  const python = join(dir, 'python');
  const tried = join(dir, 'tried');
  writeFileSync(python, `#!/bin/sh\ntouch ${tried}\nprintf '3.11.0\\n${python}\\n'\n`, {
    mode: 0o755,
  });
  const before = process.env.PYTHON;
  process.env.PYTHON = python;
  t.teardown(() => {
    if (before === undefined) delete process.env.PYTHON;
    else process.env.PYTHON = before;
  });
  const node = await ClusterNode.open({
    data: join(dir, 'data'),
    bind: '127.0.0.1',
    port: 0,
    join: [],
    keyFile: null,
    voters: 1,
    dropRate: 0,
    console: silentLog,
  });
  t.teardown(() => node.close());
  await untilFile(tried, () => existsSync(tried), { what: 'the interpreter to be run' });
  t.true(existsSync(tried));
});
