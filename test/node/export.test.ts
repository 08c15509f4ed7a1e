import { mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LocalFileSystem } from '../../src/hydfs/index.ts';
import { Exporter, isExported } from '../../src/node/export.ts';
import { outputFileName, planJob } from '../../src/plan/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { openFiles, simDisk } from '../hydfs/helpers.ts';
import { specOf } from '../leader/helpers/specs.ts';

const plan = planJob('0af3', specOf(1, [1]));

async function filesWithOutput(t: ExecutionContext): Promise<LocalFileSystem> {
  const files = await openFiles(simDisk().mount());
  t.teardown(() => files.close());
  await files.create(outputFileName(plan.id));
  await files.append(outputFileName(plan.id), Buffer.from('k: v\n'));
  return files;
}

test('the folder of a local destination is synced, with the file in it, before the marker', async (t) => {
  const files = await filesWithOutput(t);
  const dir = realpathSync(tmpDir(t));
  mkdirSync(join(dir, 'real'));
  symlinkSync(join(dir, 'real', 'out'), join(dir, 'link'));
  const synced: string[] = [];
  const syncDir = async (path: string): Promise<void> => {
    t.is(readFileSync(join(path, 'out'), 'utf8'), '', 'the file is there already');
    t.false(await isExported(files, plan));
    synced.push(path);
  };
  const exporter = await Exporter.open(files, plan, join(dir, 'link'), { syncDir });
  t.deepEqual(synced, [join(dir, 'real')]);
  await exporter.finish(true);
  t.true(await isExported(files, plan));
  t.is(readFileSync(join(dir, 'link'), 'utf8'), 'k: v\n');
});

test('a local destination whose folder cannot be synced is refused, and nothing is marked', async (t) => {
  const files = await filesWithOutput(t);
  const syncDir = (): Promise<void> => Promise.reject(new Error('EIO'));
  const opening = Exporter.open(files, plan, join(tmpDir(t), 'out'), { syncDir });
  await t.throwsAsync(opening, { code: 'DESTINATION_UNWRITABLE' });
  t.false(await isExported(files, plan));
});
