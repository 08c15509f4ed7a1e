/** Searches of all nodes that are left early. */
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { NodeLogs } from '../../src/node/node-logs.ts';
import type { RpcClient } from '../../src/transport/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

function openBelow(folder: string): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile, as that of this very reading
    }
  });
  return links.filter((path) => path.startsWith(folder));
}

test('a search that is left early holds no file, and ends no process with what it finds later', async (t) => {
  const folder = join(tmpDir(t), 'logs');
  mkdirSync(folder);
  const evil = `${'a'.repeat(64)}!\n`;
  writeFileSync(join(folder, 'node.log'), `${'aa\n'.repeat(512)}${evil.repeat(10_000)}`);
  const ended = Promise.withResolvers<void>();
  async function* items(): AsyncGenerator<unknown> {
    try {
      for (;;) {
        await new Promise(setImmediate);
        yield { node: 'b', file: 'node.log', lines: ['far'], problem: null };
      }
    } finally {
      ended.resolve();
    }
  }
  const client: Partial<RpcClient> = { stream: () => items() };
  const logs = new NodeLogs({
    folder,
    node: 'a',
    others: () => ['b'],
    connect: async () => client as RpcClient,
  });
  const lost: unknown[] = [];
  const hear = (reason: unknown): unknown => lost.push(reason);
  process.on('unhandledRejection', hear);
  for await (const { node } of logs.searchLogs('^(a+)+$')) if (node === 'a') break;
  await ended.promise;
  while (openBelow(folder).length > 0) await new Promise(setImmediate);
  process.off('unhandledRejection', hear);
  t.deepEqual(lost, []);
});
