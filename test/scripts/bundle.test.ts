/** What the packager bundles works alone: one text in an empty directory, with plain node. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bundle } from '../../scripts/packaging/bundle.mjs';
import { embeddedTexts } from '../../scripts/packaging/embedded-texts.mjs';
import { compile, wrapped } from '../../scripts/packaging/launcher.cjs';
import { operatorsIn, writtenOperators } from '../../src/operator/bundled.ts';
import { projectRoot } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

const NODE_MAJOR = 24;

async function runAlone(
  t: ExecutionContext,
  program: string,
  embedded: Record<string, string>,
): Promise<string> {
  const entry = join(tmpDir(t), 'entry.ts');
  writeFileSync(entry, program.replaceAll('@src', join(projectRoot, 'src')));
  const dir = tmpDir(t);
  writeFileSync(join(dir, 'main.cjs'), await bundle(entry, embedded, NODE_MAJOR));
  const ran = spawnSync(process.execPath, ['main.cjs'], { cwd: dir, env: {}, encoding: 'utf8' });
  return ran.stdout + ran.stderr;
}

test('a thread of the kernel pool starts from the text inside the bundle', async (t) => {
  const program = `
    import { silentLog } from '@src/core/index.ts';
    import { KernelPool } from '@src/kernels/index.ts';
    import { encodeBlock } from '@src/plan/index.ts';
    const block = encodeBlock({
      count: 1, idHi: Uint32Array.of(0), idLo: Uint32Array.of(7), fan: null,
      keyEnds: Uint32Array.of(1), valueEnds: Uint32Array.of(2),
      keys: Buffer.from('k'), values: Buffer.from('vw'),
    });
    const pool = new KernelPool({ threads: 1, log: silentLog, offloadBytes: 1 });
    pool.warm()
      .then(() => pool.run('ingest', { block, skip: 0 }))
      .then(({ text }) => console.log(Buffer.from(text).toString() + JSON.stringify(pool.stats)))
      .finally(() => pool.close());
  `;
  const worker = await bundle('src/kernels/pool-entry.ts', null, NODE_MAJOR);
  const expected = 'key: k\nvalue: vw\n{"inline":0,"offloaded":1}\n';
  t.is(await runAlone(t, program, { 'worker:worker.js': worker }), expected);
  t.not(await runAlone(t, program, {}), expected, 'without the text no thread can start');
});

test('the bundle reads embedded texts where the tree reads files', async (t) => {
  const program = `
    import { embedded } from '@src/core/index.ts';
    console.log(embedded?.['py:x.py'], typeof import.meta.url, typeof import.meta.dirname);
  `;
  t.is(await runAlone(t, program, { 'py:x.py': 'pass' }), 'pass string string\n');
});

test('what stays outside of the bundle is named in it and asked for at the executable', async (t) => {
  const entry = join(tmpDir(t), 'entry.ts');
  writeFileSync(
    entry,
    `import { embedded } from '${join(projectRoot, 'src')}/core/index.ts';
    console.log(Object.keys(embedded ?? {}).join());
    try { console.log(embedded?.['b.js']); } catch (error) { console.log(error.code); }`,
  );
  const dir = tmpDir(t);
  writeFileSync(join(dir, 'main.cjs'), await bundle(entry, { a: '1' }, NODE_MAJOR, ['b.js']));
  const { stdout } = spawnSync(process.execPath, ['main.cjs'], { cwd: dir, encoding: 'utf8' });
  t.is(stdout, 'a,b.js\nERR_NOT_IN_SINGLE_EXECUTABLE_APPLICATION\n');
});

test('V8 takes the compiled code for the text that it was taken from, and for no other', (t) => {
  const text = wrapped('module.exports = 1;');
  const script = compile(text);
  script.runInThisContext();
  const compiled = script.createCachedData();
  t.is(compile(text, compiled).cachedDataRejected, false);
  t.is(compile(`${text} `, compiled).cachedDataRejected, true);
});

test('the packaged program finds the same bundled operators as the tree', (t) => {
  const tree = operatorsIn(join(projectRoot, 'operators'));
  const packaged = writtenOperators(embeddedTexts(), join(tmpDir(t), 'operators'));
  t.true(tree.names().length > 0);
  t.deepEqual(packaged.names(), tree.names());
  for (const name of [...tree.names().map((operator) => `${operator}.py`), 'rainstorm_shim.py']) {
    const [inside, outside] = [packaged.path(name), tree.path(name)];
    t.is(readFileSync(inside ?? '', 'utf8'), readFileSync(outside ?? '', 'utf8'), name);
  }
});
