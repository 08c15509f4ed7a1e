/**
 * When the Python packages of a job are installed, with a Python that only writes down what it was
 * asked: test/e2e/requirements.test.ts installs real ones.
 */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog, systemClock } from '../../src/core/index.ts';
import { GroupsFile } from '../../src/operator/groups.ts';
import { operatorEnvironment, PythonEnvironments } from '../../src/operator/index.ts';
import { runInstaller } from '../../src/operator/installer.ts';
import { until } from '../helpers/poll.ts';
import { identify } from '../helpers/process-tree.ts';
import { scratch } from './support.ts';

/** Answers as Python does to the three questions that are asked of it. */
const PYTHON = `#!/bin/sh
case "$*" in
  -c*) echo 3.11.7; echo "$0"; exit 0;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; echo "venv" >> "$ASKED"; exit 0;;
esac
echo "pip $PIP_INDEX_URL $SECRET $(pwd) $*" >> "$ASKED"
if [ -e refuse ]; then echo "some words"; echo "ERROR: no such package."; exit 1; fi
`;

interface Place {
  readonly folder: string;
  readonly environments: PythonEnvironments;
  /** another process with the same data directory */
  again(): PythonEnvironments;
  asked(): string[];
  needs(beside?: string): Parameters<PythonEnvironments['of']>[0];
}

function place(t: ExecutionContext, text = 'numpy==2.0\n'): Place {
  const folder = scratch(t);
  const python = join(folder, 'fake-python');
  writeFileSync(python, PYTHON.replaceAll('$ASKED', join(folder, 'asked')));
  chmodSync(python, 0o755);
  const path = join(folder, 'requirements.txt');
  writeFileSync(path, text);
  const host = { PATH: process.env.PATH, PYTHON: python, PIP_INDEX_URL: 'u', SECRET: 's' };
  const again = (): PythonEnvironments => {
    const dir = join(folder, 'environments');
    return new PythonEnvironments({ dir, clock: systemClock, log: silentLog, host, vm: 'vm1' });
  };
  return {
    folder,
    environments: again(),
    again,
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').trimEnd().split('\n'),
    needs: (beside = '') => {
      return { name: 'requirements.txt', path, folder, beside: async () => beside };
    },
  };
}

test('packages are installed once, with what pip needs of the host and nothing else', async (t) => {
  const { folder, environments, asked, needs } = place(t);
  const [one, two] = await Promise.all([environments.of(needs()), environments.of(needs())]);
  t.deepEqual(one, two);
  const words = `-m pip --disable-pip-version-check install --no-input --quiet --requirement`;
  t.deepEqual(asked(), ['venv', `pip u  ${folder} ${words} ${folder}/requirements.txt`]);
  const home = one.VIRTUAL_ENV ?? '';
  t.is(one.PYTHON, join(home, 'bin/python'));
  const seen = operatorEnvironment(one, {});
  t.true(seen.PATH.startsWith(`${home}/bin:`));
  t.false('PIP_INDEX_URL' in seen);
});

test('what an earlier process has completed is used, what it has not is made anew', async (t) => {
  const { environments, again, asked, needs } = place(t);
  const { VIRTUAL_ENV: home = '' } = await environments.of(needs());
  t.is((await again().of(needs())).VIRTUAL_ENV, home);
  t.is(asked().length, 2);
  rmSync(join(home, 'complete'));
  await again().of(needs());
  t.is(asked().length, 4);
  t.true(existsSync(join(home, 'complete')));
});

test('another text is another environment, and other files beside it where the text speaks of files', async (t) => {
  const homes = async (text: string): Promise<number> => {
    const { environments, needs } = place(t, text);
    const made = [await environments.of(needs('a')), await environments.of(needs('b'))];
    return new Set(made.map((env) => env.VIRTUAL_ENV)).size;
  };
  t.is(await homes('numpy==2.0\n'), 1);
  t.is(await homes('./wheels/mine-1.0-py3-none-any.whl\n'), 2);
  t.is(await homes('--no-index\n--find-links wheels\nmine\n'), 2);
  const { folder, environments, needs } = place(t);
  const first = await environments.of(needs());
  writeFileSync(join(folder, 'requirements.txt'), 'numpy==2.1\n');
  t.not((await environments.of(needs())).VIRTUAL_ENV, first.VIRTUAL_ENV);
});

test('what pip says is told, nothing half made is used, and the next who asks tries again', async (t) => {
  const { folder, environments, asked, needs } = place(t);
  writeFileSync(join(folder, 'refuse'), '');
  const message =
    /^the Python packages of requirements\.txt could not be installed on vm1 \(no such package\); /;
  await t.throwsAsync(environments.of(needs()), { code: 'REQUIREMENTS_FAILED', message });
  await t.throwsAsync(environments.of(needs()), { code: 'REQUIREMENTS_FAILED' });
  t.is(asked().length, 4);
  rmSync(join(folder, 'refuse'));
  await environments.of(needs());
  t.is(asked().length, 6);
});

test('a requirements file that is not there is named', async (t) => {
  const { folder, environments, needs } = place(t);
  rmSync(join(folder, 'requirements.txt'));
  await t.throwsAsync(environments.of(needs()), {
    code: 'REQUIREMENTS_FAILED',
    message: /requirements\.txt .*(ENOENT|no such file)/,
  });
});

test('an installer that takes too long is killed with all that it has started', async (t) => {
  const cwd = scratch(t);
  const groups = new GroupsFile(undefined);
  const argv = ['sh', '-c', 'sleep 1000 & echo $! > pid; wait'];
  const env = { PATH: process.env.PATH ?? '' };
  const options = { cwd, env, clock: systemClock, groups, deadlineMs: 2000 };
  t.is(await runInstaller(argv, options), 'it took longer than 2 s');
  const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'));
  await until(() => identify(pid) === null, { what: 'the end of what the installer started' });
  t.pass();
});
