import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { operatorName, resolveOperator, writtenOperators } from '../../src/operator/index.ts';
import { BUNDLED, batchOf, commandOf, FIXTURES, poolOf, scratch, textOf } from './support.ts';

const common = { args: [], bundled: BUNDLED, hostEnv: process.env };

test('a bare name is looked for in each folder, then among the bundled, then on the PATH', async (t) => {
  const first = scratch(t);
  const second = scratch(t);
  for (const path of [join(first, 'mine.py'), join(second, 'mine.py'), join(second, 'filter.py')]) {
    writeFileSync(path, '');
  }
  const baseDirs = [first, second];
  const pathOf = async (run: string): Promise<string> => {
    const { argv, kind } = await resolveOperator({ ...common, run, baseDirs });
    return argv[kind === 'exec' ? 0 : 4];
  };
  t.is(await pathOf('mine.py'), join(first, 'mine.py'));
  t.is(await pathOf('filter.py'), join(second, 'filter.py'));
  t.is<string | null, string | null>(await pathOf('identity'), BUNDLED.path('identity.py'));
  t.is<string | null, string | null>(
    await pathOf('count_by_key.py'),
    BUNDLED.path('count_by_key.py'),
  );
  t.regex(await pathOf('cat'), /^\/.*\/cat$/);
  await t.throwsAsync(pathOf('rainstorm_shim.py'), { code: 'OPERATOR_NOT_FOUND' });
});

test('an operator that is nowhere is named, with where it was looked for', async (t) => {
  const baseDirs = ['/jobs', '/operators'];
  await t.throwsAsync(resolveOperator({ ...common, run: 'nowhere.py', baseDirs }), {
    code: 'OPERATOR_NOT_FOUND',
    message:
      /^the operator nowhere\.py was not found \(looked in \/jobs, \/operators, the bundled operators and the PATH\); correct the path or use a bundled operator \(count_by_column, .*split_words\)$/,
  });
  await t.throwsAsync(resolveOperator({ ...common, run: './a/b.py', baseDirs }), {
    message: /\(looked in \/jobs\)/,
  });
  await t.throwsAsync(resolveOperator({ ...common, run: '/no/b.py', baseDirs }), {
    message: /\(no such file\)/,
  });
  await t.throwsAsync(resolveOperator({ ...common, run: '', baseDirs }), {
    code: 'OPERATOR_NOT_FOUND',
  });
  await t.throwsAsync(resolveOperator({ ...common, run: FIXTURES, baseDirs }), {
    code: 'OPERATOR_NOT_FOUND',
  });
});

test('a file that is neither Python nor executable is refused', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'op.sh'), '#!/bin/sh\n', { mode: 0o644 });
  await t.throwsAsync(resolveOperator({ ...common, run: 'op.sh', baseDirs: [folder] }), {
    code: 'OPERATOR_NOT_EXECUTABLE',
    message: /op\.sh cannot be run \(it is not executable\); make it executable with `chmod \+x`/,
  });
});

/** A `python3` that answers the version question with `says`. */
function fakePython(folder: string, name: string, says: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${says}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a missing, broken or old Python is named', async (t) => {
  const folder = scratch(t);
  const ask = (hostEnv: Record<string, string>) =>
    resolveOperator({ ...common, run: 'identity', baseDirs: [], hostEnv });
  await t.throwsAsync(ask({ PATH: folder }), {
    code: 'PYTHON_MISSING',
    message:
      'the operator identity needs Python but python3 could not be run (no such program); install python3 3.8 or newer or set PYTHON to its path',
  });
  const old = fakePython(folder, 'python3', 'echo 3.7.9; echo /old/python3.7');
  await t.throwsAsync(ask({ PATH: folder }), {
    code: 'PYTHON_TOO_OLD',
    message:
      'the operator identity needs Python 3.8 or newer but /old/python3.7 is 3.7.9; install a newer one or set PYTHON to its path',
  });
  const broken = fakePython(folder, 'broken', 'echo no such library >&2; exit 1');
  await t.throwsAsync(ask({ PYTHON: broken, PATH: folder }), {
    code: 'PYTHON_MISSING',
    message: /\/broken could not be run \(no such library\)/,
  });
  const good = fakePython(folder, 'good', 'echo 3.12.1; echo /real/python3.12');
  const command = await ask({ PYTHON: good, PATH: folder });
  t.deepEqual(command.argv.slice(0, 2), ['/real/python3.12', '-B']);
  t.truthy(old);
});

test('an old python3 does not hide a newer python', async (t) => {
  const folder = scratch(t);
  fakePython(folder, 'python3', 'echo 3.6.0; echo /old');
  fakePython(folder, 'python', 'echo 3.9.0; echo /new');
  const hostEnv = { PATH: folder };
  const { argv } = await resolveOperator({ ...common, run: 'identity', baseDirs: [], hostEnv });
  t.is(argv[0], '/new');
});

test('a Python is asked once, unless it was refused or has gone', async (t) => {
  const folder = scratch(t);
  const real = fakePython(folder, 'python3.12', '');
  const asked = join(folder, 'asked');
  const say = (version: string): string => `echo >> ${asked}; echo ${version}; echo ${real}`;
  fakePython(folder, 'python3', say('3.7.9'));
  const times = (): number => readFileSync(asked, 'utf8').length;
  const hostEnv = { PATH: folder };
  const find = () => resolveOperator({ ...common, run: 'identity', baseDirs: [], hostEnv });
  await t.throwsAsync(find(), { code: 'PYTHON_TOO_OLD' });
  fakePython(folder, 'python3', say('3.12.1'));
  await Promise.all([find(), find()]);
  const { argv } = await find();
  t.is(argv[0], real);
  t.is(times(), 2);
  rmSync(real);
  await find();
  t.is(times(), 3);
});

test('embedded operators are written to a private folder and run from there', async (t) => {
  const source = join(FIXTURES, '../../../operators');
  const texts: Record<string, string> = { 'worker.js': 'not an operator' };
  for (const name of readdirSync(source).filter((each) => each.endsWith('.py'))) {
    texts[`operators/${name}`] = readFileSync(join(source, name), 'utf8');
  }
  const folder = join(scratch(t), 'private');
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'identity.py'), 'an older version');
  const bundled = writtenOperators(texts, folder);
  t.deepEqual(bundled.names(), BUNDLED.names());
  t.deepEqual(
    readdirSync(folder).sort(),
    readdirSync(source)
      .filter((n) => n.endsWith('.py'))
      .sort(),
  );
  const command = await resolveOperator({ ...common, run: 'identity', baseDirs: [], bundled });
  t.is(operatorName(command), 'identity.py');
  const { pool } = poolOf(t, command);
  await pool.start();
  t.regex(textOf([await pool.submit(batchOf(['x']))]), /value: x/);
  await pool.end();
});

test('mawk is told to answer each line', async (t) => {
  const { argv } = await commandOf('passthrough.awk', ['-v', 'x=1']);
  if (!argv.includes('-W')) {
    t.log('skipped: awk is not mawk on this machine');
    return t.pass();
  }
  t.deepEqual(argv.slice(1), [
    '-W',
    'interactive',
    '-f',
    join(FIXTURES, 'passthrough.awk'),
    '-v',
    'x=1',
  ]);
});
