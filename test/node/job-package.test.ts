/** What jobs of a cluster bring, on its way and where it is run. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { seededRandom, silentLog, systemClock } from '../../src/core/index.ts';
import type { FileSystem } from '../../src/hydfs/index.ts';
import {
  adoptPackage,
  manifestSchema,
  PACKAGE_BYTES_MAX,
  type PackagedFile,
  type PackageManifest,
  packagedBytes,
  packagedName,
  sha256Of,
} from '../../src/node/job-package.ts';
import { PackagedOperators } from '../../src/node/packaged-operators.ts';
import { bundledOperators, PythonEnvironments } from '../../src/operator/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { openFiles, simDisk } from '../hydfs/helpers.ts';
import { specOf } from '../leader/helpers/specs.ts';

const SCRIPT = Buffer.from('print("filter")\n');
const script: PackagedFile = {
  path: 'ops/filter.py',
  sha256: sha256Of(SCRIPT),
  bytes: SCRIPT.length,
  executable: true,
};

function manifestOf(...files: PackagedFile[]): PackageManifest {
  return { files, scripts: { 1: files[0].path } };
}

async function stored(t: ExecutionContext, job: string, bytes = SCRIPT): Promise<FileSystem> {
  const fs = await openFiles(simDisk().mount());
  t.teardown(() => fs.close());
  await fs.create(packagedName(job, script.sha256));
  if (bytes.length > 0) await fs.append(packagedName(job, script.sha256), bytes);
  return fs;
}

function operators(t: ExecutionContext, fs: FileSystem): [PackagedOperators, string] {
  const dir = join(tmpDir(t), 'packages');
  const bundled = bundledOperators(join(tmpDir(t), 'bundled'));
  const environments = new PythonEnvironments({
    dir: join(tmpDir(t), 'environments'),
    clock: systemClock,
    log: silentLog,
    host: process.env,
    vm: 'vm1',
  });
  const random = seededRandom(1);
  return [new PackagedOperators({ fs, bundled, environments, dir, random }), dir];
}

test('a move of bytes that was broken off by a death is completed by the next one', async (t) => {
  const fs = await stored(t, 'from');
  await fs.create(packagedName('job', script.sha256)); // and not a byte in it
  const move = { from: 'from', manifest: manifestOf(script) };
  await adoptPackage(fs, 'job', move);
  t.deepEqual(Buffer.from(await packagedBytes(fs, 'job', script)), SCRIPT);
  t.deepEqual(await fs.list('jobs/from/'), []);
  await adoptPackage(fs, 'job', move); // asked again, when everything is there
  t.deepEqual(Buffer.from(await packagedBytes(fs, 'job', script)), SCRIPT);
});

test('a file that is longer than it was said to be is not read', async (t) => {
  const fs = await stored(t, 'job', Buffer.concat([SCRIPT, Buffer.alloc(1000)]));
  fs.read = () => {
    throw new Error('read');
  };
  await t.throwsAsync(packagedBytes(fs, 'job', script), {
    code: 'PACKAGE_DAMAGED',
    message: /1016 bytes in place of 16/,
  });
});

test('a file with other bytes than were submitted is told from it by its SHA-256', async (t) => {
  const fs = await stored(t, 'job', Buffer.from('print("FILTER")\n'));
  await t.throwsAsync(packagedBytes(fs, 'job', script), {
    code: 'PACKAGE_DAMAGED',
    message: /do not have the SHA-256/,
  });
});

test('a manifest of more bytes than a package may have, or of a path that leads out, is none', (t) => {
  const half = { ...script, bytes: PACKAGE_BYTES_MAX / 2 + 1 };
  const fits = (...files: PackagedFile[]): boolean =>
    manifestSchema.safeParse(manifestOf(...files)).success;
  t.true(fits(half));
  t.false(fits(half, half));
  for (const path of ['../x', 'a/../x', '/etc/x', 'a//b', '.', '', 'a\0b', 'x'.repeat(256)]) {
    t.false(fits({ ...script, path }), path);
  }
});

test('scripts are kept for as long as their job is known', async (t) => {
  const fs = await stored(t, 'job');
  await adoptPackage(fs, 'job', { from: 'job', manifest: manifestOf(script) });
  const [made, dir] = operators(t, fs);
  const plan = { id: 'job', spec: specOf(1, [1]) };
  const { argv } = await made.of(plan, 1);
  t.deepEqual((await made.of(plan, 1)).argv, argv);
  const path = argv.find((word) => word.endsWith('ops/filter.py')) ?? '';
  t.true(existsSync(path));
  await made.forget('job');
  t.deepEqual(readdirSync(dir), []);
  t.true(existsSync((await made.of(plan, 1)).argv.find((word) => word.endsWith('.py')) ?? ''));
});

test('of scripts that cannot be fetched nothing is left, whatever their manifest says', async (t) => {
  const fs = await stored(t, 'job');
  const under = { ...script, path: `${script.path}/below` };
  for (const other of [under, script, { ...script, path: 'x', sha256: '0'.repeat(64) }]) {
    await adoptPackage(fs, 'job', { from: 'job', manifest: manifestOf(script, other) });
    const [made, dir] = operators(t, fs);
    const failed = await t.throwsAsync(made.of({ id: 'job', spec: specOf(1, [1]) }, 1));
    t.regex(String((failed as { code?: string }).code), /PACKAGE_DAMAGED|FILE_MISSING/);
    t.deepEqual(readdirSync(dir), []);
  }
});
