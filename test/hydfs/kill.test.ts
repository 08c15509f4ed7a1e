import { join } from 'node:path';
import test from 'ava';
import { nodeDisk } from '../../src/storage/index.ts';
import { startProcess } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { openFiles, textOf } from './helpers.ts';

const APPENDER = join(import.meta.dirname, 'appender.ts');
const LINES = Array.from({ length: 60 }, (_, i) => `line ${i + 1}\n`);

/** Where the first two of the three lives of a process end. */
const lives = [
  ['storage.before-write:1', 'storage.before-write:6'],
  ['storage.written-not-synced:1', 'storage.written-not-synced:5'],
  ['storage.synced-not-acked:2', 'storage.synced-not-acked:4'],
  ['storage.rolled:1', 'storage.rolled:2'],
  ['hydfs.writer-opened:1', 'hydfs.writer-opened:1'],
] as const;

for (const [first, second] of lives) {
  test(`each line is there once after kills at ${first} and ${second}`, async (t) => {
    const root = tmpDir(t);
    for (const [epoch, failpoint] of [first, second, ''].entries()) {
      const env = { RAINSTORM_FAILPOINT: failpoint };
      const line = [process.execPath, APPENDER, root, String(epoch + 1)];
      const ended = await startProcess(t, line, { cwd: root, env }).ended;
      t.is(ended.signal, failpoint === '' ? null : 'SIGKILL', `${failpoint}: ${ended.stderr}`);
      const acked = [...ended.stderr.matchAll(/acked (\d+)/g)].map((match) => Number(match[1]));
      const files = await openFiles(nodeDisk, { root });
      const text = (await files.list()).length === 0 ? '' : await textOf(files.read('lines'));
      const there = text.split('\n').length - 1;
      t.is(text, LINES.slice(0, there).join(''));
      t.true(there >= Math.max(0, ...acked), `${acked} were acknowledged, ${there} are there`);
      await files.close();
    }
    const files = await openFiles(nodeDisk, { root });
    t.is(await textOf(files.read('lines')), LINES.join(''));
    await files.close();
  });
}
